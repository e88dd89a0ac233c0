import { setTimeout as sleep } from 'node:timers/promises';
import { Repeater } from 'graphql-yoga';
import { authorize } from '../auth/permissions.js';
import { hasEnded, noSuchOperation, type OperationWithSteps } from '../provisioning/operations/operation.js';
import { findOperation } from '../provisioning/operations/operation-record.js';
import { isUuid } from '../registry/slug.js';
import { builder } from './builder.js';
import type { GraphqlContext } from './context.js';
import { Operation } from './operation.js';

/** Interval between two reads of a watched operation. */
const pollMs = 200;

interface OperationSnapshot {
  operation: OperationWithSteps;
}

const OperationEvent = builder.objectRef<OperationSnapshot>('OperationEvent').implement({
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
    subscribe: async (_root, { id }, context) => {
      authorize(context.caller, 'readRegistry');
      const operation = isUuid(id) ? await findOperation(context, id) : null;
      if (!operation) throw noSuchOperation(id);
      return watch(context, operation);
    },
    resolve: (event) => event,
  }),
);

/** Polls the rows, because any gateway or worker may run the operation. */
function watch(context: GraphqlContext, first: OperationWithSteps): Repeater<OperationSnapshot> {
  return new Repeater<OperationSnapshot>(async (push, stop) => {
    const stopping = new AbortController();
    void stop.then(() => stopping.abort());
    let sent: string | undefined;
    let operation: OperationWithSteps | null = first;
    while (operation && !stopping.signal.aborted) {
      const progress = describeProgress(operation);
      if (progress !== sent) await push({ operation });
      sent = progress;
      if (hasEnded(operation)) break;
      await sleep(pollMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      operation = await findOperation(context, operation.id);
    }
    stop();
  });
}

/** The columns whose change is an event; heartbeats are not. */
function describeProgress({ status, error, attempt, steps }: OperationWithSteps): string {
  return JSON.stringify([status, error, attempt, steps.map((step) => [step.status, step.error])]);
}
