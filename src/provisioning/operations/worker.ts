import type { WaitFor } from '../../feed/acknowledge.js';
import type { CommandContext } from '../../registry/command.js';
import { mayPass } from '../../registry/database-failure.js';
import { within } from '../../within.js';
import { createCopyKeeper } from '../copies/keep-copies.js';
import { listDueOperations, releaseOperations } from './operation.js';
import { beginDueRemovals } from './removal.js';
import { runOperation } from './run-operation.js';

export interface WorkerOptions {
  /** Interval of the heartbeats of a running operation, in milliseconds. */
  heartbeatMs: number;
  /** How long an operation may have no heartbeat before it is taken over, in milliseconds. */
  takeOverAfterMs: number;
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
    },
    async close(context) {
      stopping.abort();
      if (runs.size === 0) return;
      await within(closingMs, Promise.allSettled(runs), () => undefined);
      await releaseOperations(context).catch((error) =>
        // Without the release they are taken over after takeOverAfterMs, as after a crash.
        context.log.warn({ err: error }, 'could not release running operations'),
      );
    },
  };
}

/** Starts due operations up to the limits, without waiting for their end. */
function createDueRunner(
  { takeOverAfterMs }: WorkerOptions,
  signal: AbortSignal,
  run: Worker['run'],
): (context: CommandContext) => Promise<void> {
  /** The running operations: id → databases in which they work. */
  const running = new Map<string, readonly string[]>();
  return async (context) => {
    while (running.size < maxRunning && !signal.aborted) {
      const except = { ids: [...running.keys()], databaseRefs: findBusy([...running.values()].flat()) };
      const [due] = await listDueOperations(context, takeOverAfterMs, 1, except);
      if (!due) return;
      const { id } = due;
      running.set(id, due.databaseRefs);
      // After any error the row is still unfinished, so the operation will be claimed again.
      run(context, id)
        .catch((error) => {
          const level = mayPass(error) ? 'warn' : 'error';
          context.log[level](
            { err: error, operationId: id },
            'operation was interrupted and will be continued',
          );
        })
        .finally(() => running.delete(id));
    }
  };
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
