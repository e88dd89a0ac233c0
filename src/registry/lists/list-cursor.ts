import { z } from 'zod';
import { invalidField, type RegistryError } from '../../errors.js';
import { isUuid } from '../slug.js';
import { isStorable } from '../values/storable-text.js';

/** Place of a row in an ordered list: its value of the order's field, then its id. */
export interface ListPosition {
  /** Times with microseconds, as PostgreSQL writes them: JavaScript's Date would cut them off. */
  value: string;
  id: string;
}

/** A row of an ordered list with its place. */
export interface ListEntry<Node> extends ListPosition {
  node: Node;
}

const time = /^(-?infinity|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)$/;
const Content = z.tuple([z.string(), z.string(), z.string().max(500), z.string()]);

/** An order of a list. Fields whose names end in At are times. */
export interface ListOrder {
  list:
    | 'tenants'
    | 'operations'
    | 'apiKeys'
    | 'members'
    | 'clientConfigs'
    | 'attempts'
    | 'tenantResults'
    | 'rollouts'
    | 'rolloutTenants'
    | 'drift';
  field: string;
  /** Values of which one, with a colon, is the beginning of each value of the order; undefined: values have none. */
  groups?: readonly string[] | undefined;
  /** Whether a text can be an id of the list. Default: UUIDs. */
  isId?: (text: string) => boolean;
}

/** The cursor holds the values themselves, so a page begins at the same place after the row has changed. */
export function writeCursor({ list, field }: ListOrder, { value, id }: ListPosition): string {
  return Buffer.from(JSON.stringify([list, field, value, id])).toString('base64url');
}

/** Reads a cursor of a caller; `argument` names it in the VALIDATION_ERROR. */
export function readCursor(
  cursor: string,
  { list, field, groups, isId = isUuid }: ListOrder,
  argument: 'after' | 'before',
): ListPosition {
  const content = Content.safeParse(parse(cursor)).data;
  if (content?.[0] !== list) throw foreign(cursor, argument);
  const [, of, value, id] = content;
  if (of !== field)
    throw invalidField(
      argument,
      'is a cursor of a list in another order: use the same orderBy, or start again from the first page',
    );
  const isTime = field.endsWith('At');
  const isOfGroup = !groups || groups.includes(value.slice(0, value.indexOf(':')));
  if (!isId(id) || !isOfGroup || !(isTime ? isMoment(value) : isStorable(value)))
    throw foreign(cursor, argument);
  return { value, id };
}

/** SQL that writes a time as in a cursor. */
export function timeSql(value: string): string {
  return `coalesce(to_char(${value} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), ${value}::text)`;
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}

function foreign(cursor: string, argument: string): RegistryError {
  const isOld = Buffer.from(cursor, 'base64').toString().startsWith('GPC:');
  return invalidField(
    argument,
    isOld
      ? 'is a cursor of another list or of an earlier version: start again from the first page'
      : 'must be a cursor of this list',
  );
}

function isMoment(value: string): boolean {
  if (!time.test(value)) return false;
  if (value.endsWith('infinity')) return true;
  const date = new Date(`${value.slice(0, 23)}Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 19) === value.slice(0, 19);
}
