import DataLoader from 'dataloader';
import type { RegistryDatabase } from '../../database/registry-database.js';
import type { OperationWithSteps } from './operation.js';

export type HistoryLoader = DataLoader<
  { tenantId: string; moduleName: string },
  OperationWithSteps[],
  string
>;

/** How many operations a history shows per tenant and module, newest first. */
export const historyLength = 100;

/** Loads the operations on the storage of subscriptions, newest first, in two queries per batch. */
export function createHistoryLoader({
  prisma,
  pool,
}: Pick<RegistryDatabase, 'prisma' | 'pool'>): HistoryLoader {
  return new DataLoader(
    async (keys) => {
      const found = await findHistories(pool, keys);
      const operations = await prisma.operation.findMany({
        where: { id: { in: [...new Set(found.flat())] } },
        include: { steps: { orderBy: { position: 'asc' } } },
      });
      const byId = new Map(operations.map((operation) => [operation.id, operation]));
      return found.map((ids) => ids.flatMap((id) => byId.get(id) ?? []));
    },
    { cacheKeyFn: ({ tenantId, moduleName }) => `${tenantId}/${moduleName}` },
  );
}

/**
 * The ids of each history. The index on operations leaves out updates of guards: each suspension makes one, and they say
 * nothing about provisioning.
 */
async function findHistories(
  pool: RegistryDatabase['pool'],
  keys: readonly { tenantId: string; moduleName: string }[],
): Promise<string[][]> {
  const { rows } = await pool.query<{ ids: string[] }>(
    `SELECT ARRAY(
       SELECT id FROM operations
       WHERE tenant_id = wanted.tenant_id AND kind <> 'bind_storage'
         AND EXISTS (SELECT FROM operation_steps WHERE operation_id = operations.id AND module = wanted.module)
       ORDER BY created_at DESC, id DESC LIMIT ${historyLength}) AS ids
     FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS wanted (tenant_id, module, ordinal) ORDER BY ordinal`,
    [keys.map(({ tenantId }) => tenantId), keys.map(({ moduleName }) => moduleName)],
  );
  return rows.map(({ ids }) => ids);
}
