import type { UsageMetric } from '../../generated/graphql.js';

/** The column of the list of tenants with the use of a metric. */
export const usageColumns: Readonly<Record<UsageMetric, string>> = {
  USERS: 'users',
  MONTHLY_QUOTES: 'quotes',
  STORAGE_GB: 'storage',
};

export const usageTitles: Readonly<Record<UsageMetric, string>> = {
  USERS: 'Users',
  MONTHLY_QUOTES: 'Quotes this month',
  STORAGE_GB: 'Storage, GB',
};
