import { authorize } from '../../auth/permissions.js';
import { OperationKind, OperationStatus } from '../../database/generated/prisma/enums.js';
import type { StepName } from '../../provisioning/operations/plan.js';
import { type BulkProgress, progressOf } from '../../provisioning/operations/reads/operation-tenants.js';
import { isUuid } from '../../registry/slug.js';
import { builder } from '../builder.js';
import { Node } from '../fields/node.js';
import { openEnum } from '../fields/open-enum.js';

export const OperationStatusType = builder.enumType('OperationStatus', {
  description: 'Status of an operation or of one of its steps.',
  values: {
    [OperationStatus.QUEUED]: { description: 'Not started yet.' },
    [OperationStatus.RUNNING]: { description: 'Being worked on.' },
    [OperationStatus.SUCCEEDED]: { description: 'Done; the effect is visible.' },
    [OperationStatus.FAILED]: {
      description:
        'Ended without effect; `error` contains the reason. An operation on many tenants: some of them were not changed.',
    },
    [OperationStatus.COMPENSATING]: { description: 'Failed; the created storage is being removed.' },
    [OperationStatus.COMPENSATED]: { description: 'Failed; everything it had created was removed.' },
    [OperationStatus.CANCELLED]: {
      description: 'Not done, because an earlier step failed or the operation was cancelled.',
    },
    [OperationStatus.NEEDS_ATTENTION]: {
      description: 'Failed and could not be undone; a person has to read `error` and act.',
    },
  } as const,
});

export const OperationKindType = builder.enumType('OperationKind', {
  description: 'Purpose of an operation.',
  values: {
    [OperationKind.SUBSCRIBE_TENANT]: {
      description: 'Work of subscribeTenantToModule: creates storage and makes its route visible.',
    },
    [OperationKind.PROVISION_MODULE]: {
      description: 'Work of provisionModule: creates storage; its route is not visible yet.',
    },
    [OperationKind.PROVISION_TENANT]: {
      description: 'Work of provisionTenant: creates the storage of several modules for a new tenant.',
    },
    [OperationKind.MARK_MODULE_PROVISIONED]: {
      description: 'Record of markModuleProvisioned: the storage was created outside the registry.',
    },
    [OperationKind.ADOPT_STORAGE]: {
      description: 'Takes over a schema or database that is older than the registry.',
    },
    [OperationKind.BIND_STORAGE]: {
      description: 'Updates the guards in the service databases after a change in the registry.',
    },
    [OperationKind.REMOVE_STORAGE]: {
      description: 'Drops the data of a cancelled subscription after `purgeAfter`.',
    },
    [OperationKind.PURGE_TENANT]: { description: 'Drops all data of a deleted tenant.' },
    [OperationKind.SUSPEND_TENANTS]: { description: 'Work of suspendTenants: suspends many tenants.' },
    [OperationKind.RESUME_TENANTS]: { description: 'Work of resumeTenants: resumes many tenants.' },
    [OperationKind.SUBSCRIBE_TENANTS]: {
      description:
        'Work of subscribeTenants: subscribes many tenants to a module. A SUBSCRIBE_TENANT operation makes the storage of each.',
    },
    [OperationKind.UPDATE_TENANTS]: {
      description: 'Work of updateTenants: changes plan and quotas of many tenants.',
    },
  } as const,
});

const stepName = openEnum<StepName>('OperationStepName', {
  description:
    'Name of a step of an operation. Later versions add names, so clients need a case for unknown ones.',
  values: {
    create_schema: 'Creates the schema and runs the migrations of the module in it.',
    create_database: 'Creates the database and runs the migrations of the module in it.',
    adopt_storage: 'Takes over an existing schema or database.',
    bind_storage: 'Updates the guard of the schema or database.',
    drop_schema: 'Drops the schema with its data.',
    drop_database: 'Drops the database with its data.',
    activate_route: 'Makes the routes of the operation visible.',
  },
  other: 'A step that this version of the gateway does not know.',
});

export const OperationStep = builder.prismaObject('OperationStep', {
  description: 'A step of an operation. Steps run in the order of the list.',
  fields: (t) => ({
    name: t.field({
      type: stepName.type,
      description: 'Name of the step.',
      // Without `select`, for which Pothos would read the steps of an attempt again.
      resolve: ({ name }) => stepName.read(name),
    }),
    module: t.expose('moduleName', {
      type: 'ModuleName',
      nullable: true,
      description: 'Module that the step works on; null when the step concerns all modules of the operation.',
    }),
    status: t.expose('status', { type: OperationStatusType, description: 'Status of the step.' }),
    error: t.exposeString('error', { nullable: true, description: 'Reason why the step failed.' }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the step started.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the step ended.',
    }),
  }),
});

const OperationProgress = builder.objectRef<BulkProgress>('OperationProgress').implement({
  description: 'Numbers of tenants of an operation on many tenants.',
  fields: (t) => ({
    total: t.exposeInt('total', {
      description: 'Number of selected tenants, each counted once, including unknown ids.',
    }),
    succeeded: t.exposeInt('succeeded', { description: 'Number of tenants that were changed.' }),
    failed: t.exposeInt('failed', { description: 'Number of tenants whose change was refused or failed.' }),
    cancelled: t.exposeInt('cancelled', {
      description: 'Number of tenants that were left out because the operation was cancelled.',
    }),
    remaining: t.exposeInt('remaining', { description: 'Number of tenants without a result.' }),
  }),
});

export const Operation = builder.prismaObject('Operation', {
  interfaces: [Node],
  description: 'Work that reaches beyond the registry’s own database, with its steps and its result.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'UUID.' }),
    kind: t.expose('kind', { type: OperationKindType, description: 'Purpose of the operation.' }),
    status: t.expose('status', { type: OperationStatusType, description: 'Status of the operation.' }),
    actor: t.exposeString('actor', {
      description: 'Actor that requested the operation, as in the audit log.',
    }),
    steps: t.relation('steps', {
      type: OperationStep,
      query: { orderBy: { position: 'asc' } },
      description: 'Steps in the order in which they run.',
    }),
    error: t.exposeString('error', {
      nullable: true,
      description: 'Reason why the operation failed, or why it is retried at `runAfter`.',
    }),
    attempt: t.exposeInt('attempt', {
      description:
        'Number of the present attempt, from 1. Each retry of an operation that has ended increases it.',
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'When the operation was requested; lists of operations are in this order.',
    }),
    requestId: t.exposeString('requestId', {
      nullable: true,
      description:
        'Id of the request that asked for the operation, as in the header X-Request-ID of its answer; null for operations of ' +
        'the command line, of SQL or of the gateway itself.',
    }),
    cancelRequestedAt: t.expose('cancelRequestedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When the present attempt was cancelled, by cancelOperation or restoreTenant; null when it was not.',
    }),
    cancelRequestedBy: t.exposeString('cancelRequestedBy', {
      nullable: true,
      description: 'Actor that cancelled the present attempt, as in the audit log; null when nobody did.',
    }),
    runAfter: t.expose('runAfter', {
      type: 'DateTime',
      description: 'Earliest start of a QUEUED operation.',
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the operation started.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the operation ended.',
    }),
    input: t.expose('input', {
      type: 'JSON',
      nullable: true,
      description:
        'The change that an operation on many tenants makes to each of them, as in the input of its mutation; null for ' +
        'an operation on one tenant.',
    }),
    progress: t.field({
      type: OperationProgress,
      nullable: true,
      description:
        'How many tenants of an operation on many tenants are done; null for an operation on one tenant.',
      select: { tenantsTotal: true, tenantsSucceeded: true, tenantsFailed: true, tenantsCancelled: true },
      resolve: (operation) => progressOf(operation),
    }),
  }),
});

builder.queryField('operation', (t) =>
  t.prismaField({
    type: Operation,
    nullable: true,
    description: 'An operation by its id; null when there is none. Scope: registry:read.',
    args: { id: t.arg.id({ required: true, description: 'UUID of the operation.' }) },
    resolve: (query, _root, { id }, context) => {
      authorize(context.caller, 'readRegistry');
      return isUuid(id) ? context.prisma.operation.findUnique({ ...query, where: { id } }) : null;
    },
  }),
);
