import DataLoader from 'dataloader';
import type { PrismaClient } from '../../database/generated/prisma/client.js';
import type { OperationWithSteps } from './operation.js';

export type HistoryLoader = DataLoader<
  { tenantId: string; moduleName: string },
  OperationWithSteps[],
  string
>;

/** How many operations a history shows per tenant and module, newest first. */
export const historyLength = 100;

/** Loads the operations on the storage of subscriptions, newest first, in one query per batch. */
export function createHistoryLoader(prisma: PrismaClient): HistoryLoader {
  return new DataLoader(
    async (keys) => {
      const operations = await prisma.operation.findMany({
        where: {
          // Updates of guards are left out: each suspension makes one, and they say nothing about provisioning.
          kind: { not: 'BIND_STORAGE' },
          OR: keys.map(({ tenantId, moduleName }) => ({ tenantId, steps: { some: { moduleName } } })),
        },
        include: { steps: { orderBy: { position: 'asc' } } },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      });
      return keys.map(({ tenantId, moduleName }) =>
        operations
          .filter(
            (operation) =>
              operation.tenantId === tenantId &&
              operation.steps.some((step) => step.moduleName === moduleName),
          )
          .slice(0, historyLength),
      );
    },
    { cacheKeyFn: ({ tenantId, moduleName }) => `${tenantId}/${moduleName}` },
  );
}
