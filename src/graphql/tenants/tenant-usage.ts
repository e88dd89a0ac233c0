import { ownMetrics } from '../../registry/tenants/tenant-fields.js';
import { remainingOf, type Usage } from '../../registry/usage/usage.js';
import { builder } from '../builder.js';
import { Tenant } from './tenant.js';

export const UsageMetricType = builder.enumType('UsageMetric', {
  description: 'Quantity that has a limit per tenant.',
  values: {
    USERS: {
      description:
        'Users at the same time: the members of the tenant, which count by themselves, and users that services record ' +
        'because they are no members. Limit: `maxUsers`.',
    },
    MONTHLY_QUOTES: {
      description:
        'Quotes in the calendar month that the clock of the tenant (`timezone`) shows. Limit: `maxMonthlyQuotes`.',
    },
    STORAGE_GB: { description: 'Gigabytes of storage, with up to 3 decimals. Limit: `maxStorageGb`.' },
  } as const,
});

export const TenantUsage = builder.objectRef<Usage>('TenantUsage').implement({
  description: 'Usage of one metric by a tenant at this moment, read from the database.',
  fields: (t) => ({
    metric: t.expose('metric', { type: UsageMetricType, description: 'Metric of the usage.' }),
    used: t.exposeFloat('used', { description: 'Amount that is used.' }),
    limit: t.exposeInt('limit', {
      description: 'Limit of the tenant: `maxUsers`, `maxMonthlyQuotes` or `maxStorageGb`.',
    }),
    remaining: t.float({
      description:
        'Amount that is left; 0 when more is used than the limit, which happens when the limit was lowered.',
      resolve: remainingOf,
    }),
    periodStart: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Start of the month in the time zone of the tenant; null for a metric without periods.',
      resolve: ({ startsAt }) => startsAt,
    }),
    periodEnd: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'End of that month, at which the count begins again; null for a metric without periods.',
      resolve: ({ endsAt }) => endsAt,
    }),
  }),
});

builder.prismaObjectFields(Tenant, (t) => ({
  usage: t.field({
    type: [TenantUsage],
    description: 'Usage and limits, one entry per metric, in the order of the enum.',
    select: { id: true },
    resolve: ({ id }, _args, { usage }) => usage.load(id),
  }),
  ownLimits: t.field({
    type: [UsageMetricType],
    description:
      'Metrics whose limit is the tenant’s own, because it was set to another value than that of the plan. The other limits ' +
      'follow the plan.',
    select: { ownLimits: true },
    resolve: ({ ownLimits }) => ownMetrics(ownLimits),
  }),
}));
