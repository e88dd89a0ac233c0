import { ConfigSource, Plan, TenantStatus } from '../database/generated/prisma/enums.js';
import { authorizeByTenant, tenantWhere } from '../registry/tenant.js';
import { builder } from './builder.js';
import { Member } from './member.js';
import { ModuleSubscription } from './module-subscription.js';
import { TenantBranding, TenantSettings } from './tenant-profile.js';

export const TenantStatusType = builder.enumType('TenantStatus', {
  description: 'Where a tenant stands in its life. Only ACTIVE resolves.',
  values: {
    [TenantStatus.PENDING]: { description: 'Known, not set up yet.' },
    [TenantStatus.PROVISIONING]: { description: 'Its storage is being made by provisionTenant.' },
    [TenantStatus.ACTIVE]: { description: 'In use: its active subscriptions resolve.' },
    [TenantStatus.SUSPENDED]: { description: 'Stopped, with a reason; resumeTenant lets it go on.' },
    [TenantStatus.FAILED]: {
      description: 'provisionTenant failed and was undone; the same call starts anew.',
    },
    [TenantStatus.DELETED]: {
      description: 'Gone for its users; restoreTenant brings it back until `restorableUntil`.',
    },
    [TenantStatus.PURGED]: { description: 'Gone for good; its names stay taken.' },
  } as const,
});

export const PlanType = builder.enumType('Plan', {
  description: 'What a tenant pays for.',
  values: {
    [Plan.LITE]: { description: 'The plan a tenant starts with.' },
    [Plan.PRO]: { description: 'The plan for growing tenants.' },
    [Plan.ENTERPRISE]: { description: 'The plan with terms of its own.' },
  } as const,
});

const ConfigSourceType = builder.enumType('ConfigSource', {
  description: 'Where a tenant’s configuration is kept.',
  values: {
    [ConfigSource.YAML]: { description: 'In its client.yaml, until it is imported without --keep-source.' },
    [ConfigSource.DATABASE]: { description: 'In the registry.' },
  } as const,
});

/** Statuses in which a subscription counts as one that the tenant has. */
const heldStatuses = ['PENDING', 'PROVISIONING', 'ACTIVE', 'MIGRATING', 'SUSPENDED', 'FAILED'] as const;
const subscriptionsByModule = { orderBy: { moduleName: 'asc' } } as const;
const selectSubscriptions = { subscriptions: subscriptionsByModule } as const;

interface HeldModule {
  moduleName: string;
  schemaName: string;
  status: string;
}

function held(subscriptions: readonly HeldModule[]): HeldModule[] {
  return subscriptions.filter(({ status }) => (heldStatuses as readonly string[]).includes(status));
}

function schemaOf(subscriptions: readonly HeldModule[], module: string): string | null {
  return held(subscriptions).find(({ moduleName }) => moduleName === module)?.schemaName ?? null;
}

export const Tenant = builder.prismaObject('Tenant', {
  description: 'A customer of the platform, whose data every service keeps apart from the others’.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'UUID; never changes.' }),
    slug: t.exposeString('slug', {
      description: 'Short name for URLs and schema names; unique, never changes.',
    }),
    name: t.exposeString('name', { description: 'Name for people.' }),
    shortName: t.exposeString('shortName', { nullable: true, description: 'Name for narrow places.' }),
    status: t.expose('status', { type: TenantStatusType, description: 'Where it stands in its life.' }),
    plan: t.expose('plan', { type: PlanType, description: 'What it pays for.' }),
    maxUsers: t.exposeInt('maxUsers', { description: 'Quota: members.' }),
    maxMonthlyQuotes: t.exposeInt('maxMonthlyQuotes', { description: 'Quota: quotes per month.' }),
    maxStorageGb: t.exposeInt('maxStorageGb', { description: 'Quota: storage in GB.' }),
    timezone: t.exposeString('timezone', { description: 'IANA time zone.' }),
    currency: t.exposeString('currency', { description: 'ISO 4217 code.' }),
    primaryEmail: t.exposeString('primaryEmail', {
      nullable: true,
      description: 'Where the tenant is written to.',
    }),
    gcpProjectId: t.exposeString('gcpProjectId', { nullable: true, description: 'Google Cloud project.' }),
    gcpDataset: t.exposeString('gcpDataset', {
      nullable: true,
      description: 'BigQuery dataset in that project.',
    }),
    config: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'Configuration; secrets in it are references. Cached under the same rules as routes; while `configSource` is YAML, the ' +
        'client.yaml in CLIENTS_DIR, and without that what was registered of it.',
      select: { id: true },
      resolve: ({ id }, _args, { reader }) => reader.config(id),
    }),
    configSource: t.expose('configSource', {
      type: ConfigSourceType,
      description: 'Where the configuration is kept.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was registered.' }),
    createdBy: t.exposeString('createdBy', {
      nullable: true,
      description: 'Who registered it, as in the audit log.',
    }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    suspendedAt: t.expose('suspendedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Since when it is suspended.',
    }),
    suspendedReason: t.exposeString('suspendedReason', {
      nullable: true,
      description: 'Why it is suspended.',
    }),
    deletedAt: t.expose('deletedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Since when it is deleted.',
    }),
    restorableUntil: t.expose('purgeAfter', {
      type: 'DateTime',
      nullable: true,
      description: 'Until when a deleted tenant can be restored.',
    }),
    version: t.exposeInt('version', { description: 'Counts changes; give it back as `expectedVersion`.' }),
    subscriptions: t.relation('subscriptions', {
      type: ModuleSubscription,
      query: subscriptionsByModule,
      description: 'Its modules, cancelled ones included, by name.',
    }),
    modulesSubscribed: t.field({
      type: ['ModuleName'],
      description: 'Names of the modules it has subscribed to and not cancelled.',
      select: selectSubscriptions,
      resolve: ({ subscriptions }) => held(subscriptions).map(({ moduleName }) => moduleName),
    }),
    operationsSchema: t.string({
      nullable: true,
      description: 'Schema of its operations data; null when not subscribed.',
      select: selectSubscriptions,
      resolve: ({ subscriptions }) => schemaOf(subscriptions, 'operations'),
    }),
    financeSchema: t.string({
      nullable: true,
      description: 'Schema of its finance data; null when not subscribed.',
      select: selectSubscriptions,
      resolve: ({ subscriptions }) => schemaOf(subscriptions, 'finance'),
    }),
    inventorySchema: t.string({
      nullable: true,
      description: 'Schema of its inventory data; null when not subscribed.',
      select: selectSubscriptions,
      resolve: ({ subscriptions }) => schemaOf(subscriptions, 'inventory'),
    }),
    settings: t.relation('settings', {
      type: TenantSettings,
      nullable: true,
      description: 'How it presents itself; null for a tenant that was written by SQL and never onboarded.',
    }),
    branding: t.relation('branding', {
      type: TenantBranding,
      nullable: true,
      description: 'How its pages look; null for a tenant that was written by SQL and never onboarded.',
    }),
    members: t.relation('members', {
      type: Member,
      query: { orderBy: { email: 'asc' } },
      description: 'Its people, by e-mail address.',
    }),
  }),
});

builder.queryField('tenant', (t) =>
  t.prismaField({
    type: Tenant,
    nullable: true,
    description:
      'A tenant by id or slug, whatever its status; null when there is none. Scope: registry:read, or a member of it.',
    args: { id: t.arg.id({ required: true, description: 'UUID or slug.' }) },
    resolve: async (query, _root, { id }, context) => {
      await authorizeByTenant(context.prisma, context.caller, 'readTenant', id);
      const where = tenantWhere(id);
      return where ? context.prisma.tenant.findUnique({ ...query, where }) : null;
    },
  }),
);
