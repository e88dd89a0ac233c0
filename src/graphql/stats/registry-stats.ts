import { authorize } from '../../auth/permissions.js';
import {
  type GrowthBucket,
  growthStats,
  growthSteps,
  maxBuckets,
  usualBuckets,
} from '../../registry/stats/growth.js';
import {
  maxCounted,
  maxSampled,
  type OperationStats,
  operationStats,
  usualDays,
} from '../../registry/stats/operation-stats.js';
import { type QuotaStats, quotaStats } from '../../registry/stats/quota-stats.js';
import { createStatsReader, type StatsReader } from '../../registry/stats/stats-reader.js';
import { type ModuleStats, type TenantStats, tenantStats } from '../../registry/stats/tenant-stats.js';
import { builder } from '../builder.js';
import { SubscriptionStatusCount } from '../modules/subscription-status.js';
import { PlanType, TenantStatusType } from '../tenants/tenant.js';
import { UsageMetricType } from '../tenants/tenant-usage.js';

const TenantStatusCount = builder.objectRef<TenantStats['byStatus'][number]>('TenantStatusCount').implement({
  description: 'Number of tenants in a status.',
  fields: (t) => ({
    status: t.expose('status', { type: TenantStatusType, description: 'Status of these tenants.' }),
    count: t.exposeInt('count', { description: 'Number of tenants.' }),
  }),
});

const PlanCount = builder.objectRef<TenantStats['byPlan'][number]>('PlanCount').implement({
  description: 'Number of tenants with a plan.',
  fields: (t) => ({
    plan: t.expose('plan', { type: PlanType, description: 'Plan of these tenants.' }),
    count: t.exposeInt('count', { description: 'Number of tenants.' }),
  }),
});

const ModuleStatsType = builder.objectRef<ModuleStats>('ModuleStats').implement({
  description: 'Numbers of a module.',
  fields: (t) => ({
    module: t.expose('module', { type: 'ModuleName', description: 'Name of the counted module.' }),
    tenants: t.exposeInt('tenants', { description: 'Number of tenants with an active subscription.' }),
    subscriptions: t.field({
      type: [SubscriptionStatusCount],
      description: 'Number of subscriptions by status; statuses without any are left out.',
      resolve: ({ subscriptions }) => subscriptions,
    }),
  }),
});

const TenantStatsType = builder.objectRef<TenantStats>('TenantStats').implement({
  description: 'Numbers of tenants, kept by triggers in the transactions that change them.',
  fields: (t) => ({
    total: t.exposeInt('total', { description: 'Number of tenants, without purged ones.' }),
    byStatus: t.field({
      type: [TenantStatusCount],
      description: 'Number of tenants by status; statuses without any are left out.',
      resolve: ({ byStatus }) => byStatus,
    }),
    byPlan: t.field({
      type: [PlanCount],
      description: 'Number of tenants by plan, without purged ones; plans without any are left out.',
      resolve: ({ byPlan }) => byPlan,
    }),
  }),
});

const GrowthStep = builder.enumType('GrowthStep', {
  description: 'Length of the buckets of growth.',
  values: Object.fromEntries(
    growthSteps.map((step) => [
      step,
      {
        description: { DAY: 'Calendar days.', WEEK: 'Weeks from Monday.', MONTH: 'Calendar months.' }[step],
      },
    ]),
  ) as Record<(typeof growthSteps)[number], { description: string }>,
});

const GrowthBucketType = builder.objectRef<GrowthBucket>('GrowthBucket').implement({
  description: 'Growth of the registry in one day, week or month.',
  fields: (t) => ({
    start: t.field({
      type: 'DateTime',
      description: 'Start of the bucket.',
      resolve: ({ startsAt }) => startsAt,
    }),
    end: t.field({
      type: 'DateTime',
      description: 'End of the bucket; it is not part of it.',
      resolve: ({ endsAt }) => endsAt,
    }),
    registered: t.exposeInt('registered', {
      description:
        'Number of tenants that were registered, by their `createdAt`, which a take-over of older tenants keeps.',
    }),
    deleted: t.exposeInt('deleted', { description: 'Number of deletions.' }),
    restored: t.exposeInt('restored', { description: 'Number of restores of deleted tenants.' }),
    purged: t.exposeInt('purged', { description: 'Number of purges.' }),
  }),
});

const QuotaStatsType = builder.objectRef<QuotaStats>('QuotaStats').implement({
  description: 'Use of one metric by all tenants, without deleted ones.',
  fields: (t) => ({
    metric: t.expose('metric', {
      type: UsageMetricType,
      description: 'Metric that these numbers are about.',
    }),
    used: t.exposeFloat('used', {
      description: 'Amount that all tenants use; for MONTHLY_QUOTES each in its present month.',
    }),
    tenantsAbove80Percent: t.exposeInt('tenantsAbove80Percent', {
      description: 'Number of tenants that use more than 80 % of their limit, those at the limit included.',
    }),
    tenantsAtLimit: t.exposeInt('tenantsAtLimit', {
      description: 'Number of tenants that use all of their limit, or more.',
    }),
    measuredAt: t.field({
      type: 'DateTime',
      description:
        'Time of the measurement: the query itself, or in a registry with more than about 20,000 counters and members the ' +
        'last measurement of a worker.',
      resolve: ({ measuredAt }) => measuredAt,
    }),
  }),
});

const counted = `At most ${maxCounted}: more are not counted.`;

const OperationStatsType = builder.objectRef<OperationStats>('OperationStats').implement({
  description:
    'Numbers of operations. Updates of guards (BIND_STORAGE) are only among those that need attention.',
  fields: (t) => ({
    queued: t.exposeInt('queued', {
      description: `Number of operations that wait, purges for their date included. ${counted}`,
    }),
    running: t.exposeInt('running', {
      description: `Number of operations that run or are being undone. ${counted}`,
    }),
    needsAttention: t.exposeInt('needsAttention', {
      description: `Number of operations in status NEEDS_ATTENTION. ${counted}`,
    }),
    failed: t.exposeInt('failed', {
      description: `Number of operations that ended FAILED or COMPENSATED within the range. ${counted}`,
    }),
    medianMs: t.exposeInt('medianMs', {
      nullable: true,
      description: `Median duration, in milliseconds, of the newest ${maxSampled} operations that ended within the range.`,
    }),
    p95Ms: t.exposeInt('p95Ms', {
      nullable: true,
      description: 'Duration, in milliseconds, that 95 % of these operations did not exceed.',
    }),
    sampled: t.exposeInt('sampled', {
      description: 'Number of operations from which the durations are; without those that never started.',
    }),
  }),
});

const RegistryStats = builder.objectRef<{ reader: StatsReader }>('RegistryStats').implement({
  description:
    'Numbers for a dashboard. All fields of one query are read by one statement, only those that are selected, and each at a ' +
    'cost that does not grow with the registry.',
  fields: (t) => ({
    tenants: t.field({
      type: TenantStatsType,
      description: 'Tenants by status and plan.',
      resolve: ({ reader }) => reader.read(tenantStats),
    }),
    modules: t.field({
      type: [ModuleStatsType],
      description: 'Tenants and subscriptions of each module, ordered by name.',
      resolve: async ({ reader }) => (await reader.read(tenantStats)).modules,
    }),
    growth: t.field({
      type: [GrowthBucketType],
      description: `Growth in buckets, oldest first. Errors: VALIDATION_ERROR for a range of more than ${maxBuckets} buckets.`,
      args: {
        since: t.arg({
          type: 'DateTime',
          description: `Start of the range, which the first bucket contains. Default: about ${usualBuckets} buckets before its end.`,
        }),
        until: t.arg({ type: 'DateTime', description: 'End of the range. Default: now.' }),
        by: t.arg({ type: GrowthStep, defaultValue: 'DAY', description: 'Length of a bucket.' }),
        timezone: t.arg.string({
          defaultValue: 'UTC',
          description: 'IANA time zone in which days, weeks and months begin.',
        }),
      },
      resolve: ({ reader }, range) => reader.read(growthStats(range)),
    }),
    quotas: t.field({
      type: [QuotaStatsType],
      description: 'Use of quotas, one entry per metric.',
      resolve: ({ reader }) => reader.read(quotaStats),
    }),
    operations: t.field({
      type: OperationStatsType,
      description: 'Operations at this moment, and those that ended within a range.',
      args: {
        since: t.arg({
          type: 'DateTime',
          description: `Start of the range. Default: ${usualDays} days before its end.`,
        }),
        until: t.arg({ type: 'DateTime', description: 'End of the range. Default: now.' }),
      },
      resolve: ({ reader }, range) => reader.read(operationStats(range)),
    }),
  }),
});

builder.queryField('registryStats', (t) =>
  t.field({
    type: RegistryStats,
    description: 'Numbers of the registry. Scope: registry:read.',
    resolve: (_root, _args, { caller, commands }) => {
      authorize(caller, 'readRegistry');
      return { reader: createStatsReader(commands.database) };
    },
  }),
);
