import type { WaitFor } from '../../feed/acknowledge.js';
import type { CommandContext, Committed } from '../../registry/command.js';

/** Runs the operation that a command has appended. The answer gets the revision of the operation's end, if it ends now. */
export async function runStartedOperation<T>(
  context: CommandContext,
  started: Committed<T>,
  operationId: string,
  wait: WaitFor | undefined,
): Promise<Committed<T>> {
  const revision = await context.runOperation(operationId, wait);
  return revision === undefined ? started : { ...started, revision };
}
