import { authorize } from '../../auth/permissions.js';
import { RolloutTenantStatus } from '../../database/generated/prisma/enums.js';
import {
  listRolloutTenants,
  type RolloutTenantRecord,
  rolloutTenantOrder,
} from '../../provisioning/rollout/reads/rollout-pages.js';
import { builder } from '../builder.js';
import { KeysetPage, readPage } from '../fields/keyset-page.js';
import { forward } from '../fields/page.js';
import { Tenant } from '../tenants/tenant.js';
import { Rollout } from './rollout.js';

export const RolloutTenantStatusType = builder.enumType('RolloutTenantStatus', {
  description: 'Status of a tenant in a rollout.',
  values: {
    [RolloutTenantStatus.QUEUED]: { description: 'Not begun yet.' },
    [RolloutTenantStatus.RUNNING]: { description: 'Being migrated.' },
    [RolloutTenantStatus.SUCCEEDED]: { description: 'All files of the rollout have run.' },
    [RolloutTenantStatus.FAILED]: { description: 'A file failed; the files before it have run.' },
    [RolloutTenantStatus.BLOCKED]: {
      description:
        'Left alone: a check before a file found violations, or the files of the rollout do not fit those that ran.',
    },
    [RolloutTenantStatus.SKIPPED]: { description: 'Left out; `error` contains the reason.' },
  } as const,
});

const RolloutTenant = builder.objectRef<RolloutTenantRecord>('RolloutTenant').implement({
  description: 'A tenant in a rollout, with its result.',
  fields: (t) => ({
    tenantId: t.exposeID('tenantId', { description: 'Id of the tenant.' }),
    tenantSlug: t.exposeString('tenantSlug', {
      nullable: true,
      description: 'Slug of that tenant; null when there is no such tenant any more.',
    }),
    tenant: t.prismaField({
      type: Tenant,
      nullable: true,
      description: 'The tenant now.',
      resolve: (query, { tenantId }, _args, context) =>
        context.prisma.tenant.findUnique({ ...query, where: { id: tenantId } }),
    }),
    wave: t.exposeInt('wave', { description: 'Wave of the tenant; 0 is the canary.' }),
    status: t.expose('status', {
      type: RolloutTenantStatusType,
      description: 'Status of the tenant in the rollout.',
    }),
    fromVersion: t.exposeString('fromVersion', {
      nullable: true,
      description: 'Newest migration of the tenant when it became part of the rollout; null if it had none.',
    }),
    toVersion: t.exposeString('toVersion', {
      nullable: true,
      description: 'Newest migration of the tenant after the last attempt; null before the first.',
    }),
    file: t.exposeString('file', {
      nullable: true,
      description: 'File that is running or that failed; null for every other tenant.',
    }),
    attempts: t.exposeInt('attempts', {
      description: 'Number of attempts, with those that waited for locks in vain or lost their connection.',
    }),
    error: t.exposeString('error', {
      nullable: true,
      description: 'Reason why the tenant failed, is blocked or was left out, for people; null otherwise.',
    }),
    errorCode: t.exposeString('errorCode', {
      nullable: true,
      description:
        'Code of the failure: the SQLSTATE, or an error code such as CONFLICT; null without a failure.',
    }),
    violations: t.field({
      type: ['JSON'],
      nullable: true,
      description:
        'Rows that the check before the file, or the verification after it, has returned, at most 10; null if there are none.',
      resolve: ({ violations }) => violations as unknown[] | null,
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the last attempt began; null before the first.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the tenant got its result; null while it is QUEUED or RUNNING.',
    }),
    durationMs: t.exposeInt('durationMs', {
      nullable: true,
      description: 'Time that the last attempt took, in milliseconds; null before its end.',
    }),
  }),
});

const RolloutTenantFilter = builder.inputType('RolloutTenantFilter', {
  description: 'Conditions on the tenants of a rollout; a tenant must meet all of them.',
  fields: (t) => ({
    status: t.field({
      type: [RolloutTenantStatusType],
      description: 'Only tenants in one of these statuses.',
    }),
    wave: t.int({ description: 'Only tenants of this wave; 0 is the canary.' }),
  }),
});

const RolloutTenantConnection = builder.connectionObject(
  {
    type: RolloutTenant,
    name: 'RolloutTenantConnection',
    description: 'A page of the tenants of a rollout.',
  },
  { name: 'RolloutTenantEdge', description: 'A tenant of a rollout with its cursor.' },
);

builder.prismaObjectFields(Rollout, (t) => ({
  tenants: t.field({
    type: RolloutTenantConnection,
    description: 'Tenants of the rollout, by wave. Scope: registry:read. Errors: VALIDATION_ERROR.',
    args: {
      first: t.arg.int(forward.first),
      after: t.arg.string(forward.after),
      filter: t.arg({ type: RolloutTenantFilter, description: 'Conditions on the tenants. Default: none.' }),
    },
    select: { id: true },
    resolve: ({ id }, { filter, ...page }, context) => {
      authorize(context.caller, 'readRegistry');
      const selection = {
        rolloutId: id,
        statuses: filter?.status ?? undefined,
        wave: filter?.wave ?? undefined,
      };
      return new KeysetPage(readPage(page, { ...rolloutTenantOrder, isDescending: false }), {
        list: (listed) => listRolloutTenants(context.commands.database, selection, listed),
      });
    },
  }),
}));
