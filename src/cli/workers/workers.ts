/** The workers of `serve --workers`, as their primary process sees them. */
import cluster, { type Worker } from 'node:cluster';
import type { Log } from '../../log.js';
import { CombinedMetrics } from '../../metrics/combined-metrics.js';
import type { Metrics, MetricsText } from '../../metrics/metrics.js';
import { within } from '../../within.js';
import type { SettingsChange } from '../reload.js';
import { CrashLimit } from './crash-limit.js';
import { numberVariable, type ToPrimary, type ToWorker } from './gateway-worker.js';

export interface WorkersOptions {
  count: number;
  /** The port that they share; not 0, because a port chosen for one worker is lost when all have crashed. */
  port: number;
  /** Metrics of the primary process, which are part of the sums. */
  metrics: Metrics;
  /** How long workers may take to stop before they are killed, in milliseconds. */
  stopWithinMs: number;
  log: Log;
}

interface Slot {
  worker: Worker;
  isServing: boolean;
  /** What the worker says has kept it from serving. */
  failure?: Error;
}

/** Of all workers together, for each of them, within the window. */
const maxCrashes = 3;
const crashWindowMs = 60_000;

/** Pause before the next attempt after a worker that did not come to serve. */
const retryMs = 1_000;

/** A worker that does not answer in this time counts with what it said before. */
const snapshotWaitMs = 2_000;

/** Starts workers, replaces those that crash, and stops them. */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #slots = new Map<number, Slot>();
  readonly #combined = new CombinedMetrics();
  readonly #limit: CrashLimit;
  readonly #changes: SettingsChange = {};
  readonly #retries = new Set<NodeJS.Timeout>();
  #isStopping = false;
  #areCleanEnds = true;
  #url: string | undefined;
  #serve: (url: string) => void = () => undefined;
  #fail: (error: Error) => void = () => undefined;
  #end: () => void = () => undefined;
  readonly #served: Promise<string>;
  readonly #failed: Promise<never>;
  readonly #ended: Promise<void>;
  #collecting: Promise<MetricsText> | undefined;
  /** By process id: called when its snapshot has come. */
  readonly #awaited = new Map<number, () => void>();

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#limit = new CrashLimit({ max: maxCrashes * options.count, windowMs: crashWindowMs });
    this.#served = new Promise((resolve) => {
      this.#serve = resolve;
    });
    this.#failed = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => undefined);
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Resolves with their URL when all serve. Rejects when one of them cannot. */
  async start(): Promise<string> {
    for (let number = 1; number <= this.#options.count; number++) this.#fork(number);
    return await Promise.race([this.#served, this.#failed]);
  }

  /** Rejects when workers crash too often. */
  get failed(): Promise<never> {
    return this.#failed;
  }

  get pids(): (number | undefined)[] {
    return [...this.#slots.values()].map(({ worker }) => worker.process.pid);
  }

  get serving(): number {
    return [...this.#slots.values()].filter(({ isServing }) => isServing).length;
  }

  /** Their metrics and those of this process, as one. */
  metrics(): Promise<MetricsText> {
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = undefined;
    });
    return this.#collecting;
  }

  /** Tells all workers, and those that are started later, what has changed. */
  change(change: SettingsChange): void {
    Object.assign(this.#changes, change);
    for (const { worker } of this.#slots.values()) tell(worker, { kind: 'change', ...this.#changes });
  }

  /** Stops all and waits for their ends. False when one had to cut off requests, or did not end in time or by itself. */
  async stop(): Promise<boolean> {
    this.#isStopping = true;
    for (const retry of this.#retries) clearTimeout(retry);
    if (this.#slots.size === 0) return this.#areCleanEnds;
    for (const { worker } of this.#slots.values()) tell(worker, { kind: 'stop' });
    const kill = setTimeout(() => this.#kill(), this.#options.stopWithinMs);
    await this.#ended;
    clearTimeout(kill);
    return this.#areCleanEnds;
  }

  #kill(): void {
    for (const [number, { worker }] of this.#slots) {
      this.#options.log.error(
        { worker: number, pid: worker.process.pid },
        'killing a worker that does not end',
      );
      worker.process.kill('SIGKILL');
    }
  }

  #fork(number: number): void {
    const worker = cluster.fork({ [numberVariable]: number, PORT: this.#options.port });
    const slot: Slot = { worker, isServing: false };
    this.#slots.set(number, slot);
    worker.on('message', (message: ToPrimary) => this.#hear(slot, message));
    let open = 2;
    const end = () => {
      open--;
      if (open === 0) this.#afterEnd(number, slot);
    };
    // The channel ends after the last message, which may come after the end of the process.
    worker.once('exit', end).once('disconnect', end);
    worker.on('error', (error) => {
      slot.failure ??= error;
      // A process that could not be started does not end either.
      if (worker.process.pid === undefined && this.#slots.get(number) === slot) this.#afterEnd(number, slot);
    });
  }

  #hear(slot: Slot, message: ToPrimary): void {
    const { worker } = slot;
    const pid = worker.process.pid ?? 0;
    if (message.kind === 'askMetrics') {
      this.metrics()
        .catch(() => undefined)
        .then((text) => tell(worker, { kind: 'metrics', text }));
    } else if (message.kind === 'snapshot') {
      this.#combined.record(pid, message.snapshot);
      this.#awaited.get(pid)?.();
    } else if (message.kind === 'failed') {
      slot.failure = Object.assign(new Error(message.message), { stack: message.stack });
    } else {
      slot.isServing = true;
      if (Object.keys(this.#changes).length > 0) tell(worker, { kind: 'change', ...this.#changes });
      if (this.serving === this.#options.count) this.#serve(message.url);
      this.#url ??= message.url;
    }
  }

  #afterEnd(number: number, { worker, isServing, failure }: Slot): void {
    const { pid = 0, exitCode, signalCode } = worker.process;
    this.#slots.delete(number);
    this.#awaited.get(pid)?.();
    this.#combined.end(pid);
    if (this.#isStopping) {
      this.#areCleanEnds &&= exitCode === 0;
      if (this.#slots.size === 0) this.#end();
      return;
    }
    const reason = signalCode ?? `exit code ${exitCode}`;
    if (this.#url === undefined) {
      this.#fail(failure ?? new Error(`Worker ${number} ended (${reason})`));
      return;
    }
    const fields = { worker: number, pid, reason, ...(failure && { err: failure }) };
    if (!this.#limit.admits(performance.now())) {
      this.#options.log.error(fields, 'a worker ended');
      const bound = `${maxCrashes * this.#options.count} times within ${crashWindowMs / 1_000} s`;
      this.#fail(new Error(`Workers ended more than ${bound}: see the log`));
      return;
    }
    // Without an error, somebody has told this worker alone to stop.
    this.#options.log[exitCode === 0 ? 'warn' : 'error'](fields, 'a worker ended; starting another');
    const retry = setTimeout(
      () => {
        this.#retries.delete(retry);
        this.#fork(number);
      },
      isServing ? 0 : retryMs,
    );
    this.#retries.add(retry);
  }

  async #collect(): Promise<MetricsText> {
    this.#combined.record(process.pid, await this.#options.metrics.snapshot());
    const workers = [...this.#slots.values()]
      .filter(({ isServing }) => isServing)
      .map(({ worker }) => worker);
    const answers = workers.map(async (worker) => {
      const pid = worker.process.pid ?? 0;
      const answer = new Promise<void>((resolve) => this.#awaited.set(pid, resolve));
      tell(worker, { kind: 'askSnapshot' });
      await within(snapshotWaitMs, answer, () => undefined);
      this.#awaited.delete(pid);
    });
    await Promise.all(answers);
    return await this.#combined.text();
  }
}

/** A worker that is ending hears nothing more, which is no error. */
function tell(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}
