import { cancelOperation } from '../provisioning/commands/cancel-operation.js';
import { retryOperation } from '../provisioning/commands/retry-operation.js';
import type { CommandContext, Committed } from '../registry/command.js';
import { builder } from './builder.js';
import { execute } from './context.js';
import { idempotencyKeyField, waitField } from './mutation-input.js';
import { operationField } from './payload.js';
import { revisionField } from './revision-field.js';

interface ControlMutation {
  command: (context: CommandContext, input: unknown) => Promise<Committed<{ operationId: string }>>;
  input: string;
  description: string;
}

/** A mutation on an operation. */
function controlMutation(name: string, { command, input, description }: ControlMutation): void {
  builder.relayMutationField(
    name,
    {
      description: input,
      inputFields: (t) => ({
        id: t.id({ required: true, description: 'UUID of the operation.' }),
        idempotencyKey: idempotencyKeyField(t),
        wait: waitField(t),
      }),
    },
    { description, resolve: (_root, args, context) => execute(context, command, args.input) },
    {
      description: 'The operation as it is now.',
      outputFields: (t) => ({ operation: operationField(t), revision: revisionField(t) }),
    },
  );
}

controlMutation('retryOperation', {
  command: retryOperation,
  input: 'What to try again.',
  description:
    'Runs an operation again that is FAILED, COMPENSATED, CANCELLED or NEEDS_ATTENTION, under the same names. Scope: ' +
    'provision. Errors: CONFLICT for any other, or when something else has become of its storage since, ' +
    'OPERATION_IN_PROGRESS, TENANT_SUSPENDED, TENANT_DELETED.',
});

controlMutation('cancelOperation', {
  command: cancelOperation,
  input: 'What to call off.',
  description:
    'Calls an operation off: one that waits ends at once, one that runs is undone before its next step. Scope: provision. ' +
    'Errors: CONFLICT for what has ended, for the dropping of data once it has begun, and for bindings, which follow the ' +
    'registry.',
});
