import type { Turns } from './turns.js';

/**
 * Shortest time from the end of a round to the next one, in milliseconds. Changes of that time reach a subscriber in one piece,
 * and the more the subscribers have to do, the rarer are their rounds.
 */
const pauseMs = 50;

export interface Sleep {
  woken: Promise<void>;
  /** Wakes this one earlier. */
  cancel(): void;
}

/** Wakes the subscriptions that wait, in rounds: the first one after a quiet time at once, and each subscription in a turn. */
export class Rounds {
  readonly #turns: Turns;
  #sleeping = new Set<() => void>();
  #endedAt = Number.NEGATIVE_INFINITY;
  #isRunning = false;
  #isRequested = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** Sleeps until the next round. */
  sleep(): Sleep {
    let cancel = () => {};
    const woken = new Promise<void>((resolve) => {
      cancel = () => {
        this.#sleeping.delete(cancel);
        resolve();
      };
    });
    this.#sleeping.add(cancel);
    return { woken, cancel };
  }

  /** Asks for a round; all who ask before it get the same one. */
  request(): void {
    if (this.#isRunning) this.#isRequested = true;
    if (this.#isRunning || this.#timer) return;
    const waitMs = this.#endedAt + pauseMs - performance.now();
    if (waitMs <= 0) {
      this.#start();
      return;
    }
    this.#timer = setTimeout(() => this.#start(), Math.ceil(waitMs));
    this.#timer.unref();
  }

  /** Wakes everyone at once. */
  wakeAll(): void {
    clearTimeout(this.#timer);
    for (const wakeOne of [...this.#sleeping]) wakeOne();
  }

  #start(): void {
    this.#timer = undefined;
    this.#isRunning = true;
    // Who sleeps again before this round has ended belongs to the next one.
    const woken = this.#sleeping;
    this.#sleeping = new Set();
    for (const wakeOne of woken) this.#turns.add(wakeOne);
    this.#turns.add(() => this.#end());
  }

  #end(): void {
    this.#isRunning = false;
    this.#endedAt = performance.now();
    if (!this.#isRequested) return;
    this.#isRequested = false;
    this.request();
  }
}
