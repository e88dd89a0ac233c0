import type { Metric } from '../usage/usage.js';
import type { StatsSection } from './stats-reader.js';

/** How all tenants use one metric, without deleted ones. */
export interface QuotaStats {
  metric: Metric;
  used: number;
  /** Tenants that use more than 80 % of their limit, those at the limit included. */
  tenantsAbove80Percent: number;
  tenantsAtLimit: number;
  measuredAt: Date;
}

interface Row extends Omit<QuotaStats, 'metric' | 'measuredAt'> {
  metric: string;
  measuredAt: string;
}

/** A large registry answers with the measurement of a worker, a small one is measured now: see registry_measure_quotas. */
export const quotaStats: StatsSection<QuotaStats[]> = {
  sql: () => `
    WITH ahead AS MATERIALIZED (SELECT registry_measures_ahead() AND EXISTS (SELECT FROM quota_use) AS is_measured)
    SELECT jsonb_agg(jsonb_build_object('metric', metric, 'used', used, 'tenantsAbove80Percent', tenants_above_80,
                                        'tenantsAtLimit', tenants_at_limit, 'measuredAt', measured_at) ORDER BY metric)
    FROM (SELECT metric, used, tenants_above_80, tenants_at_limit, measured_at FROM quota_use WHERE (SELECT is_measured FROM ahead)
          UNION ALL
          SELECT metric, used, tenants_above_80, tenants_at_limit, now() FROM registry_quota_use() WHERE NOT (SELECT is_measured FROM ahead)
         ) AS measured`,
  read: (rows: Row[]) =>
    rows.map(({ metric, measuredAt, ...numbers }) => ({
      metric: metric.toUpperCase() as Metric,
      measuredAt: new Date(measuredAt),
      ...numbers,
    })),
};
