import { setTimeout as sleep } from 'node:timers/promises';
import { RegistryError } from '../../errors.js';
import { type CommandContext, requireHeadRevision, runCommand } from '../../registry/command.js';
import { mayPass } from '../../registry/database-failure.js';
import { readRevision } from '../../registry/revision.js';
import { messageForCaller } from '../operations/caller-message.js';
import {
  type HeldOperation,
  isCancelRequested,
  LostOperationError,
  requireOperation,
  updateHeld,
} from '../operations/operation.js';
import {
  cancelQueuedTenants,
  confirmResults,
  hasUnconfirmed,
  isBulkKind,
  listQueuedChildren,
  listQueuedTenants,
  lockHeld,
  readProgress,
  recordResults,
  releaseWaiting,
} from '../operations/reads/operation-tenants.js';
import { cancelledByUser, cancelQueuedOperation, type Ending } from '../operations/run/ending.js';
import { reportEnd } from '../operations/run/operation-end.js';
import type { RunOptions } from '../operations/run/run-operation.js';
import { withRetries } from '../operations/run/transient-errors.js';
import type { BulkRun } from './bulk-batch.js';
import { changeTenants } from './bulk-batch.js';
import { bulkChanges, readBulkInput } from './bulk-change.js';

/** How long a run waits for tenants that other sessions keep locked, without any progress: as long as a command, in milliseconds. */
const patienceMs = 5_000;
const pausesMs = [50, 100, 300, 1_000] as const;

/**
 * Runs an operation on many tenants from its present state. Every batch can be interrupted anywhere: its changes and its results
 * are one transaction, which a worker that has lost the operation cannot commit. Returns the revision of the end; undefined when
 * the operation waits for the operations that make storage.
 */
export async function runBulk(
  context: CommandContext,
  operation: HeldOperation,
  options: RunOptions,
): Promise<string | undefined> {
  const { kind } = operation;
  if (!isBulkKind(kind)) throw new Error(`${kind} is no operation on many tenants`);
  const change = bulkChanges[kind];
  const { wait, ...input } = readBulkInput(operation.input);
  const run: BulkRun = { context, operation, options, change, input, waitFor: wait ?? change.waitFor };
  try {
    await confirmEarlier(run);
    const isCancelled = !(await runBatches(run));
    if (isCancelled) await cancelRest(run);
    // The answer to the COMMIT of a batch may have been lost.
    await confirmEarlier(run);
    if (await releaseWaiting(context, operation, { isCancelled })) return undefined;
    return await endBulk(run, isCancelled);
  } catch (error) {
    if (error instanceof LostOperationError || mayPass(error) || options.signal.aborted) throw error;
    context.log.error({ err: error, operationId: operation.id }, 'operation failed');
    return end(run, 'NEEDS_ATTENTION', messageForCaller(error));
  }
}

/** Confirms batches of which this or an earlier run was interrupted between their commit and the acknowledgement. */
async function confirmEarlier({ context, operation, waitFor }: BulkRun): Promise<void> {
  if (!(await hasUnconfirmed(context, operation))) return;
  const { epoch, number } = readRevision(await requireHeadRevision(context.database.pool));
  await context.acknowledge({ epoch, revision: number, waitFor });
  await confirmResults(context, operation);
}

/**
 * Changes the tenants in batches. A tenant that another session has locked is left out and comes in a later round, so it does not
 * delay the others. Returns false when the operation was cancelled.
 */
async function runBatches(run: BulkRun): Promise<boolean> {
  const { context, operation, options, change } = run;
  let heldSince: number | undefined;
  for (let round = 0; ; round++) {
    let hasMore = false;
    let hasProgress = false;
    for (let after = -1; ; ) {
      options.signal.throwIfAborted();
      if (await withRetries(options, () => isCancelRequested(context, operation))) return false;
      const batch = await listQueuedTenants(context, operation, after, change.batchSize);
      const last = batch.at(-1);
      if (!last) break;
      after = last.position;
      const done = await changeTenants(run, batch);
      hasProgress ||= done > 0;
      hasMore ||= done < batch.length;
    }
    if (!hasMore) return true;
    const now = performance.now();
    heldSince = hasProgress ? now : (heldSince ?? now);
    if (now - heldSince > patienceMs) await giveUpHeld(run);
    else await sleep(pausesMs[Math.min(round, pausesMs.length - 1)], undefined, { signal: options.signal });
  }
}

/** Gives up the tenants that are still locked by other sessions; retryOperation takes them up again. */
async function giveUpHeld({ context, operation }: BulkRun): Promise<void> {
  for (let after = -1; ; ) {
    const held = await listQueuedTenants(context, operation, after, 1_000);
    const last = held.at(-1);
    if (!last) return;
    after = last.position;
    const results = held.map(({ position }) => ({ position, status: 'FAILED' as const, ...keptLocked }));
    await context.database.transaction((tx) => recordResults(tx, operation, results));
  }
}

const keptLocked = {
  code: 'REGISTRY_UNAVAILABLE',
  message:
    'Another session keeps the tenant locked in the registry database; use retryOperation when it has ended',
} as const;

/** Cancels what has not begun: tenants without a result, and queued operations that would make storage. */
async function cancelRest({ context, operation, options }: BulkRun): Promise<void> {
  await withRetries(options, () =>
    context.database.transaction(async (tx) => {
      await lockHeld(tx, operation);
      await cancelQueuedTenants(tx, operation.id);
    }),
  );
  for (const id of await listQueuedChildren(context, operation)) {
    options.signal.throwIfAborted();
    const cancel = () =>
      runCommand(context, 'cancelOperation', { wait: 'COMMITTED' }, async (tx) => {
        await cancelQueuedOperation(tx, await requireOperation(tx, id));
        return {};
      });
    await withRetries(options, cancel).catch((error) => {
      // It has just started, and goes on to its end.
      if (!(error instanceof RegistryError) || error.code !== 'CONFLICT') throw error;
    });
  }
}

async function endBulk(run: BulkRun, isCancelled: boolean): Promise<string> {
  const progress = await readProgress(run.context, run.operation);
  const { total, failed, cancelled } = progress;
  if (isCancelled && cancelled > 0) return end(run, 'CANCELLED', cancelledByUser);
  if (failed + cancelled === 0) return end(run, 'SUCCEEDED', undefined);
  return end(
    run,
    'FAILED',
    `${failed + cancelled} of ${total} tenants were not changed: tenantResults has the reasons`,
  );
}

async function end(
  { context, operation, options }: BulkRun,
  status: Ending,
  error: string | undefined,
): Promise<string> {
  const finishedAt = status === 'NEEDS_ATTENTION' ? null : new Date();
  const ending = () =>
    runCommand(
      context,
      'endOperation',
      // The changes were acknowledged batch by batch.
      { wait: 'COMMITTED' },
      async (tx) => {
        await updateHeld(tx, operation, { status, error: error ?? null, finishedAt });
        return {};
      },
      { startedByKey: operation.idempotencyKey ?? undefined },
    );
  const { revision } = await withRetries(options, ending);
  reportEnd(context, operation, status);
  return revision;
}
