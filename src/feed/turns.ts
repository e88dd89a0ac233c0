/** How long streams may hold the event loop before other requests get it, in milliseconds. */
const sliceMs = 1;
/** The most turns between two looks at other requests. */
const turnsPerSlice = 50;

/**
 * Lets streams work one after the other, in slices with requests between them. A turn is an immediate of its own: Node.js
 * finishes the promises of one before the next begins, so the time of a slice includes all that its turns have started.
 */
export class Turns {
  #waiting: (() => void)[] = [];
  #sliceEndsAt = 0;
  #isRunning = false;

  /** Calls `begin` in a later slice, in the order of the calls. */
  add(begin: () => void): void {
    this.#waiting.push(begin);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#startSlice();
  }

  take(): Promise<void> {
    return new Promise((resolve) => this.add(resolve));
  }

  #startSlice(): void {
    this.#sliceEndsAt = Number.POSITIVE_INFINITY;
    const turns = Math.min(this.#waiting.length, turnsPerSlice);
    for (let at = 0; at < turns; at++) setImmediate(this.#runOne);
    setImmediate(this.#endSlice);
  }

  readonly #runOne = () => {
    const now = performance.now();
    if (now >= this.#sliceEndsAt) return;
    // The first turn begins the slice: it is always taken.
    if (this.#sliceEndsAt === Number.POSITIVE_INFINITY) this.#sliceEndsAt = now + sliceMs;
    this.#waiting.shift()?.();
  };

  /** An immediate that is set by another one runs after the event loop has looked at its sockets. */
  readonly #endSlice = () => {
    this.#isRunning = this.#waiting.length > 0;
    if (this.#isRunning) this.#startSlice();
  };
}
