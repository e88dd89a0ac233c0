import type { WaitFor } from '../../feed/acknowledge.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { type Ending, lockTenant, rulesFor } from './ending.js';
import { type HeldOperation, updateHeld } from './operation.js';
import { type RetryOptions, withRetries } from './transient-errors.js';

/** Ends the operation and applies or reverts its result in the registry, in one transaction. */
export async function endOperation(
  context: CommandContext,
  operation: HeldOperation,
  options: RetryOptions,
  status: Ending,
  error: string | undefined,
  wait?: WaitFor,
): Promise<string> {
  const rules = rulesFor(operation);
  const ending = () =>
    runCommand(
      context,
      'endOperation',
      { wait },
      async (tx) => {
        const tenant = await lockTenant(tx, operation);
        // An operation that needs attention has not ended.
        const finishedAt = status === 'NEEDS_ATTENTION' ? null : new Date();
        await updateHeld(tx, operation, { status, error: error ?? null, finishedAt });
        await tx.operationStep.updateMany({
          where: { operationId: operation.id, status: { in: ['QUEUED', 'RUNNING'] } },
          data: { status: status === 'SUCCEEDED' ? 'SUCCEEDED' : 'CANCELLED', finishedAt: new Date() },
        });
        if (status === 'SUCCEEDED') await rules.succeed?.(tx, operation, tenant);
        else await rules.fail?.(tx, operation, status);
        return {};
      },
      { startedByKey: operation.idempotencyKey ?? undefined },
    );
  const { revision } = await withRetries(options, ending);
  return revision;
}
