import type { PrismaClient } from '../../database/generated/prisma/client.js';
import { hasEnded, type OperationWithSteps } from './operation.js';
import { progressOf } from './operation-tenants.js';

/** Interval between two reads of the watched operations, in milliseconds. */
const pollMs = 200;

/**
 * Watches operations for any number of callers: one statement per interval reads all of them, because any gateway or
 * worker may run an operation.
 */
export class OperationWatch {
  readonly #prisma: PrismaClient;
  readonly #watchers = new Set<Watcher>();
  #timer: NodeJS.Timeout | undefined;

  constructor(prisma: PrismaClient) {
    this.#prisma = prisma;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** The operation now, after each change, and at its end, which ends the iterator. A slow consumer gets the newest state. */
  watch(first: OperationWithSteps): AsyncIterableIterator<OperationWithSteps> {
    const watcher = new Watcher(first, (ended) => this.#watchers.delete(ended));
    if (hasEnded(first)) return watcher;
    this.#watchers.add(watcher);
    this.#schedule();
    return watcher;
  }

  #schedule(): void {
    if (this.#timer || this.#watchers.size === 0) return;
    this.#timer = setTimeout(() => {
      void this.#poll().finally(() => {
        this.#timer = undefined;
        this.#schedule();
      });
    }, pollMs);
  }

  async #poll(): Promise<void> {
    const polled = [...this.#watchers];
    try {
      const operations = await this.#prisma.operation.findMany({
        where: { id: { in: [...new Set(polled.map(({ id }) => id))] } },
        include: { steps: { orderBy: { position: 'asc' } } },
      });
      const byId = new Map(operations.map((operation) => [operation.id, operation]));
      for (const watcher of polled) watcher.see(byId.get(watcher.id));
    } catch (error) {
      for (const watcher of polled) watcher.fail(error);
    }
  }
}

type Result = IteratorResult<OperationWithSteps>;

/** Not an async generator: the return() of a generator waits for the event that next() waits for. */
class Watcher implements AsyncIterableIterator<OperationWithSteps> {
  readonly id: string;
  readonly #onEnd: (watcher: Watcher) => void;
  #pending: OperationWithSteps | undefined;
  #sent: string | undefined;
  #failure: { error: unknown } | undefined;
  #isOver = false;
  #waiting: { resolve: (result: Result) => void; reject: (error: unknown) => void } | undefined;

  constructor(first: OperationWithSteps, onEnd: (watcher: Watcher) => void) {
    this.id = first.id;
    this.#onEnd = onEnd;
    this.see(first);
  }

  /** Undefined when the operation is gone. */
  see(operation: OperationWithSteps | undefined): void {
    if (this.#isOver) return;
    if (!operation || hasEnded(operation)) this.#end();
    const progress = operation && describeProgress(operation);
    if (progress !== this.#sent) this.#pending = operation;
    this.#sent = progress;
    this.#deliver();
  }

  fail(error: unknown): void {
    this.#failure = { error };
    this.#end();
    this.#deliver();
  }

  next(): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#deliver();
    });
  }

  async return(): Promise<Result> {
    this.#pending = undefined;
    this.#end();
    this.#deliver();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  #deliver(): void {
    const waiting = this.#waiting;
    if (!waiting || !(this.#pending || this.#isOver)) return;
    this.#waiting = undefined;
    const [value, failure] = [this.#pending, this.#failure];
    this.#pending = undefined;
    if (!value) this.#failure = undefined;
    if (value) waiting.resolve({ value, done: false });
    else if (failure) waiting.reject(failure.error);
    else waiting.resolve({ value: undefined, done: true });
  }

  #end(): void {
    this.#isOver = true;
    this.#onEnd(this);
  }
}

/** The columns whose change is an event; heartbeats are not. */
function describeProgress(operation: OperationWithSteps): string {
  const { status, error, attempt, steps } = operation;
  const ofSteps = steps.map((step) => [step.status, step.error]);
  return JSON.stringify([status, error, attempt, ofSteps, progressOf(operation)]);
}
