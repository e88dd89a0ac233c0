import DataLoader from 'dataloader';
import type { RegistryDatabase } from '../../database/registry-database.js';
import { type ChangePosition, type ChangeRow, columns, type LoggedChange, readChange } from './change-log.js';

/** The newest entries of a tenant, of those that come after a position. */
interface TenantChangesKey {
  tenantId: string;
  limit: number;
  after: ChangePosition | undefined;
}

export type TenantChangesLoader = DataLoader<TenantChangesKey, LoggedChange[], string>;

const maxBigint = '9223372036854775807';

/** Loads the changes of tenants, newest first, with one query for any number of tenants. */
export function createTenantChangesLoader({
  readRows,
}: Pick<RegistryDatabase, 'readRows'>): TenantChangesLoader {
  return new DataLoader(
    async (keys) => {
      const rows = await readRows<ChangeRow & { key: number }>({
        text: newestSql,
        values: [
          keys.map(({ tenantId }) => tenantId),
          keys.map(({ limit }) => limit),
          keys.map(({ after }) => (after ? String(after.revision) : maxBigint)),
          keys.map(({ after }) => after?.position ?? 0),
        ],
      });
      const pages = keys.map((): LoggedChange[] => []);
      for (const { key, ...row } of rows) pages[key - 1]?.push(readChange(row));
      return pages;
    },
    {
      cacheKeyFn: ({ tenantId, limit, after }) =>
        `${tenantId}/${limit}/${after ? `${after.revision}/${after.position}` : ''}`,
    },
  );
}

// Ordered by the tenant as well, so that no other index fits.
const newestSql = `
  SELECT wanted.key::int AS key, ${columns}
  FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::int[]) WITH ORDINALITY
    AS wanted (of_tenant, length, last_revision, last_position, key)
  CROSS JOIN LATERAL (
    SELECT * FROM registry_change
    WHERE tenant_id >= of_tenant AND tenant_id <= of_tenant
      AND (tenant_id, revision, position) < (of_tenant, last_revision, last_position)
    ORDER BY tenant_id DESC, revision DESC, position DESC
    LIMIT wanted.length
  ) AS entry
  ORDER BY wanted.key, entry.revision DESC, entry.position DESC`;
