import { authorize } from '../auth/permissions.js';
import { OperationKind, OperationStatus } from '../database/generated/prisma/enums.js';
import { isUuid } from '../registry/slug.js';
import { builder } from './builder.js';

const OperationStatusType = builder.enumType('OperationStatus', {
  description: 'How far a piece of work, or one step of it, has come.',
  values: {
    [OperationStatus.QUEUED]: { description: 'Not begun.' },
    [OperationStatus.RUNNING]: { description: 'Being worked on.' },
    [OperationStatus.SUCCEEDED]: { description: 'Done; its effect is visible.' },
    [OperationStatus.FAILED]: { description: 'Ended without effect; `error` says why.' },
    [OperationStatus.COMPENSATING]: { description: 'Failed; what was made is being taken away again.' },
    [OperationStatus.COMPENSATED]: { description: 'Failed, and everything it had made is gone again.' },
    [OperationStatus.CANCELLED]: {
      description: 'Not done, because something before it failed or it was called off.',
    },
    [OperationStatus.NEEDS_ATTENTION]: {
      description: 'Failed and could not be undone; a person has to look at `error`.',
    },
  } as const,
});

const OperationKindType = builder.enumType('OperationKind', {
  description: 'What an operation is for.',
  values: {
    [OperationKind.SUBSCRIBE_TENANT]: {
      description: 'subscribeTenantToModule: storage made and route made visible.',
    },
    [OperationKind.PROVISION_MODULE]: {
      description: 'provisionModule: storage made, route not visible yet.',
    },
    [OperationKind.PROVISION_TENANT]: {
      description: 'provisionTenant: a new tenant with the storage of several modules.',
    },
    [OperationKind.MARK_MODULE_PROVISIONED]: {
      description: 'markModuleProvisioned: storage made by somebody else.',
    },
    [OperationKind.ADOPT_STORAGE]: {
      description: 'Storage that stood before the registry knew of it was registered as it is.',
    },
  } as const,
});

const OperationStep = builder.prismaObject('OperationStep', {
  description: 'One step of an operation; steps run in the order of the list.',
  fields: (t) => ({
    name: t.exposeString('name', {
      description: '`create_schema`, `create_database`, `adopt_storage` or `activate_route`.',
    }),
    module: t.expose('moduleName', {
      type: 'ModuleName',
      nullable: true,
      description: 'The module it works for; null when it is about all of them.',
    }),
    status: t.expose('status', { type: OperationStatusType, description: 'How far it has come.' }),
    error: t.exposeString('error', { nullable: true, description: 'Why it failed.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true, description: 'When it began.' }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true, description: 'When it ended.' }),
  }),
});

export const Operation = builder.prismaObject('Operation', {
  description:
    'A piece of work that reaches beyond the registry’s own database, with its steps and how it ended.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'UUID.' }),
    kind: t.expose('kind', { type: OperationKindType, description: 'What it is for.' }),
    status: t.expose('status', { type: OperationStatusType, description: 'How far it has come.' }),
    actor: t.exposeString('actor', { description: 'Who asked for it, as in the audit log.' }),
    steps: t.relation('steps', {
      type: OperationStep,
      query: { orderBy: { position: 'asc' } },
      description: 'Its steps, in the order in which they run.',
    }),
    error: t.exposeString('error', { nullable: true, description: 'Why it failed.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true, description: 'When it began.' }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true, description: 'When it ended.' }),
  }),
});

builder.queryField('operation', (t) =>
  t.prismaField({
    type: Operation,
    nullable: true,
    description: 'A piece of work by its id; null when there is none. Scope: registry:read.',
    args: { id: t.arg.id({ required: true, description: 'Id from a payload’s `operation`.' }) },
    resolve: (query, _root, { id }, context) => {
      authorize(context.caller, 'readRegistry');
      return isUuid(id) ? context.prisma.operation.findUnique({ ...query, where: { id } }) : null;
    },
  }),
);
