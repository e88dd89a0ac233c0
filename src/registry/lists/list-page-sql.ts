import type { ListPosition } from './list-cursor.js';

export interface Statement {
  text: string;
  values: unknown[];
}

/** A page of a list: the first `limit` rows after `after` and before `before`, or the last ones. */
export interface ListPage {
  isDescending: boolean;
  after: ListPosition | undefined;
  before: ListPosition | undefined;
  limit: number;
  isFromEnd: boolean;
}

/** Values of a statement in the order of their placeholders. */
export class Values {
  readonly list: unknown[] = [];

  add(value: unknown, type: string): string {
    this.list.push(value);
    return `$${this.list.length}::${type}`;
  }
}

/** The direction in which the page is read. */
export function direction({
  isDescending,
  isFromEnd,
}: Pick<ListPage, 'isDescending' | 'isFromEnd'>): 'ASC' | 'DESC' {
  return isDescending === isFromEnd ? 'ASC' : 'DESC';
}
