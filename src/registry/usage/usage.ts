import DataLoader from 'dataloader';
import { z } from 'zod';
import type { RegistryDatabase } from '../../database/registry-database.js';
import { readTime } from '../../database/statements/row.js';

/** The quantities that have a limit per tenant. */
const metrics = ['USERS', 'MONTHLY_QUOTES', 'STORAGE_GB'] as const;

export type Metric = (typeof metrics)[number];

export const metric = z.enum(metrics, { error: `must be ${metrics.join(', ')}` });

/** What a tenant uses of one metric at this moment. */
export interface Usage {
  metric: Metric;
  used: number;
  limit: number;
  /** Start and end of the month, by the clock of the tenant; null for a metric without periods. */
  startsAt: Date | null;
  endsAt: Date | null;
}

/** Columns of registry_usage; numeric values are texts. */
export interface UsageRow {
  metric: string;
  used: string;
  max: string;
  starts_at: Date | null;
  ends_at: Date | null;
}

export function readUsage(row: UsageRow): Usage {
  return {
    // The values of the database's enum are the same names in small letters.
    metric: row.metric.toUpperCase() as Metric,
    used: Number(row.used),
    limit: Number(row.max),
    startsAt: row.starts_at,
    endsAt: row.ends_at,
  };
}

/** The same as JSON. */
interface JsonUsageRow {
  ordinal: number;
  metric: string;
  used: number;
  max: number;
  starts_at: string | null;
  ends_at: string | null;
}

export type UsageLoader = DataLoader<string, Usage[]>;

/** Loads the usage of tenants by id, one entry per metric, with one statement for any number of tenants. */
export function createUsageLoader({ readRows }: Pick<RegistryDatabase, 'readRows'>): UsageLoader {
  return new DataLoader(async (tenantIds) => {
    const rows = await readRows<JsonUsageRow>({
      text: `SELECT wanted.ordinal::int AS ordinal, used.*
       FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, ordinal) CROSS JOIN LATERAL registry_usage(wanted.id) AS used
       ORDER BY wanted.ordinal, used.metric`,
      values: [tenantIds],
    });
    const usages = tenantIds.map((): Usage[] => []);
    for (const { ordinal, used, max, starts_at, ends_at, ...row } of rows) {
      const amounts = { used: String(used), max: String(max) };
      const times = { starts_at: readTime(starts_at), ends_at: readTime(ends_at) };
      usages[ordinal - 1]?.push(readUsage({ ...row, ...amounts, ...times }));
    }
    return usages;
  });
}

/** What is left of a limit; never negative. */
export function remainingOf({ used, limit }: Usage): number {
  return Math.max(0, roundToMilli(limit - used));
}

/** Amounts have three decimals, and numbers of JavaScript are not exact. */
function roundToMilli(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
