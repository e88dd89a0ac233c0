import DataLoader from 'dataloader';
import type { RegistryDatabase } from '../../../database/registry-database.js';
import { type ListEntry, type ListPosition, timeSql } from '../../../registry/lists/list-cursor.js';
import {
  type OperationJson,
  type OperationWithSteps,
  operationJson,
  readOperationJson,
} from '../operation-row.js';

/** The newest operations of a tenant, of those that come after a position. */
interface TenantOperationsKey {
  tenantId: string;
  limit: number;
  after: ListPosition | undefined;
  /** Whether to include operations on many tenants, which tell about other tenants. */
  includesBulk: boolean;
}

export type TenantOperationsLoader = DataLoader<TenantOperationsKey, ListEntry<OperationWithSteps>[], string>;

/** Loads operations of tenants, newest first, with one statement for any number of tenants. */
export function createTenantOperationsLoader({
  readRows,
}: Pick<RegistryDatabase, 'readRows'>): TenantOperationsLoader {
  return new DataLoader(
    async (keys) => {
      const rows = await readRows<ListPosition & { key: number; operation: OperationJson }>({
        text: newestSql,
        values: [
          keys.map(({ tenantId }) => tenantId),
          keys.map(({ limit }) => limit),
          keys.map(({ after }) => after?.value ?? 'infinity'),
          keys.map(({ after }) => after?.id ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
          keys.map(({ includesBulk }) => includesBulk),
        ],
      });
      const pages = keys.map((): ListEntry<OperationWithSteps>[] => []);
      for (const { key, operation, ...position } of rows)
        pages[key - 1]?.push({ ...position, node: readOperationJson(operation) });
      return pages;
    },
    { cacheKeyFn: (key) => JSON.stringify(key) },
  );
}

// Ordered by the tenant as well, so that no other index fits. Operations on many tenants are in operation_tenants.
const newestSql = `
  SELECT wanted.key::int AS key, page.id, ${timeSql('page.created_at')} AS value, ${operationJson('page.id')} AS operation
  FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::uuid[], $5::boolean[])
    WITH ORDINALITY AS wanted (tenant, length, at, id, bulk, key)
  CROSS JOIN LATERAL (
    (${newestOf({ table: 'operations', id: 'id' })})
    UNION ALL (${newestOf({ table: 'operation_tenants', id: 'operation_id', where: 'wanted.bulk' })})
    ORDER BY created_at DESC, id DESC LIMIT wanted.length
  ) AS page
  ORDER BY wanted.key, page.created_at DESC, page.id DESC`;

function newestOf({ table, id, where = 'true' }: { table: string; id: string; where?: string }): string {
  return `SELECT ${id} AS id, created_at FROM ${table}
    WHERE ${where} AND tenant_id >= wanted.tenant AND tenant_id <= wanted.tenant
      AND (tenant_id, created_at, ${id}) < (wanted.tenant, wanted.at, wanted.id)
    ORDER BY tenant_id DESC, created_at DESC, ${id} DESC LIMIT wanted.length`;
}
