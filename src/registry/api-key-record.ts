import type { ApiKey } from '../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../database/registry-database.js';
import { type RowForm, readJsonRow } from '../database/row.js';
import { type ListEntry, type ListPosition, timeSql } from './lists/list-cursor.js';
import { direction, type ListPage, Values } from './lists/list-page-sql.js';

/** An API key without the hash of its secret. */
export type ApiKeyRecord = Omit<ApiKey, 'secretHash'>;

/** All API keys, revoked ones included, oldest first. */
export function listApiKeys({ prisma }: RegistryDatabase): Promise<ApiKeyRecord[]> {
  return prisma.apiKey.findMany({ omit: { secretHash: true }, orderBy: { createdAt: 'asc' } });
}

/** A page of the keys by time of creation, in the order in which it is read. */
export async function listApiKeyPage(
  { readRows }: Pick<RegistryDatabase, 'readRows'>,
  page: ListPage,
): Promise<ListEntry<ApiKey>[]> {
  const values = new Values();
  const { after, before, isDescending } = page;
  const beyond = (operator: string, { value, id }: ListPosition) =>
    `(created_at, id) ${operator} (${values.add(value, 'timestamptz')}, ${values.add(id, 'uuid')})`;
  const conditions = [
    ...(after ? [beyond(isDescending ? '<' : '>', after)] : []),
    ...(before ? [beyond(isDescending ? '>' : '<', before)] : []),
  ];
  const rows = await readRows<ListPosition & { json: Record<string, unknown> }>({
    text: `SELECT id, ${timeSql('created_at')} AS value, (SELECT row_to_json(shown.*) FROM (SELECT ${columns}) AS shown) AS json FROM api_keys
      ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}
      ORDER BY created_at ${direction(page)}, id ${direction(page)} LIMIT ${values.add(page.limit, 'int')}`,
    values: values.list,
  });
  return rows.map(({ json, ...position }) => ({
    ...position,
    // All columns of the table are fields of the model, which a test compares; the hash of the secret is left out, and shown nowhere.
    node: readJsonRow(apiKeyRow, json) as unknown as ApiKey,
  }));
}

/** All but the hash of the secret. */
const columns = 'id, name, scopes, created_at, created_by, expires_at, revoked_at, last_used_at';

const apiKeyRow: RowForm = {
  enums: new Set(),
  times: ['createdAt', 'expiresAt', 'revokedAt', 'lastUsedAt'],
};
