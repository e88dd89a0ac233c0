import DataLoader from 'dataloader';
import type { OperationStatus, OperationTenant } from '../../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../../database/registry-database.js';
import { type RowForm, readJsonRow } from '../../../database/statements/row.js';
import { inDatabase } from '../../../registry/lists/tenant-filter.js';
import {
  type OperationJson,
  type OperationWithSteps,
  operationJson,
  readOperationJson,
} from '../operation-row.js';

/** The results of an operation on many tenants, in the order of the selection, from a position on. */
interface TenantResultsKey {
  operationId: string;
  /** Undefined: all of them. */
  statuses: readonly OperationStatus[] | undefined;
  limit: number;
  /** Only positions after this one. */
  after: number;
}

/** A result, with the operation that makes the storage of the tenant. */
export type TenantResult = OperationTenant & { child: OperationWithSteps | null };

export type TenantResultsLoader = DataLoader<TenantResultsKey, TenantResult[], string>;

/** The statuses that a result can have. */
const resultStatuses: readonly OperationStatus[] = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED'];

export const operationTenantRow: RowForm = {
  enums: new Set(['status']),
  times: ['createdAt', 'finishedAt'],
};

/** Loads results with one statement for any number of operations. The work does not grow with the number of results. */
export function createTenantResultsLoader({
  readRows,
}: Pick<RegistryDatabase, 'readRows'>): TenantResultsLoader {
  return new DataLoader(
    async (keys) => {
      const rows = await readRows<{ key: number; child: OperationJson | null }>({
        text: resultsSql,
        values: [
          keys.map(({ operationId }) => operationId),
          keys.map(({ limit }) => limit),
          keys.map(({ after }) => after),
          keys.map(({ statuses }) => `{${inDatabase(statuses ?? resultStatuses).join(',')}}`),
        ],
      });
      const results = keys.map((): TenantResult[] => []);
      // All columns of the table are fields of the model, which a test compares.
      for (const { key, child, ...row } of rows)
        results[key - 1]?.push({
          ...(readJsonRow(operationTenantRow, row) as unknown as OperationTenant),
          child: child && readOperationJson(child),
        });
      return results;
    },
    { cacheKeyFn: (key) => JSON.stringify(key) },
  );
}

// One range of the index per status, merged.
const resultsSql = `
  SELECT wanted.key::int AS key, page.*, ${operationJson('page.child_id')} AS child
  FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[]) WITH ORDINALITY AS wanted (operation, length, after, statuses, key)
  CROSS JOIN LATERAL (
    SELECT part.* FROM unnest(wanted.statuses::operation_status[]) AS of_status (status)
    CROSS JOIN LATERAL (
      SELECT result.* FROM operation_tenants AS result
      WHERE result.operation_id = wanted.operation AND result.status = of_status.status AND result.position > wanted.after
      ORDER BY result.position LIMIT wanted.length
    ) AS part
    ORDER BY part.position LIMIT wanted.length
  ) AS page
  ORDER BY wanted.key, page.position`;
