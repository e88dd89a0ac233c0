import type { ApiKey } from '../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../database/registry-database.js';
import { type ListPosition, timeSql } from './lists/list-cursor.js';
import { direction, type ListPage, Values } from './lists/list-page-sql.js';

/** An API key without the hash of its secret. */
export type ApiKeyRecord = Omit<ApiKey, 'secretHash'>;

/** All API keys, revoked ones included, oldest first. */
export function listApiKeys({ prisma }: RegistryDatabase): Promise<ApiKeyRecord[]> {
  return prisma.apiKey.findMany({ omit: { secretHash: true }, orderBy: { createdAt: 'asc' } });
}

/** The positions of the keys of a page by time of creation, in the order in which it is read. */
export async function listApiKeyPositions(
  { rowPool }: Pick<RegistryDatabase, 'rowPool'>,
  page: ListPage,
): Promise<ListPosition[]> {
  const values = new Values();
  const { after, before, isDescending } = page;
  const beyond = (operator: string, { value, id }: ListPosition) =>
    `(created_at, id) ${operator} (${values.add(value, 'timestamptz')}, ${values.add(id, 'uuid')})`;
  const conditions = [
    ...(after ? [beyond(isDescending ? '<' : '>', after)] : []),
    ...(before ? [beyond(isDescending ? '>' : '<', before)] : []),
  ];
  const { rows } = await rowPool.query<ListPosition>({
    text: `SELECT id, ${timeSql('created_at')} AS value FROM api_keys
      ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}
      ORDER BY created_at ${direction(page)}, id ${direction(page)} LIMIT ${values.add(page.limit, 'int')}`,
    values: values.list,
  });
  return rows;
}

/** The keys with these ids, in any order. `selected` names the columns to read, as Prisma's `select` does. */
export function loadApiKeys(
  { prisma }: Pick<RegistryDatabase, 'prisma'>,
  ids: readonly string[],
  selected: object,
): Promise<ApiKey[]> {
  return prisma.apiKey.findMany({ ...selected, where: { id: { in: [...ids] } } });
}
