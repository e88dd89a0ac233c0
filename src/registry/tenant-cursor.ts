import { z } from 'zod';
import { invalidField, type RegistryError } from '../errors.js';
import { isUuid } from './slug.js';
import { isStorable } from './storable-text.js';

/** Fields by which tenants are listed. */
export type TenantOrderField = 'name' | 'slug' | 'createdAt' | 'updatedAt';

/** Place of a tenant in an ordered list: its value of the order's field, then its id. */
export interface TenantPosition {
  /** Times with microseconds, as PostgreSQL writes them: JavaScript's Date would cut them off. */
  value: string;
  id: string;
}

const time = /^(-?infinity|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)$/;
const Content = z.tuple([
  z.literal('tenants'),
  z.enum(['name', 'slug', 'createdAt', 'updatedAt']),
  z.string().max(500),
  z.string(),
]);

/** The cursor holds the values themselves, so a page begins at the same place after the tenant has changed. */
export function writeTenantCursor(field: TenantOrderField, { value, id }: TenantPosition): string {
  return Buffer.from(JSON.stringify(['tenants', field, value, id])).toString('base64url');
}

/** Reads a cursor of a caller; `argument` names it in the VALIDATION_ERROR. */
export function readTenantCursor(
  cursor: string,
  field: TenantOrderField,
  argument: 'after' | 'before',
): TenantPosition {
  const content = Content.safeParse(parse(cursor)).data;
  if (!content) throw foreign(cursor, argument);
  const [, of, value, id] = content;
  if (of !== field)
    throw invalidField(
      argument,
      'is a cursor of a list in another order: use the same orderBy, or start again from the first page',
    );
  const isTime = field === 'createdAt' || field === 'updatedAt';
  if (!isUuid(id) || !(isTime ? isMoment(value) : isStorable(value))) throw foreign(cursor, argument);
  return { value, id };
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
