import { setTimeout as sleep } from 'node:timers/promises';
import { Repeater } from 'graphql-yoga';
import { authorize } from '../auth/permissions.js';
import type { PrismaClient } from '../database/generated/prisma/client.js';
import { hasEnded, noSuchOperation, type OperationWithSteps } from '../provisioning/operations/operation.js';
import { isUuid } from '../registry/slug.js';
import { builder } from './builder.js';
import { Operation } from './operation.js';

/** How often a watched operation is looked at, in milliseconds. */
const lookMs = 200;

interface Seen {
  operation: OperationWithSteps;
}

const OperationEvent = builder.objectRef<Seen>('OperationEvent').implement({
  description: 'Event of operationProgress.',
  fields: (t) => ({
    operation: t.field({
      type: Operation,
      description: 'The operation and its steps at the time of the event.',
      resolve: ({ operation }) => operation,
    }),
    isEnd: t.boolean({
      description:
        'Whether this is the last event: the operation has ended, or needs the attention of a person.',
      resolve: ({ operation }) => hasEnded(operation),
    }),
  }),
});

builder.subscriptionField('operationProgress', (t) =>
  t.field({
    type: OperationEvent,
    description:
      'Progress of an operation: one event at once, one for each change, and a last one at its end. Scope: ' +
      'registry:read. Errors: VALIDATION_ERROR when there is no such operation.',
    args: { id: t.arg.id({ required: true, description: 'UUID of the operation.' }) },
    subscribe: async (_root, { id }, { caller, prisma }) => {
      authorize(caller, 'readRegistry');
      const first = isUuid(id) ? await findOperation(prisma, id) : null;
      if (!first) throw noSuchOperation(id);
      return watch(prisma, first);
    },
    resolve: (event) => event,
  }),
);

/** Looks at the rows, which are the truth whoever runs the operation. */
function watch(prisma: PrismaClient, first: OperationWithSteps): Repeater<Seen> {
  return new Repeater<Seen>(async (push, stop) => {
    const stopping = new AbortController();
    void stop.then(() => stopping.abort());
    let shown: string | undefined;
    let operation: OperationWithSteps | null = first;
    while (operation && !stopping.signal.aborted) {
      const looks = describe(operation);
      if (looks !== shown) await push({ operation });
      shown = looks;
      if (hasEnded(operation)) break;
      await sleep(lookMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      operation = await findOperation(prisma, operation.id);
    }
    stop();
  });
}

function findOperation(prisma: PrismaClient, id: string): Promise<OperationWithSteps | null> {
  return prisma.operation.findUnique({
    where: { id },
    include: { steps: { orderBy: { position: 'asc' } } },
  });
}

/** What of an operation makes an event when it changes: heartbeats do not. */
function describe({ status, error, attempt, steps }: OperationWithSteps): string {
  return JSON.stringify([status, error, attempt, steps.map((step) => [step.status, step.error])]);
}
