import { type Command, Option } from 'commander';
import type { App } from '../app.js';
import { authorize } from '../auth/permissions.js';
import { type GrowthBucket, growthStats } from '../registry/stats/growth.js';
import { operationStats } from '../registry/stats/operation-stats.js';
import { type QuotaStats, quotaStats } from '../registry/stats/quota-stats.js';
import { createStatsReader } from '../registry/stats/stats-reader.js';
import { type ModuleStats, tenantStats } from '../registry/stats/tenant-stats.js';
import { readDateOrNow } from './option.js';
import { paint } from './terminal/color.js';
import { type Column, renderTable } from './terminal/table.js';
import { print, withApp } from './with-app.js';

export function addStats(program: Command): void {
  program
    .command('stats')
    .description('Show the numbers of the registry: tenants, growth, quotas and operations.')
    .option('--since <date>', 'start of the range of growth and operations; default: 30 days', readDateOrNow)
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
  const reader = createStatsReader(database);
  const [{ modules, ...tenants }, growth, quotas, operations] = await Promise.all([
    reader.read(tenantStats),
    reader.read(growthStats({ ...range, by: by.toUpperCase(), timezone })),
    reader.read(quotaStats),
    reader.read(operationStats(range)),
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
    ...table('Modules', modules, moduleColumns),
    ...table('Growth', grown, growthColumns),
    ...table('Quotas', quotas, quotaColumns),
    '',
    paint('bold', 'Operations'),
    `  ${operations.queued} queued, ${operations.running} running, ${operations.needsAttention} need attention, ${operations.failed} failed`,
    ...(sampled > 0 ? [`  median ${medianMs} ms, 95 % within ${p95Ms} ms, of the newest ${sampled}`] : []),
  ];
}

function table<Row>(title: string, rows: readonly Row[], columns: readonly Column<Row>[]): string[] {
  const width = process.stdout.columns && process.stdout.columns - 2;
  const lines = rows.length > 0 ? renderTable(rows, columns, width) : ['none'];
  return ['', paint('bold', title), ...lines.map((line) => `  ${line}`)];
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
    read: ({ startsAt }) => `${startsAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
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
