import { setMaxListeners } from 'node:events';
import type { WaitFor } from '../../../feed/acknowledge.js';
import type { CommandContext } from '../../../registry/command.js';
import { mayPass } from '../../../registry/database-failure.js';
import { within } from '../../../within.js';
import { createCopyKeeper } from '../../copies/keep-copies.js';
import { type DueOperation, listDueOperations, releaseOperations } from '../operation.js';
import { beginDueRemovals } from './removal.js';
import { type BulkRunner, runOperation } from './run-operation.js';

export interface WorkerOptions {
  /** Interval of the heartbeats of a running operation, in milliseconds. */
  heartbeatMs: number;
  /** How long an operation may have no heartbeat before it is taken over, in milliseconds. */
  takeOverAfterMs: number;
  runBulk: BulkRunner;
  /** Work of further parts of provisioning, which is done again and again while the worker runs. */
  duties?: readonly Duty[];
}

/** Work that a worker does again `everyMs` milliseconds after its end; it may throw. */
interface Duty {
  everyMs: number;
  run: (context: CommandContext, signal: AbortSignal) => Promise<void>;
  /** Resolves when work that it has left running after the signal has ended. */
  ended?: () => Promise<void>;
}

/** Runs operations. Their rows are the queue, so a worker also finds operations that another process left unfinished. */
export interface Worker {
  /** Runs one operation now; see runOperation. */
  run(context: CommandContext, operationId: string, wait?: WaitFor): Promise<string | undefined>;
  /** Starts polling for due operations. */
  start(context: CommandContext): void;
  /** Stops runs between two steps and releases their operations. */
  close(context: CommandContext): Promise<void>;
}

const pollMs = 500;
const removalPollMs = 5_000;
/** Bounds the time from a module's registration until services can make its schemas by SQL. */
const copyPollMs = 1_000;

/** How many operations the loop runs at the same time, besides those that requests wait for. */
const maxRunning = 16;

/** How many of them may work in one database: one that is down or slow must not block the others. */
const maxPerDatabase = 4;

/** Pauses before retries after transient errors, while the request waits. */
const retryDelaysMs = [100, 300, 1_000];

/** How long running steps may take to end when the worker stops. */
const closingMs = 5_000;

export function openWorker(options: WorkerOptions): Worker {
  const stopping = new AbortController();
  const { signal } = stopping;
  // Every duty and every pause of a run listens.
  setMaxListeners(0, signal);
  const runs = new Set<Promise<unknown>>();

  async function run(context: CommandContext, operationId: string, wait?: WaitFor) {
    if (signal.aborted) return undefined;
    const running = runOperation(context, operationId, { ...options, retryDelaysMs, signal }, wait);
    runs.add(running);
    try {
      return await running;
    } finally {
      runs.delete(running);
    }
  }

  return {
    run,
    start(context) {
      repeat(context, pollMs, signal, createDueRunner(options, signal, run));
      repeat(context, removalPollMs, signal, beginDueRemovals);
      repeat(context, copyPollMs, signal, createCopyKeeper(signal));
      for (const { everyMs, run: poll } of options.duties ?? [])
        repeat(context, everyMs, signal, (own) => poll(own, signal));
    },
    async close(context) {
      stopping.abort();
      // A run that has ended meanwhile has left its operation to the release.
      const hadRuns = runs.size > 0;
      const left = (options.duties ?? []).map(({ ended }) => ended?.());
      await within(closingMs, Promise.allSettled([...runs, ...left]), () => undefined);
      if (!hadRuns) return;
      await releaseOperations(context).catch((error) =>
        // Without the release they are taken over after takeOverAfterMs, as after a crash.
        context.log.warn({ err: error }, 'could not release running operations'),
      );
    },
  };
}

/** How many due operations are listed at once. */
const listedAtOnce = 100;

/**
 * Starts due operations up to the limits, without waiting for their end. Each one that ends makes room for the next, so none
 * waits for the poll while there is room.
 */
function createDueRunner(
  { takeOverAfterMs }: WorkerOptions,
  signal: AbortSignal,
  run: Worker['run'],
): (context: CommandContext) => Promise<void> {
  /** The running operations: id → databases in which they work. */
  const running = new Map<string, readonly string[]>();
  /** Due operations for which there was no room yet, oldest first. Another process may have taken them meanwhile. */
  let listed: DueOperation[] = [];
  let listing: Promise<void> | undefined;
  /** An operation has ended since the listing under way began. */
  let hasNews = false;

  /** Starts listed operations for which there is room; returns how many. */
  function startListed(context: CommandContext): number {
    const before = listed.length;
    listed = listed.filter((due) => !hasRoom(due) || !start(context, due));
    return before - listed.length;
  }

  function hasRoom({ id, databaseRefs }: DueOperation): boolean {
    if (running.size >= maxRunning || running.has(id) || signal.aborted) return false;
    const busy = findBusy([...running.values()].flat());
    return !databaseRefs.some((ref) => busy.includes(ref));
  }

  function start(context: CommandContext, { id, databaseRefs }: DueOperation): boolean {
    running.set(id, databaseRefs);
    // After any error the row is still unfinished, so the operation will be claimed again.
    run(context, id)
      .then(
        // Without a revision it goes on later, whatever the clock of this machine says.
        (revision) => revision !== undefined,
        (error) => {
          const level = mayPass(error) ? 'warn' : 'error';
          context.log[level](
            { err: error, operationId: id },
            'operation was interrupted and will be continued',
          );
          return false;
        },
      )
      .then((hasEnded) => {
        running.delete(id);
        // After an error the next poll goes on: it may happen again at once.
        if (!hasEnded || signal.aborted || startListed(context) > 0) return;
        takeUp(context).catch(() => undefined);
      });
    return true;
  }

  /** Lists what is due and starts it, until there is no room or nothing more for which there is some. */
  async function list(context: CommandContext): Promise<void> {
    while (running.size < maxRunning && !signal.aborted) {
      const except = { ids: [...running.keys()], databaseRefs: findBusy([...running.values()].flat()) };
      const found = await listDueOperations(context, takeOverAfterMs, listedAtOnce, except);
      // Those of databases that were busy are still due.
      const ids = new Set(found.map(({ id }) => id));
      listed = [...listed.filter(({ id }) => !ids.has(id)), ...found].slice(0, 2 * listedAtOnce);
      if (startListed(context) === 0 && !hasNews) return;
      hasNews = false;
    }
  }

  async function takeUp(context: CommandContext): Promise<void> {
    // A listing under way does not know what has ended since it began.
    hasNews = listing !== undefined;
    listing ??= list(context).finally(() => {
      listing = undefined;
    });
    await listing;
  }
  return takeUp;
}

/** Runs `poll` until the signal, each time `everyMs` after the end of the run before. */
function repeat(
  context: CommandContext,
  everyMs: number,
  signal: AbortSignal,
  poll: (context: CommandContext) => Promise<void>,
): void {
  const timer = setTimeout(async () => {
    await poll(context).catch((error) => {
      // The registry is unreachable, which /ready reports. The next run tries again.
      if (!signal.aborted) context.log.warn({ err: error }, 'could not poll for operations');
    });
    if (!signal.aborted) timer.refresh();
  }, everyMs);
  signal.addEventListener('abort', () => clearTimeout(timer));
}

/** The databases in which the maximum number of operations is running. */
function findBusy(databaseRefs: readonly string[]): string[] {
  return [...new Set(databaseRefs)].filter(
    (ref) => databaseRefs.filter((other) => other === ref).length >= maxPerDatabase,
  );
}
