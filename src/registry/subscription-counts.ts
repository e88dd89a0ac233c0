import DataLoader from 'dataloader';
import { SubscriptionStatus } from '../database/generated/prisma/enums.js';
import type { RegistryDatabase } from '../database/registry-database.js';

export interface SubscriptionCount {
  status: SubscriptionStatus;
  count: number;
}

export type SubscriptionCountsLoader = DataLoader<string, SubscriptionCount[]>;

/** Loads the numbers of subscriptions by status that triggers keep, with one query for any number of modules. */
export function createSubscriptionCountsLoader({
  readRows,
}: Pick<RegistryDatabase, 'readRows'>): SubscriptionCountsLoader {
  return new DataLoader(async (modules) => {
    const rows = await readRows<{ module: string; status: string; subscriptions: number }>({
      text: 'SELECT module, upper(status::text) AS status, subscriptions FROM subscription_counts WHERE module = ANY ($1::text[])',
      values: [modules],
    });
    const counts = new Map(rows.map((row) => [`${row.module}/${row.status}`, row.subscriptions]));
    return modules.map((module) =>
      Object.values(SubscriptionStatus).map((status) => ({
        status,
        count: counts.get(`${module}/${status}`) ?? 0,
      })),
    );
  });
}
