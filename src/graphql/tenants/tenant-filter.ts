import { maxIds } from '../../registry/lists/tenant-filter.js';
import { builder } from '../builder.js';
import { SubscriptionStatusType } from '../modules/subscription-status.js';
import { ConfigSourceType, PlanType, TenantStatusType } from './tenant.js';

const TenantModuleFilter = builder.inputType('TenantModuleFilter', {
  description: 'Condition on the subscription of a tenant to a module.',
  fields: (t) => ({
    module: t.field({
      type: 'ModuleName',
      required: true,
      description: 'Name of the module of the subscription.',
    }),
    statuses: t.field({
      type: [SubscriptionStatusType],
      description: 'Statuses of which the subscription has one. Default: ACTIVE.',
    }),
  }),
});

const TenantMigrationFilter = builder.inputType('TenantMigrationFilter', {
  description:
    'Condition on the migration version of a tenant’s subscription to a module. Exactly one of `at`, `notAt` and `below` ' +
    'is given: a version as in `ModuleSubscription.migrationVersion`. Subscriptions in status DEPROVISIONING or CANCELLED ' +
    'have no version, so their tenants do not meet the condition.',
  fields: (t) => ({
    module: t.field({
      type: 'ModuleName',
      required: true,
      description: 'Name of the module with the migration.',
    }),
    at: t.string({ description: 'Only tenants at this version.' }),
    notAt: t.string({ description: 'Only tenants at another version, or without storage yet.' }),
    below: t.string({
      description:
        'Only tenants at a version that comes before this one by its name, or without storage yet.',
    }),
  }),
});

export const TenantFilter = builder.inputType('TenantFilter', {
  description: 'Conditions on tenants; a tenant must meet all of them.',
  fields: (t) => ({
    ids: t.field({
      type: ['ID'],
      description: `Only tenants with one of these UUIDs, at most ${maxIds}. Ids without a tenant are left out.`,
    }),
    externalIds: t.stringList({
      description: `Only tenants with one of these external ids, at most ${maxIds}.`,
    }),
    status: t.field({ type: [TenantStatusType], description: 'Only tenants in one of these statuses.' }),
    plan: t.field({ type: [PlanType], description: 'Only tenants on one of these plans.' }),
    module: t.field({
      type: 'ModuleName',
      description: 'Only tenants with an active subscription to this module.',
    }),
    modules: t.field({
      type: [TenantModuleFilter],
      description: 'Only tenants with a subscription for each of these conditions, at most 20.',
    }),
    migration: t.field({
      type: TenantMigrationFilter,
      description: 'Only tenants whose subscription to a module is at, not at or below a migration.',
    }),
    configSource: t.field({
      type: ConfigSourceType,
      description: 'Only tenants whose configuration comes from this source.',
    }),
    createdFrom: t.field({
      type: 'DateTime',
      description: 'Only tenants that were registered at or after this time.',
    }),
    createdUntil: t.field({
      type: 'DateTime',
      description: 'Only tenants that were registered before this time.',
    }),
    memberEmail: t.string({
      description:
        'Only tenants with a member of this e-mail address who was not removed. Upper and lower case, and the spellings of an ' +
        'international domain, are the same.',
    }),
    needsAttention: t.boolean({
      description:
        'True: only tenants with an operation in status NEEDS_ATTENTION or a subscription in status FAILED. False: only the ' +
        'other tenants.',
    }),
    text: t.string({
      description:
        'Only tenants with this text in their name, slug or an external id; upper and lower case are the same. One or two ' +
        'characters are the beginning of a name, slug or external id.',
    }),
    config: t.field({
      type: 'JSON',
      description:
        'Only tenants whose configuration contains this value, as by PostgreSQL’s operator `@>`: ' +
        '`{"destinations": [{"code": "ZNZ"}]}` selects every tenant that has this destination, among others. ' +
        'When more than 10,000 tenants match, the query is refused with VALIDATION_ERROR.',
    }),
  }),
});
