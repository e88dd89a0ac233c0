import DataLoader from 'dataloader';
import type { SubscriptionStatus } from '../../database/generated/prisma/enums.js';
import type { RegistryDatabase } from '../../database/registry-database.js';

export interface SubscriptionCount {
  status: SubscriptionStatus;
  count: number;
}

export type SubscriptionCountsLoader = DataLoader<string, SubscriptionCount[]>;

/** Loads the numbers of subscriptions by status that triggers keep, without zeros, with one query for any number of modules. */
export function createSubscriptionCountsLoader({
  readRows,
}: Pick<RegistryDatabase, 'readRows'>): SubscriptionCountsLoader {
  return new DataLoader(async (modules) => {
    const rows = await readRows<{ module: string; status: SubscriptionStatus; count: number }>({
      text: `SELECT module, upper(status::text) AS status, subscriptions AS count FROM subscription_counts
        WHERE module = ANY ($1::text[]) AND subscriptions > 0 ORDER BY subscription_counts.status`,
      values: [modules],
    });
    return modules.map((module) =>
      rows.filter((row) => row.module === module).map(({ status, count }) => ({ status, count })),
    );
  });
}
