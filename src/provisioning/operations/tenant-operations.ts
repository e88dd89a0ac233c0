import DataLoader from 'dataloader';
import type { RegistryDatabase } from '../../database/registry-database.js';
import { type ListPosition, timeSql } from '../../registry/lists/list-cursor.js';
import type { OperationWithSteps } from './operation.js';

/** The newest operations of a tenant, of those that come after a position. */
interface TenantOperationsKey {
  tenantId: string;
  limit: number;
  after: ListPosition | undefined;
  /** Whether to include operations on many tenants, which tell about other tenants. */
  includesBulk: boolean;
}

interface TenantOperations {
  positions: ListPosition[];
  operations: OperationWithSteps[];
}

export type TenantOperationsLoader = DataLoader<TenantOperationsKey, TenantOperations, string>;

/** Loads operations of tenants, newest first, with the same number of queries for any number of tenants. */
export function createTenantOperationsLoader(
  database: Pick<RegistryDatabase, 'rowPool' | 'prisma'>,
): TenantOperationsLoader {
  return new DataLoader(
    async (keys) => {
      const { rows } = await database.rowPool.query<ListPosition & { key: number }>({
        text: newestSql,
        values: [
          keys.map(({ tenantId }) => tenantId),
          keys.map(({ limit }) => limit),
          keys.map(({ after }) => after?.value ?? 'infinity'),
          keys.map(({ after }) => after?.id ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
          keys.map(({ includesBulk }) => includesBulk),
        ],
      });
      const operations = await database.prisma.operation.findMany({
        where: { id: { in: [...new Set(rows.map(({ id }) => id))] } },
        include: { steps: { orderBy: { position: 'asc' } } },
      });
      const byId = new Map(operations.map((operation) => [operation.id, operation]));
      const pages = keys.map((): TenantOperations => ({ positions: [], operations: [] }));
      for (const { key, id, value } of rows) {
        pages[key - 1]?.positions.push({ id, value });
        const operation = byId.get(id);
        if (operation) pages[key - 1]?.operations.push(operation);
      }
      return pages;
    },
    { cacheKeyFn: (key) => JSON.stringify(key) },
  );
}

// Ordered by the tenant as well, so that no other index fits. Operations on many tenants are in operation_tenants.
const newestSql = `
  SELECT wanted.key::int AS key, page.id, ${timeSql('page.created_at')} AS value
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
