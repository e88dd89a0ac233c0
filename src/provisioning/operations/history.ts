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

/** What was tried for a tenant's module, by whom, when and how it ended: any number of histories in one read. */
export function createHistoryLoader(prisma: PrismaClient): HistoryLoader {
  return new DataLoader(
    async (keys) => {
      const operations = await prisma.operation.findMany({
        where: {
          // Guards follow each suspension; nobody looks for that among what was provisioned.
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
