import { setTimeout as sleep } from 'node:timers/promises';
import type { WaitFor } from '../../feed/acknowledge.js';
import { type CommandContext, requireHeadRevision } from '../../registry/command.js';
import { readRevision } from '../../registry/revision.js';
import { hasEnded } from './operation.js';

/** How often an operation is looked at that somebody else runs, in milliseconds. */
const lookMs = 200;

/**
 * Stays with an operation until its end, whoever runs it, and runs it when nobody does. Resolves with a revision that holds
 * that end, once the gateways know of it. Rejects when the signal is aborted; the operation goes on.
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
    await sleep(lookMs, undefined, { ...(signal && { signal }) });
  }
  // Whoever ended it may still be waiting for the gateways.
  const head = await requireHeadRevision(prisma);
  const { epoch, number } = readRevision(head);
  await context.acknowledge({ epoch, revision: number, waitFor });
  return head;
}
