import type { WaitFor } from '../../feed/acknowledge.js';
import type { CommandContext, Committed } from '../../registry/command.js';

/** Runs the operation that a command has begun; the answer has the revision of its end, if it comes to one now. */
export async function carryOut<T>(
  context: CommandContext,
  begun: Committed<T>,
  operationId: string,
  wait: WaitFor | undefined,
): Promise<Committed<T>> {
  const revision = await context.runOperation(operationId, wait);
  return revision === undefined ? begun : { ...begun, revision };
}
