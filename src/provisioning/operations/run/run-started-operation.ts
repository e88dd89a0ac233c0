import type { WaitFor } from '../../../feed/acknowledge.js';
import type { CommandContext, Committed } from '../../../registry/command.js';
import { within } from '../../../within.js';
import { runOrAwait } from './await-end.js';

/** Runs the operation that a command has appended. The answer gets the revision of the operation's end, if it ends now. */
export async function runStartedOperation<T>(
  context: CommandContext,
  started: Committed<T>,
  operationId: string,
  wait: WaitFor | undefined,
): Promise<Committed<T>> {
  const revision = await runOrAwait(context, operationId, wait);
  return revision === undefined ? started : { ...started, revision };
}

/**
 * As runStartedOperation, for an operation on many tenants, which may take any time: answers at the end of the first run, or earlier:
 * after the staleness bound, and at once with COMMITTED.
 */
export async function runStartedBulk<T>(
  context: CommandContext,
  started: Committed<T>,
  operationId: string,
  wait: WaitFor | undefined,
): Promise<Committed<T>> {
  const running = context.runOperation(operationId).catch((error) => {
    // The operation stays in the queue, and a worker goes on with it.
    context.log.warn({ err: error, operationId }, 'operation was interrupted and will be continued');
    return undefined;
  });
  if (wait === 'COMMITTED') return started;
  const revision = await within(context.stalenessMs, running, () => undefined);
  return revision === undefined ? started : { ...started, revision };
}
