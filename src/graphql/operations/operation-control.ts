import { cancelOperation } from '../../provisioning/commands/cancel-operation.js';
import { retryOperation } from '../../provisioning/commands/retry-operation.js';
import type { CommandContext, Committed } from '../../registry/command.js';
import { waitField } from '../fields/mutation-input.js';
import { operationField } from '../fields/payload.js';
import { mutation } from '../mutation.js';

interface ControlMutation {
  command: (context: CommandContext, input: unknown) => Promise<Committed<{ operationId: string }>>;
  description: string;
}

/** Adds a mutation on one operation to the schema. */
function controlMutation(name: string, { command, description }: ControlMutation): void {
  mutation(name, {
    command,
    description,
    input: (t) => ({
      id: t.id({ required: true, description: 'UUID of the operation.' }),
      wait: waitField(t),
    }),
    payload: (t) => ({ operation: operationField(t) }),
  });
}

controlMutation('retryOperation', {
  command: retryOperation,
  description:
    'Runs an operation again that is FAILED, COMPENSATED, CANCELLED or NEEDS_ATTENTION, under the same ' +
    'names. Scope: provision. Errors: NOT_FOUND, CONFLICT for any other status, or when the storage has been ' +
    'changed by something else since then, OPERATION_IN_PROGRESS, TENANT_SUSPENDED, TENANT_DELETED. An operation on many ' +
    'tenants runs only those again that failed or were cancelled; it also needs the scope of its own mutation.',
});

controlMutation('cancelOperation', {
  command: cancelOperation,
  description:
    'Cancels an operation: a queued operation ends at once, a running one is undone before its next ' +
    'step. One on many tenants stops before its next batch: what was done stays, and the other tenants are CANCELLED. ' +
    'Scope: provision. Errors: NOT_FOUND, CONFLICT for an operation that has ended, for one that has begun to ' +
    'drop data, and for bindings, which follow the registry.',
});
