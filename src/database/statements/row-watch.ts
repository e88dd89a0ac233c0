/** Interval between two reads of the watched rows, in milliseconds. */
const pollMs = 200;

/** The rows that a RowWatch watches. */
export interface WatchedRows<Row extends { id: string }> {
  /** In any order; rows that are gone are absent. */
  load(ids: string[]): Promise<Row[]>;
  /** A text that changes when callers are to see an event. */
  describe(row: Row): string;
  hasEnded(row: Row): boolean;
}

/**
 * Watches rows that any gateway or worker may change, for any number of callers: one read per interval loads all of them.
 */
export class RowWatch<Row extends { id: string }> {
  readonly #rows: WatchedRows<Row>;
  readonly #watchers = new Set<Watcher<Row>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(rows: WatchedRows<Row>) {
    this.#rows = rows;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** The row now, after each change, and at its end, which ends the iterator. A slow consumer gets the newest state. */
  watch(first: Row): AsyncIterableIterator<Row> {
    const watcher = new Watcher(first, this.#rows, (ended) => this.#watchers.delete(ended));
    if (this.#rows.hasEnded(first)) return watcher;
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
      const rows = await this.#rows.load([...new Set(polled.map(({ id }) => id))]);
      const byId = new Map(rows.map((row) => [row.id, row]));
      for (const watcher of polled) watcher.see(byId.get(watcher.id));
    } catch (error) {
      for (const watcher of polled) watcher.fail(error);
    }
  }
}

/** Not an async generator: the return() of a generator waits for the event that next() waits for. */
class Watcher<Row extends { id: string }> implements AsyncIterableIterator<Row> {
  readonly id: string;
  readonly #rows: WatchedRows<Row>;
  readonly #onEnd: (watcher: Watcher<Row>) => void;
  #pending: Row | undefined;
  #sent: string | undefined;
  #failure: { error: unknown } | undefined;
  #isOver = false;
  #waiting: { resolve: (result: IteratorResult<Row>) => void; reject: (error: unknown) => void } | undefined;

  constructor(first: Row, rows: WatchedRows<Row>, onEnd: (watcher: Watcher<Row>) => void) {
    this.id = first.id;
    this.#rows = rows;
    this.#onEnd = onEnd;
    this.see(first);
  }

  /** Undefined when the row is gone. */
  see(row: Row | undefined): void {
    if (this.#isOver) return;
    if (!row || this.#rows.hasEnded(row)) this.#end();
    const progress = row && this.#rows.describe(row);
    if (progress !== this.#sent) this.#pending = row;
    this.#sent = progress;
    this.#deliver();
  }

  fail(error: unknown): void {
    this.#failure = { error };
    this.#end();
    this.#deliver();
  }

  next(): Promise<IteratorResult<Row>> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#deliver();
    });
  }

  async return(): Promise<IteratorResult<Row>> {
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
