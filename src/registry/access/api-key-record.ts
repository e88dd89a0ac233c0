import { z } from 'zod';
import type { ApiKey } from '../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../database/registry-database.js';
import { type RowForm, readJsonRow } from '../../database/statements/row.js';
import { moment, omittable, readInput } from '../input.js';
import { type ListEntry, type ListPosition, timeSql } from '../lists/list-cursor.js';
import { direction, type ListPage, Values } from '../lists/list-page-sql.js';

/** An API key without the hash of its secret. */
export type ApiKeyRecord = Omit<ApiKey, 'secretHash'>;

/** All API keys, revoked ones included, oldest first. */
export function listApiKeys({ prisma }: RegistryDatabase): Promise<ApiKeyRecord[]> {
  return prisma.apiKey.findMany({ omit: { secretHash: true }, orderBy: { createdAt: 'asc' } });
}

type Rows = Pick<RegistryDatabase, 'readRows'>;

/** Strict, because a condition with a misspelt name would be left out, and the filter would select every key. */
const ApiKeyFilter = z.strictObject({ expiresBefore: omittable(moment), isActive: omittable(z.boolean()) });

/** Conditions on keys; a key must meet all of them. */
export type ApiKeySelection = z.output<typeof ApiKeyFilter>;

/** Reads the argument `filter`. Throws VALIDATION_ERROR that names the field. */
export function readApiKeySelection(filter: unknown): ApiKeySelection {
  return readInput(z.object({ filter: ApiKeyFilter }), { filter: filter ?? {} }).filter;
}

/** A page of the selected keys by time of creation, in the order in which it is read. */
export async function listApiKeyPage(
  { readRows }: Rows,
  selection: ApiKeySelection,
  page: ListPage,
): Promise<ListEntry<ApiKey>[]> {
  const values = new Values();
  const { after, before, isDescending } = page;
  const beyond = (operator: string, { value, id }: ListPosition) =>
    `(created_at, id) ${operator} (${values.add(value, 'timestamptz')}, ${values.add(id, 'uuid')})`;
  const conditions = [
    ...conditionsOf(values, selection),
    ...(after ? [beyond(isDescending ? '<' : '>', after)] : []),
    ...(before ? [beyond(isDescending ? '>' : '<', before)] : []),
  ];
  const rows = await readRows<ListPosition & { json: Record<string, unknown> }>({
    text: `SELECT id, ${timeSql('created_at')} AS value, (SELECT row_to_json(shown.*) FROM (SELECT ${columns}) AS shown) AS json FROM api_keys
      ${whereSql(conditions)}
      ORDER BY created_at ${direction(page)}, id ${direction(page)} LIMIT ${values.add(page.limit, 'int')}`,
    values: values.list,
  });
  return rows.map(({ json, ...position }) => ({
    ...position,
    // All columns of the table are fields of the model, which a test compares; the hash of the secret is left out, and shown nowhere.
    node: readJsonRow(apiKeyRow, json) as unknown as ApiKey,
  }));
}

/** Number of the selected keys. */
export async function countApiKeys({ readRows }: Rows, selection: ApiKeySelection): Promise<number> {
  const values = new Values();
  const text = `SELECT count(*)::int AS count FROM api_keys ${whereSql(conditionsOf(values, selection))}`;
  const [row] = await readRows<{ count: number }>({ text, values: values.list });
  return row?.count ?? 0;
}

function conditionsOf(values: Values, { expiresBefore, isActive }: ApiKeySelection): string[] {
  const active = '(revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()))';
  return [
    ...(expiresBefore === undefined
      ? []
      : [`expires_at < ${values.add(expiresBefore.toISOString(), 'timestamptz')}`]),
    ...(isActive === undefined ? [] : [isActive ? active : `NOT ${active}`]),
  ];
}

function whereSql(conditions: readonly string[]): string {
  return conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
}

/** All but the hash of the secret. */
const columns = 'id, name, scopes, created_at, created_by, expires_at, revoked_at, last_used_at';

const apiKeyRow: RowForm = {
  enums: new Set(),
  times: ['createdAt', 'expiresAt', 'revokedAt', 'lastUsedAt'],
};
