import type { WaitFor } from '../../../feed/acknowledge.js';
import { type CommandContext, runCommand } from '../../../registry/command.js';
import { type HeldOperation, heldUpdate, requireUpdated } from '../operation.js';
import { type Ending, readLocked, rulesFor, tenantLock } from './ending.js';
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
        // An operation that needs attention has not ended.
        const finishedAt = status === 'NEEDS_ATTENTION' ? null : new Date();
        const change = { status, error: error ?? null, finishedAt };
        const [locked, updated] = await tx.send(tenantLock(operation), heldUpdate(operation, change), {
          text: `UPDATE operation_steps SET status = $2::text::operation_status, finished_at = now(),
                   started_at = CASE WHEN $2::text = 'succeeded' THEN coalesce(started_at, $3) ELSE started_at END
                 WHERE operation_id = $1 AND status IN ('queued', 'running')`,
          values: [
            operation.id,
            status === 'SUCCEEDED' ? 'succeeded' : 'cancelled',
            operation.startedAt?.toISOString() ?? null,
          ],
          isFrequent: true,
        });
        const tenant = readLocked(operation, locked);
        requireUpdated(operation, change, updated);
        if (status === 'SUCCEEDED') await rules.succeed?.(tx, operation, tenant);
        else await rules.fail?.(tx, operation, status);
        return {};
      },
      { startedByKey: operation.idempotencyKey ?? undefined },
    );
  const { revision } = await withRetries(options, ending);
  reportEnd(context, operation, status);
  return revision;
}

/** Tells the metrics. Words in small letters, as in the rows. */
export function reportEnd(context: CommandContext, operation: HeldOperation, status: Ending): void {
  const since = operation.startedAt ?? operation.createdAt;
  const seconds = Math.max(0, Date.now() - since.getTime()) / 1_000;
  context.onOperationEnd?.({ kind: operation.kind.toLowerCase(), status: status.toLowerCase(), seconds });
}
