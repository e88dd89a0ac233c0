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
  const changesRegistry = (status === 'SUCCEEDED' ? rules.succeed : rules.fail) !== undefined;
  const ending = () =>
    runCommand(
      context,
      'endOperation',
      // The end of an operation that changes no other rows is in no log, so gateways have nothing to acknowledge.
      { wait: changesRegistry ? wait : 'COMMITTED' },
      async (tx) => {
        const tenant = await lockTenant(tx, operation);
        // An operation that needs attention has not ended.
        const finishedAt = status === 'NEEDS_ATTENTION' ? null : new Date();
        await updateHeld(tx, operation, { status, error: error ?? null, finishedAt });
        await tx.send({
          text: `UPDATE operation_steps SET status = $2::operation_status, finished_at = now()
                 WHERE operation_id = $1 AND status IN ('queued', 'running')`,
          values: [operation.id, status === 'SUCCEEDED' ? 'succeeded' : 'cancelled'],
          isFrequent: true,
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
