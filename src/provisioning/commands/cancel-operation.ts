import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { RegistryError } from '../../errors.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { idempotencyKey, omittable, readInput, uuid, wait } from '../../registry/input.js';
import { requireOperation } from '../operations/operation.js';
import { isBulkKind, requestBulkCancellation } from '../operations/reads/operation-tenants.js';
import { cancelQueuedOperation, isCompensated } from '../operations/run/ending.js';
import { runStartedBulk } from '../operations/run/run-started-operation.js';

const CancelOperationInput = z.object({
  id: uuid,
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/**
 * Cancels an operation. A queued one ends at once; a running one is undone before its next step, after this command has
 * answered. One on many tenants stops before its next batch, and what was done stays. Throws CONFLICT when it has ended or cannot
 * be undone.
 */
export async function cancelOperation(context: CommandContext, input: unknown) {
  authorize(context.caller, 'cancelOperation');
  const wanted = readInput(CancelOperationInput, input);
  const cancelled = await runCommand(context, 'cancelOperation', wanted, async (tx) => {
    const operation = await requireOperation(tx, wanted.id);
    const { id, kind, status } = operation;
    const words = kind.toLowerCase().replaceAll('_', ' ');
    if (kind === 'BIND_STORAGE')
      throw new RegistryError(
        'CONFLICT',
        `Operation ${id} updates the guards and cannot be cancelled: change the tenant's status instead`,
      );
    if (isBulkKind(kind) && ['QUEUED', 'RUNNING'].includes(status)) await requestBulkCancellation(tx, id);
    else if (status === 'QUEUED') await cancelQueuedOperation(tx, operation);
    else if (status === 'RUNNING' && isCompensated(operation))
      await tx.operation.update({ where: { id }, data: { cancelRequestedAt: new Date() } });
    else if (status === 'RUNNING')
      throw new RegistryError(
        'CONFLICT',
        `Operation ${id} (${words}) is running and cannot be undone: wait for its end`,
      );
    else if (status === 'NEEDS_ATTENTION')
      throw new RegistryError(
        'CONFLICT',
        `Operation ${id} (${words}) needs attention and cannot be cancelled: correct what its error names and use retryOperation`,
      );
    else if (status !== 'COMPENSATING')
      throw new RegistryError(
        'CONFLICT',
        `Operation ${id} (${words}) is ${status.toLowerCase()}: only a queued or running one can be cancelled`,
      );
    return { operationId: id, runsAgain: isBulkKind(kind) };
  });
  // The worker of an operation on many tenants ends it; without one, this process does.
  if (!cancelled.runsAgain || cancelled.repeated) return cancelled;
  return runStartedBulk(context, cancelled, cancelled.operationId, wanted.wait);
}
