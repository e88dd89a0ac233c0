import type { WaitFor } from '../../feed/acknowledge.js';
import type { CommandContext } from '../../registry/command.js';
import { mayPass } from '../../registry/database-failure.js';
import { within } from '../../within.js';
import { createCopyKeeper } from '../copies/keep-copies.js';
import { listDueOperations, releaseOperations } from './operation.js';
import { beginDueRemovals } from './removal.js';
import { runOperation } from './run-operation.js';

export interface WorkerOptions {
  /** How often a running operation says that it lives, in milliseconds. */
  heartbeatMs: number;
  /** After how long without a sign of life an operation is taken over, in milliseconds. */
  takeOverAfterMs: number;
}

/** Runs operations. The rows are the queue: who looks for what is due finds also what another process left behind. */
export interface Worker {
  /** Runs one operation now; see runOperation. */
  run(context: CommandContext, operationId: string, wait?: WaitFor): Promise<string | undefined>;
  /** From now on takes up whatever is due. */
  start(context: CommandContext): void;
  /** Ends runs between two steps, and leaves their operations to the next worker. */
  close(context: CommandContext): Promise<void>;
}

const pollMs = 500;
const removalPollMs = 5_000;
/** Within this time after its registration services can make a module's schemas by SQL. */
const copyPollMs = 1_000;

/** How many operations the loop runs at once; those that requests wait for come on top. */
const atOnce = 16;

/** And how many of them in one database: one that is down or slow must not keep the others waiting. */
const atOnceInOne = 4;

/** What fails for a reason that may pass is tried again after these pauses, while whoever asked for it waits. */
const retryDelaysMs = [100, 300, 1_000];

/** How long a step under way may take to its end when the worker is told to stop. */
const closingMs = 5_000;

export function openWorker(options: WorkerOptions): Worker {
  const stopping = new AbortController();
  const runs = new Set<Promise<unknown>>();
  /** What the loop has taken up: id → databases it works in. */
  const underWay = new Map<string, readonly string[]>();
  const timers: NodeJS.Timeout[] = [];

  async function run(context: CommandContext, operationId: string, wait?: WaitFor) {
    const { signal } = stopping;
    if (signal.aborted) return undefined;
    const running = runOperation(context, operationId, { ...options, retryDelaysMs, signal }, wait);
    runs.add(running);
    try {
      return await running;
    } finally {
      runs.delete(running);
    }
  }

  async function runDue(context: CommandContext): Promise<void> {
    while (underWay.size < atOnce && !stopping.signal.aborted) {
      const except = { ids: [...underWay.keys()], databaseRefs: findBusy([...underWay.values()].flat()) };
      const [due] = await listDueOperations(context, options.takeOverAfterMs, 1, except);
      if (!due) return;
      const { id } = due;
      underWay.set(id, due.databaseRefs);
      // Whatever it was, the row still says that the work is to be done.
      run(context, id)
        .catch((error) => {
          const level = mayPass(error) ? 'warn' : 'error';
          context.log[level](
            { err: error, operationId: id },
            'operation broke off and will be taken up again',
          );
        })
        .finally(() => underWay.delete(id));
    }
  }

  /** One look at a time; the next begins so long after the last has ended. */
  function repeat(
    context: CommandContext,
    everyMs: number,
    look: (context: CommandContext) => Promise<void>,
  ) {
    const timer = setTimeout(async () => {
      await look(context).catch((error) => {
        // The database is away, and /ready says so: the next look tries again.
        if (!stopping.signal.aborted) context.log.warn({ err: error }, 'could not look for operations');
      });
      if (!stopping.signal.aborted) timer.refresh();
    }, everyMs);
    timers.push(timer);
  }

  return {
    run,
    start(context) {
      repeat(context, pollMs, runDue);
      repeat(context, removalPollMs, beginDueRemovals);
      repeat(context, copyPollMs, createCopyKeeper(stopping.signal));
    },
    async close(context) {
      stopping.abort();
      for (const timer of timers) clearTimeout(timer);
      if (runs.size === 0) return;
      await within(closingMs, Promise.allSettled(runs), () => undefined);
      await releaseOperations(context).catch((error) =>
        // Then it is taken over like that of a worker that died.
        context.log.warn({ err: error }, 'could not give running operations back'),
      );
    },
  };
}

/** Databases in which as much is done as may be at once. */
function findBusy(databaseRefs: readonly string[]): string[] {
  return [...new Set(databaseRefs)].filter(
    (ref) => databaseRefs.filter((other) => other === ref).length >= atOnceInOne,
  );
}
