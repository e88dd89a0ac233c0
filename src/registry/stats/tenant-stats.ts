import type { Plan, SubscriptionStatus, TenantStatus } from '../../database/generated/prisma/client.js';
import type { StatsSection } from './stats-reader.js';

/** Numbers of tenants and subscriptions. Entries of 0 are left out. */
export interface TenantStats {
  /** All tenants but purged ones. */
  total: number;
  byStatus: { status: TenantStatus; count: number }[];
  /** Without purged tenants. */
  byPlan: { plan: Plan; count: number }[];
  /** All modules by name. */
  modules: ModuleStats[];
}

export interface ModuleStats {
  module: string;
  /** Tenants with an active subscription. */
  tenants: number;
  subscriptions: { status: SubscriptionStatus; count: number }[];
}

interface Counts {
  /** `module` is empty for all tenants. */
  tenants: { module: string; status: string; plan: string; count: number }[];
  subscriptions: { module: string; status: string; count: number }[];
  modules: string[];
}

/** From the tables of counts, which have a row per module, status and plan. */
export const tenantStats: StatsSection<TenantStats> = {
  sql: () => `SELECT jsonb_build_object(
    'tenants', (SELECT coalesce(jsonb_agg(jsonb_build_object('module', module, 'status', status, 'plan', plan, 'count', tenants)
                                          ORDER BY status, plan), '[]') FROM tenant_counts WHERE tenants > 0),
    'subscriptions', (SELECT coalesce(jsonb_agg(jsonb_build_object('module', module, 'status', status, 'count', subscriptions)
                                                ORDER BY status), '[]') FROM subscription_counts WHERE subscriptions > 0),
    'modules', (SELECT coalesce(jsonb_agg(name ORDER BY name), '[]') FROM modules))`,
  read: ({ tenants, subscriptions, modules }: Counts) => {
    const all = tenants.filter(({ module }) => module === '');
    const present = all.filter(({ status }) => status !== 'purged');
    return {
      total: sum(present),
      // The values of the database's enums are the names of Prisma's in small letters.
      byStatus: group(all, 'status') as TenantStats['byStatus'],
      byPlan: group(present, 'plan') as TenantStats['byPlan'],
      modules: modules.map((module) => ({
        module,
        tenants: sum(tenants.filter((one) => one.module === module && one.status !== 'purged')),
        subscriptions: group(
          subscriptions.filter((one) => one.module === module),
          'status',
        ) as ModuleStats['subscriptions'],
      })),
    };
  },
};

function sum(counts: readonly { count: number }[]): number {
  return counts.reduce((total, { count }) => total + count, 0);
}

function group<Key extends string>(
  counts: readonly ({ count: number } & Record<Key, string>)[],
  key: Key,
): { count: number }[] {
  const names = [...new Set(counts.map((one) => one[key]))];
  return names.map((name) => ({
    [key]: name.toUpperCase(),
    count: sum(counts.filter((one) => one[key] === name)),
  })) as { count: number }[];
}
