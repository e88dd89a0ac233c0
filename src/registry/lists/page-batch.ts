import type { RegistryDatabase } from '../../database/registry-database.js';
import type { ListEntry, ListPosition } from './list-cursor.js';
import { direction, type ListPage, type Statement, Values } from './list-page-sql.js';

/** A list of which each parent has one, such as the members of a tenant. */
interface ListOfParent<Key, Json, Node> {
  /** Columns of `wanted` by which the list is found. */
  parent: Record<string, { type: string; of(key: Key): unknown }>;
  /** The columns of the order, with the value of each at a position. Together they have each value once in a list. */
  order: Record<string, { type: string; of(position: ListPosition): unknown }>;
  /** Table and condition, with the columns of `wanted`. */
  from: string;
  /** SQL of the position. */
  id: string;
  value: string;
  /** SQL of the row at `page.id` as JSON. The columns of the order are in `page` with the prefix `of_`. */
  json: string;
  read(json: Json): Node;
}

interface PageKey {
  page: ListPage;
}

/**
 * The entries of one page of each list, in the order in which it is read. Pages that are read in the same direction, with
 * limits at the same ends, take one statement together.
 */
export async function listPages<Key extends PageKey, Json, Node>(
  { readRows }: Pick<RegistryDatabase, 'readRows'>,
  keys: readonly Key[],
  list: ListOfParent<Key, Json, Node>,
): Promise<ListEntry<Node>[][]> {
  const pages = keys.map((): ListEntry<Node>[] => []);
  const read = async (group: Group<Key>) => {
    const rows = await readRows<ListPosition & { at: number; json: Json }>(pagesStatement(group, list));
    for (const { at, json, ...position } of rows) pages[at]?.push({ ...position, node: list.read(json) });
  };
  await Promise.all([...groupByShape(keys)].map(read));
  return pages;
}

interface Numbered<Key> {
  key: Key;
  at: number;
}

type Group<Key> = [Numbered<Key>, ...Numbered<Key>[]];

function groupByShape<Key extends PageKey>(keys: readonly Key[]): Iterable<Group<Key>> {
  const groups = new Map<string, Group<Key>>();
  for (const [at, key] of keys.entries()) {
    const { after, before } = key.page;
    const shape = [direction(key.page), after !== undefined, before !== undefined].join();
    const group = groups.get(shape);
    if (group) group.push({ key, at });
    else groups.set(shape, [{ key, at }]);
  }
  return groups.values();
}

function pagesStatement<Key extends PageKey>(
  group: Group<Key>,
  list: ListOfParent<Key, never, unknown>,
): Statement {
  const values = new Values();
  const [
    {
      key: { page },
    },
  ] = group;
  const names: string[] = [];
  const arrays: string[] = [];
  const add = (name: string, type: string, of: (one: Numbered<Key>) => unknown) => {
    names.push(name);
    arrays.push(values.add(group.map(of), `${type}[]`));
  };
  add('at', 'int', ({ at }) => at);
  add('length', 'int', ({ key }) => key.page.limit);
  for (const [name, { type, of }] of Object.entries(list.parent)) add(name, type, ({ key }) => of(key));
  const columns = Object.keys(list.order);
  const bounds = (['after', 'before'] as const).flatMap((end) => {
    if (!page[end]) return [];
    for (const [column, { type, of }] of Object.entries(list.order))
      add(`${end}_${column}`, type, ({ key }) => {
        const position = key.page[end];
        return position && of(position);
      });
    const operator = (end === 'after') === page.isDescending ? '<' : '>';
    const limits = columns.map((column) => `wanted.${end}_${column}`);
    return [`AND (${columns.join(', ')}) ${operator} (${limits.join(', ')})`];
  });
  const order = (of: string) => columns.map((column) => `${of}${column} ${direction(page)}`).join(', ');
  const text = `
    SELECT wanted.at, page.id, page.value, ${list.json} AS json
    FROM unnest(${arrays.join(', ')}) AS wanted (${names.join(', ')})
    CROSS JOIN LATERAL (
      SELECT ${list.id} AS id, ${list.value} AS value, ${columns.map((column) => `${column} AS of_${column}`).join(', ')}
      FROM ${list.from} ${bounds.join(' ')}
      ORDER BY ${order('')} LIMIT wanted.length
    ) AS page
    ORDER BY wanted.at, ${order('page.of_')}`;
  return { text, values: values.list };
}
