import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { RegistryError } from '../../errors.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { idempotencyKey, optional, readInput, uuid, wait } from '../../registry/input.js';
import { cancelQueuedOperation, isCompensated } from '../operations/ending.js';
import { requireOperation } from '../operations/operation.js';

const CancelOperationInput = z.object({
  id: uuid,
  idempotencyKey: optional(idempotencyKey),
  wait: optional(wait),
});

/**
 * Calls an operation off. One that waits ends at once; one that runs is undone before its next step, which the operation
 * tells when it has come to it. Throws CONFLICT for what has ended, and for what can't be undone.
 */
export async function cancelOperation(context: CommandContext, input: unknown) {
  authorize(context.caller, 'cancelOperation');
  const wanted = readInput(CancelOperationInput, input);
  return runCommand(context, 'cancelOperation', wanted, async (tx) => {
    const operation = await requireOperation(tx, wanted.id);
    const { id, kind, status } = operation;
    const words = kind.toLowerCase().replaceAll('_', ' ');
    if (kind === 'BIND_STORAGE')
      throw new RegistryError(
        'CONFLICT',
        `Operation ${id} has the guards follow the registry: change the tenant instead`,
      );
    if (status === 'QUEUED') await cancelQueuedOperation(tx, operation);
    else if (status === 'RUNNING' && isCompensated(operation))
      await tx.operation.update({ where: { id }, data: { cancelRequestedAt: new Date() } });
    else if (status === 'RUNNING')
      throw new RegistryError('CONFLICT', `Operation ${id} (${words}) runs already and can't be undone`);
    else if (status !== 'COMPENSATING')
      throw new RegistryError(
        'CONFLICT',
        `Operation ${id} (${words}) is ${status.toLowerCase()}, not under way`,
      );
    return { operationId: id };
  });
}
