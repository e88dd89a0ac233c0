import DataLoader from 'dataloader';
import type { PrismaClient } from '../database/generated/prisma/client.js';
import { SubscriptionStatus } from '../database/generated/prisma/enums.js';

export interface SubscriptionCount {
  status: SubscriptionStatus;
  count: number;
}

export type SubscriptionCountsLoader = DataLoader<string, SubscriptionCount[]>;

/** Loads the numbers of subscriptions by status that triggers keep, with one query for any number of modules. */
export function createSubscriptionCountsLoader(prisma: PrismaClient): SubscriptionCountsLoader {
  return new DataLoader(async (modules) => {
    const rows = await prisma.subscriptionCount.findMany({ where: { moduleName: { in: [...modules] } } });
    const counts = new Map(rows.map((row) => [`${row.moduleName}/${row.status}`, row.subscriptions]));
    return modules.map((module) =>
      Object.values(SubscriptionStatus).map((status) => ({
        status,
        count: counts.get(`${module}/${status}`) ?? 0,
      })),
    );
  });
}
