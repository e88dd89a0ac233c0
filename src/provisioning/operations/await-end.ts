import { setTimeout as sleep } from 'node:timers/promises';
import type { WaitFor } from '../../feed/acknowledge.js';
import { type CommandContext, requireHeadRevision } from '../../registry/command.js';
import { readRevision } from '../../registry/revision.js';
import { hasEnded } from './operation.js';

/** How often the operation is polled while another process runs it, in milliseconds. */
const pollMs = 200;

/**
 * Waits until the operation has ended, and runs it when no other process does. Resolves with a revision that includes the end,
 * once the gateways have acknowledged it. Rejects when the signal is aborted; the operation itself continues.
 */
export async function awaitEnd(
  context: CommandContext,
  operationId: string,
  { waitFor = 'GATEWAYS', signal }: { waitFor?: WaitFor; signal?: AbortSignal } = {},
): Promise<string> {
  const { prisma } = context.database;
  for (;;) {
    const revision = await context.runOperation(operationId, waitFor);
    if (revision !== undefined) return revision;
    const operation = await prisma.operation.findUniqueOrThrow({
      where: { id: operationId },
      select: { status: true },
    });
    if (hasEnded(operation)) break;
    await sleep(pollMs, undefined, { ...(signal && { signal }) });
  }
  // The process that ended it may still be waiting for the gateways, so this one waits, too.
  const head = await requireHeadRevision(context.database.pool);
  const { epoch, number } = readRevision(head);
  await context.acknowledge({ epoch, revision: number, waitFor });
  return head;
}
