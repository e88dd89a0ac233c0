import { queryFromInfo } from '@pothos/plugin-prisma';
import { type AttemptOfOperation, stepsOf } from '../../provisioning/operations/attempt.js';
import {
  attemptId,
  defaultHistory,
  isAttemptId,
  maxHistory,
} from '../../provisioning/operations/reads/history.js';
import { builder } from '../builder.js';
import { KeysetPage, readPage } from '../fields/keyset-page.js';
import { requireSize } from '../fields/page.js';
import { ModuleSubscription } from '../modules/module-subscription.js';
import { Operation, OperationKindType, OperationStatusType, OperationStep } from './operation.js';

const OperationAttempt = builder.prismaObject('OperationAttempt', {
  description:
    'An attempt of an operation. The first one begins with the operation, and a further one with each retry of an ' +
    'operation that had ended. Later attempts change nothing in it.',
  fields: (t) => ({
    id: t.id({
      description: 'Id of the operation and number of the attempt, as `<UUID>:<number>`.',
      resolve: attemptId,
    }),
    operation: t.relation('operation', { description: 'The operation, in its present state.' }),
    number: t.exposeInt('number', { description: 'Number of the attempt within its operation, from 1.' }),
    kind: t.expose('kind', { type: OperationKindType, description: 'Purpose of the attempted operation.' }),
    status: t.expose('status', {
      type: OperationStatusType,
      description: 'How the attempt ended, or its present status.',
    }),
    actor: t.exposeString('actor', {
      description: 'Actor that requested the operation, or that retried it, as in the audit log.',
    }),
    requestId: t.exposeString('requestId', {
      nullable: true,
      description:
        'Id of the request that began the attempt, as in the header X-Request-ID of its answer; null for attempts by the ' +
        'command line, by SQL or by the gateway itself.',
    }),
    runs: t.exposeInt('runs', {
      description:
        'How often a worker took the attempt up: 1, and 1 more for each automatic repetition after a transient error and each ' +
        'time that another process took it over.',
    }),
    steps: t.field({
      type: [OperationStep],
      description: 'Steps of the operation as the attempt left them, in the order in which they run.',
      // Attempts come only from the loaders of the history, which read the operation and its steps with them.
      resolve: (attempt) => stepsOf(attempt as AttemptOfOperation),
    }),
    error: t.exposeString('error', { nullable: true, description: 'Reason why the attempt failed.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the attempt was requested.' }),
    cancelRequestedAt: t.expose('cancelRequestedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the attempt was cancelled; null when it was not.',
    }),
    cancelRequestedBy: t.exposeString('cancelRequestedBy', {
      nullable: true,
      description: 'Actor that cancelled the attempt, as in the audit log; null when nobody did.',
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a worker first took the attempt up.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When the attempt ended; in status NEEDS_ATTENTION, when the last worker stopped working on it.',
    }),
  }),
});

builder.prismaObjectFields(Operation, (t) => ({
  attempts: t.field({
    type: [OperationAttempt],
    description: 'The latest attempts, oldest first. Errors: VALIDATION_ERROR for a number out of range.',
    args: {
      last: t.arg.int({
        required: true,
        defaultValue: defaultHistory,
        description: `Number of entries from the end of the list, 0 to ${maxHistory}.`,
      }),
    },
    select: { id: true },
    resolve: ({ id }, { last }, context) =>
      context.attempts.load({ operationId: id, last: requireSize('last', last, maxHistory) }),
  }),
}));

const OperationAttemptConnection = builder.connectionObject(
  { type: OperationAttempt, name: 'OperationAttemptConnection', description: 'A page of attempts.' },
  { name: 'OperationAttemptEdge', description: 'An attempt with its cursor.' },
);

const newestFirst = { list: 'attempts', field: 'createdAt', isId: isAttemptId, isDescending: true } as const;

builder.prismaObjectFields(ModuleSubscription, (t) => ({
  history: t.field({
    type: OperationAttemptConnection,
    description:
      'Attempts of operations on the subscription with their actor, times and result; newest first. Updates of guards are left ' +
      'out. Errors: VALIDATION_ERROR.',
    args: t.arg.connectionArgs(),
    select: { tenantId: true, moduleName: true },
    resolve: ({ tenantId, moduleName }, page, context, info) => {
      // The rows have their operation, so Pothos does not read it again.
      queryFromInfo({ context, info, path: ['edges', 'node'] });
      const requested = readPage(page, newestFirst);
      const { size, isDescending, isFromEnd, after, before } = requested;
      const wanted = { isDescending, isFromEnd, after, before, limit: size + 1 };
      return new KeysetPage(requested, {
        list: () => context.history.load({ tenantId, moduleName, page: wanted }),
      });
    },
  }),
}));
