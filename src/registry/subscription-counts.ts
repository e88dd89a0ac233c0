import DataLoader from 'dataloader';
import type { PrismaClient } from '../database/generated/prisma/client.js';
import type { SubscriptionStatus } from '../database/generated/prisma/enums.js';

export interface SubscriptionCount {
  status: SubscriptionStatus;
  count: number;
}

export type SubscriptionCountsLoader = DataLoader<string, SubscriptionCount[]>;

/** Loads the numbers of subscriptions by status that triggers keep, without zeros, with one query for any number of modules. */
export function createSubscriptionCountsLoader(prisma: PrismaClient): SubscriptionCountsLoader {
  return new DataLoader(async (modules) => {
    const rows = await prisma.subscriptionCount.findMany({
      where: { moduleName: { in: [...modules] }, subscriptions: { gt: 0 } },
      orderBy: { status: 'asc' },
    });
    return modules.map((module) =>
      rows
        .filter(({ moduleName }) => moduleName === module)
        .map(({ status, subscriptions }) => ({ status, count: subscriptions })),
    );
  });
}
