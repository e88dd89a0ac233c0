import { authorize } from '../../auth/permissions.js';
import {
  hasEnded,
  noSuchOperation,
  type OperationWithSteps,
} from '../../provisioning/operations/operation.js';
import { findOperation } from '../../provisioning/operations/reads/operation-record.js';
import { isUuid } from '../../registry/slug.js';
import { builder } from '../builder.js';
import { Operation } from './operation.js';

const OperationEvent = builder.objectRef<OperationWithSteps>('OperationEvent').implement({
  description: 'Event of operationProgress.',
  fields: (t) => ({
    operation: t.field({
      type: Operation,
      description: 'The operation and its steps at the time of the event.',
      resolve: (operation) => operation,
    }),
    isEnd: t.boolean({
      description:
        'Whether this is the last event: the operation has ended, or needs the attention of a person.',
      resolve: (operation) => hasEnded(operation),
    }),
  }),
});

builder.subscriptionField('operationProgress', (t) =>
  t.field({
    type: OperationEvent,
    description:
      'Progress of an operation: one event at once, one for each change, and a last one at its end. Scope: ' +
      'registry:read. Errors: NOT_FOUND when there is no such operation.',
    args: { id: t.arg.id({ required: true, description: 'UUID of the operation.' }) },
    subscribe: async (_root, { id }, context) => {
      authorize(context.caller, 'readRegistry');
      const operation = isUuid(id) ? await findOperation(context, id) : null;
      if (!operation) throw noSuchOperation(id);
      return context.shared.limits.operations.watch(operation);
    },
    resolve: (event) => event,
  }),
);
