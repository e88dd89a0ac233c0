import { type Command, Option } from 'commander';
import type { App } from '../app.js';
import { authorize } from '../auth/permissions.js';
import { type GrowthBucket, growthStats } from '../registry/stats/growth.js';
import { operationStats } from '../registry/stats/operation-stats.js';
import { type QuotaStats, quotaStats } from '../registry/stats/quota-stats.js';
import { createStatsReader } from '../registry/stats/stats-reader.js';
import { type ModuleStats, tenantStats } from '../registry/stats/tenant-stats.js';
import { readDate, readDateOrNow } from './option.js';
import { paint } from './terminal/color.js';
import { type Column, minuteOf, renderHeading, renderSection } from './terminal/table.js';
import { print, withApp } from './with-app.js';

export function addStats(program: Command): void {
  program
    .command('stats')
    .description('Show the numbers of the registry: tenants, growth, quotas and operations.')
    .option('--since <date>', 'start of the range of growth and operations; default: 30 days', readDate)
    .option('--until <date>', 'end of the range; default: now', readDateOrNow)
    .addOption(
      new Option('--by <step>', 'length of the buckets of growth')
        .choices(['day', 'week', 'month'])
        .default('day'),
    )
    .option('--timezone <zone>', 'IANA time zone in which days, weeks and months begin', 'UTC')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n\n  tenant-registry stats\n  tenant-registry stats --since 2026-01-01T00:00:00Z --by month --json | jq .growth',
    )
    .action(stats);
}

interface StatsOptions {
  since?: Date;
  until?: Date;
  by: string;
  timezone: string;
  json?: true;
}

async function stats({ json, ...options }: StatsOptions): Promise<void> {
  await withApp(
    async (app, caller) => {
      authorize(caller, 'readRegistry');
      const found = await readStats(app, options);
      if (json) print(JSON.stringify(found));
      else for (const line of describe(found)) print(line);
    },
    { readOnly: true },
  );
}

async function readStats({ database }: App, { by, timezone, ...range }: StatsOptions) {
  // Both throw for a wrong range, before anything is read.
  const grown = growthStats({ ...range, by: by.toUpperCase(), timezone });
  const operated = operationStats(range);
  const reader = createStatsReader(database);
  const [{ modules, ...tenants }, growth, quotas, operations] = await Promise.all([
    reader.read(tenantStats),
    reader.read(grown),
    reader.read(quotaStats),
    reader.read(operated),
  ]);
  return { tenants, modules, growth, quotas, operations };
}

function describe({
  tenants,
  modules,
  growth,
  quotas,
  operations,
}: Awaited<ReturnType<typeof readStats>>): string[] {
  const grown = growth.filter((one) => one.registered + one.deleted + one.restored + one.purged > 0);
  const { medianMs, p95Ms, sampled } = operations;
  return [
    paint('bold', `${tenants.total} tenants`),
    `  ${tenants.byStatus.map(({ status, count }) => `${count} ${status.toLowerCase()}`).join(', ') || 'none'}`,
    `  ${tenants.byPlan.map(({ plan, count }) => `${count} ${plan.toLowerCase()}`).join(', ') || 'none'}`,
    ...renderSection('Modules', modules, moduleColumns),
    ...renderSection('Growth', grown, growthColumns),
    ...renderSection('Quotas', quotas, quotaColumns),
    ...renderHeading('Operations'),
    `  ${operations.queued} queued, ${operations.running} running, ${operations.needsAttention} need attention, ${operations.failed} failed`,
    ...(sampled > 0 ? [`  median ${medianMs} ms, 95 % within ${p95Ms} ms, of the newest ${sampled}`] : []),
  ];
}

const moduleColumns: Column<ModuleStats>[] = [
  { title: 'MODULE', read: ({ module }) => module, least: 6 },
  { title: 'TENANTS', read: ({ tenants }) => String(tenants), least: 7 },
  {
    title: 'SUBSCRIPTIONS',
    read: ({ subscriptions }) =>
      subscriptions.map(({ status, count }) => `${count} ${status.toLowerCase()}`).join(', ') || null,
    least: 13,
  },
];

const growthColumns: Column<GrowthBucket>[] = [
  {
    title: 'FROM',
    read: ({ startsAt }) => minuteOf(startsAt),
    least: 20,
  },
  { title: 'REGISTERED', read: ({ registered }) => String(registered), least: 10 },
  { title: 'DELETED', read: ({ deleted }) => String(deleted), least: 7 },
  { title: 'RESTORED', read: ({ restored }) => String(restored), least: 8 },
  { title: 'PURGED', read: ({ purged }) => String(purged), least: 6 },
];

const quotaColumns: Column<QuotaStats>[] = [
  { title: 'METRIC', read: ({ metric }) => metric.toLowerCase(), least: 6 },
  { title: 'USED', read: ({ used }) => String(used), least: 4 },
  {
    title: 'TENANTS ABOVE 80 %',
    read: ({ tenantsAbove80Percent }) => String(tenantsAbove80Percent),
    least: 5,
  },
  { title: 'AT THE LIMIT', read: ({ tenantsAtLimit }) => String(tenantsAtLimit), least: 5 },
];
