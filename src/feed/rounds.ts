import type { Turns } from './turns.js';

/** Shortest time between two rounds, in milliseconds. Changes of that time reach a subscriber in one piece. */
const roundMs = 50;

export interface Sleep {
  woken: Promise<void>;
  /** Wakes this one earlier. */
  cancel(): void;
}

/** Wakes the subscriptions that wait, in rounds: the first one after a quiet time at once, and each subscription in a turn. */
export class Rounds {
  readonly #turns: Turns;
  #sleeping = new Set<() => void>();
  #lastAt = Number.NEGATIVE_INFINITY;
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
    if (this.#timer) return;
    const waitMs = this.#lastAt + roundMs - performance.now();
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
    this.#lastAt = performance.now();
    // Who sleeps again before its turn in this round has ended belongs to the next one.
    const woken = this.#sleeping;
    this.#sleeping = new Set();
    for (const wakeOne of woken) this.#turns.add(wakeOne);
  }
}
