import { authorizeInSome } from '../../auth/permissions.js';
import { ConfigSource, Plan, TenantStatus } from '../../database/generated/prisma/enums.js';
import { findPermitted } from '../../registry/tenants/tenant.js';
import { builder } from '../builder.js';
import { Node } from '../fields/node.js';
import { authorized } from '../fields/page.js';
import { TenantBranding, TenantSettings } from './tenant-profile.js';

export const TenantStatusType = builder.enumType('TenantStatus', {
  description: 'Status of a tenant. Only ACTIVE tenants resolve.',
  values: {
    [TenantStatus.PENDING]: { description: 'Registered, not set up yet.' },
    [TenantStatus.PROVISIONING]: { description: 'Its storage is being created by provisionTenant.' },
    [TenantStatus.ACTIVE]: { description: 'In use: its active subscriptions resolve.' },
    [TenantStatus.SUSPENDED]: { description: 'Suspended for a reason; resumeTenant ends the suspension.' },
    [TenantStatus.FAILED]: {
      description: 'The provisioning failed and was undone; the same call of provisionTenant starts again.',
    },
    [TenantStatus.DELETED]: {
      description: 'Deleted for its users; restoreTenant restores it until `restorableUntil`.',
    },
    [TenantStatus.PURGED]: { description: 'Deleted permanently; its names stay reserved.' },
  } as const,
});

export const PlanType = builder.enumType('Plan', {
  description: 'Plan that a tenant pays for.',
  values: {
    [Plan.LITE]: { description: 'Plan of a new tenant.' },
    [Plan.PRO]: { description: 'Plan for growing tenants.' },
    [Plan.ENTERPRISE]: { description: 'Plan with individual terms.' },
  } as const,
});

export const ConfigSourceType = builder.enumType('ConfigSource', {
  description: 'Storage of a tenant’s configuration.',
  values: {
    [ConfigSource.YAML]: {
      description: 'The client.yaml of the tenant, until it is imported without --keep-source.',
    },
    [ConfigSource.DATABASE]: { description: 'The registry.' },
  } as const,
});

export const Tenant = builder.prismaObject('Tenant', {
  interfaces: [Node],
  description:
    'A customer of the platform. Every service keeps the data of one tenant apart from the data of all others.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'UUID; never changes.' }),
    slug: t.exposeString('slug', {
      description: 'Short name for URLs and schema names; it is unique and never changes.',
    }),
    name: t.exposeString('name', { description: 'Display name.' }),
    shortName: t.exposeString('shortName', { nullable: true, description: 'Short display name.' }),
    status: t.expose('status', { type: TenantStatusType, description: 'Status of the tenant.' }),
    plan: t.expose('plan', { type: PlanType, description: 'Plan of the tenant.' }),
    maxUsers: t.exposeInt('maxUsers', { description: 'Quota of members.' }),
    maxMonthlyQuotes: t.exposeInt('maxMonthlyQuotes', { description: 'Quota of quotes per month.' }),
    maxStorageGb: t.exposeInt('maxStorageGb', { description: 'Quota of storage in GB.' }),
    timezone: t.exposeString('timezone', { description: 'IANA time zone.' }),
    currency: t.exposeString('currency', { description: 'ISO 4217 code.' }),
    primaryEmail: t.exposeString('primaryEmail', {
      nullable: true,
      description: 'E-mail address that receives messages to the tenant.',
    }),
    gcpProjectId: t.exposeString('gcpProjectId', { nullable: true, description: 'Google Cloud project.' }),
    gcpDataset: t.exposeString('gcpDataset', {
      nullable: true,
      description: 'BigQuery dataset in `gcpProjectId`.',
    }),
    config: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'Configuration; secrets in it are references. It is cached under the same rules as routes. While ' +
        '`configSource` is YAML, it is the client.yaml in CLIENTS_DIR, or the registered configuration when ' +
        'CLIENTS_DIR has no such file.',
      select: { id: true },
      resolve: ({ id }, _args, { reader }) => reader.config(id),
    }),
    configSource: t.expose('configSource', {
      type: ConfigSourceType,
      description: 'Storage of the configuration.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the tenant was registered.' }),
    createdBy: t.exposeString('createdBy', {
      nullable: true,
      description: 'Actor that registered the tenant, as in the audit log.',
    }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the tenant was last changed.' }),
    suspendedAt: t.expose('suspendedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the tenant was suspended; null when it is not suspended.',
    }),
    suspendedReason: t.exposeString('suspendedReason', {
      nullable: true,
      description: 'Reason of the suspension.',
    }),
    suspendUntil: t.expose('suspendUntil', {
      type: 'DateTime',
      nullable: true,
      description:
        'When the suspension ends by itself; null when it lasts until resumeTenant. Kept while a suspended tenant is deleted.',
    }),
    deletedAt: t.expose('deletedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the tenant was deleted; null when it is not deleted.',
    }),
    restorableUntil: t.expose('purgeAfter', {
      type: 'DateTime',
      nullable: true,
      description: 'Time until which a deleted tenant can be restored.',
    }),
    isProtected: t.exposeBoolean('isProtected', {
      description: 'Whether deleteTenant and purgeTenant are refused until updateTenant clears it.',
    }),
    internalNote: authorized(
      'readRegistry',
      t.exposeString('internalNote', {
        nullable: true,
        description: 'Note of operators; not for members of the tenant. Scope: registry:read.',
      }),
    ),
    version: t.exposeInt('version', {
      description: 'Version of the tenant; every change increases it. Pass it as `expectedVersion`.',
    }),
    settings: t.relation('settings', {
      type: TenantSettings,
      nullable: true,
      description: 'Settings; null for a tenant that was inserted by SQL and never onboarded.',
    }),
    branding: t.relation('branding', {
      type: TenantBranding,
      nullable: true,
      description: 'Branding; null for a tenant that was inserted by SQL and never onboarded.',
    }),
  }),
});

builder.queryField('tenant', (t) =>
  t.prismaField({
    type: Tenant,
    nullable: true,
    description:
      'A tenant by id, slug or external id, in any status; null when there is none. Scope: registry:read, or a member of the tenant.',
    args: { id: t.arg.id({ required: true, description: 'The tenant’s UUID, slug or external id.' }) },
    resolve: async (query, _root, { id }, context) => {
      authorizeInSome(context.caller, 'readTenant');
      const { caller } = context;
      const wanted = { caller, action: 'readTenant', reference: id } as const;
      return findPermitted(context.prisma, wanted, (where) =>
        context.prisma.tenant.findUnique({ ...query, where }),
      );
    },
  }),
);
