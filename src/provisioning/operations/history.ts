import DataLoader from 'dataloader';
import type { PrismaClient } from '../../database/generated/prisma/client.js';
import type { OperationWithSteps } from './operation.js';

/** The operations of one subscription: its newest ones, as many as `first`. */
interface HistoryKey {
  tenantId: string;
  moduleName: string;
  first: number;
}

export type HistoryLoader = DataLoader<HistoryKey, OperationWithSteps[], string>;

/** How many operations a history shows per tenant and module, and how many unless the caller asks for another number. */
export const maxHistory = 100;
export const defaultHistory = 20;

/** Loads the operations on the storage of subscriptions, newest first, with the same number of queries for any number of keys. */
export function createHistoryLoader(prisma: PrismaClient): HistoryLoader {
  return new DataLoader(
    async (keys) => {
      const found = await listNewest(prisma, keys);
      const operations = await prisma.operation.findMany({
        where: { id: { in: [...new Set(found.map(({ id }) => id))] } },
        include: { steps: { orderBy: { position: 'asc' } } },
      });
      const byId = new Map(operations.map((operation) => [operation.id, operation]));
      const histories = keys.map((): OperationWithSteps[] => []);
      for (const { key, id } of found) {
        const operation = byId.get(id);
        if (operation) histories[key - 1]?.push(operation);
      }
      return histories;
    },
    { cacheKeyFn: ({ tenantId, moduleName, first }) => `${tenantId}/${moduleName}/${first}` },
  );
}

/** The limit is per key and in the database: a tenant may have any number of operations. */
function listNewest(
  prisma: PrismaClient,
  keys: readonly HistoryKey[],
): Promise<{ key: number; id: string }[]> {
  const [tenants, modules, limits] = [
    keys.map(({ tenantId }) => tenantId),
    keys.map(({ moduleName }) => moduleName),
    keys.map(({ first }) => first),
  ];
  // Updates of guards are left out: each suspension makes one, and they say nothing about provisioning.
  return prisma.$queryRaw`
    SELECT wanted.key::int AS key, newest.id
    FROM unnest(${tenants}::uuid[], ${modules}::text[], ${limits}::int[]) WITH ORDINALITY AS wanted (tenant, module, first, key)
    CROSS JOIN LATERAL (
      SELECT operation.id, operation.created_at FROM operations AS operation
      WHERE operation.tenant_id = wanted.tenant AND operation.kind <> 'bind_storage'
        AND EXISTS (SELECT FROM operation_steps AS step WHERE step.operation_id = operation.id AND step.module = wanted.module)
      ORDER BY operation.created_at DESC, operation.id DESC
      LIMIT wanted.first
    ) AS newest
    ORDER BY wanted.key, newest.created_at DESC, newest.id DESC`;
}
