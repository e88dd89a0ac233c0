import { setTimeout as sleep } from 'node:timers/promises';
import type { WaitFor } from '../../../feed/acknowledge.js';
import { type CommandContext, requireHeadRevision } from '../../../registry/command.js';
import { mayPass } from '../../../registry/database-failure.js';
import { readRevision } from '../../../registry/revision.js';
import { hasEnded } from '../operation.js';

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
  for (;;) {
    const revision = await context.runOperation(operationId, waitFor);
    if (revision !== undefined) return revision;
    if (hasEnded(await readStatus(context, operationId))) return await acknowledgeEnd(context, waitFor);
    await sleep(pollMs, undefined, { ...(signal && { signal }) });
  }
}

/** How long a request waits at most for the end of an operation that another worker runs, in milliseconds. */
const longestMs = 5_000;

/**
 * Runs the operation that a command has committed. Between its commit and this run a worker may have taken it: then waits for that worker, for
 * as long as the staleness bound and 5 s at most. Resolves with a revision that includes the end, or with undefined when the operation goes on.
 */
export async function runOrAwait(
  context: CommandContext,
  operationId: string,
  waitFor: WaitFor | undefined,
): Promise<string | undefined> {
  const revision = await context.runOperation(operationId, waitFor);
  if (revision !== undefined) return revision;
  try {
    for (const giveUpAt = performance.now() + Math.min(context.stalenessMs, longestMs); ; ) {
      const operation = await readStatus(context, operationId);
      if (hasEnded(operation)) return await acknowledgeEnd(context, waitFor ?? 'GATEWAYS');
      // Queued again, or released to go on after other operations.
      if (operation.worker === null || performance.now() > giveUpAt) return undefined;
      await sleep(pollMs);
    }
  } catch (error) {
    // What the command has committed stands.
    if (mayPass(error)) return undefined;
    throw error;
  }
}

function readStatus({ database }: CommandContext, id: string) {
  return database.prisma.operation.findUniqueOrThrow({
    where: { id },
    select: { status: true, worker: true },
  });
}

/** The process that has ended the operation may still be waiting for the gateways, so this one waits, too. */
async function acknowledgeEnd(context: CommandContext, waitFor: WaitFor): Promise<string> {
  const head = await requireHeadRevision(context.database.pool);
  const { epoch, number } = readRevision(head);
  await context.acknowledge({ epoch, revision: number, waitFor });
  return head;
}
