/**
 * Time and random numbers for one history. All waiting happens here, so a history is a sequence of events in the order
 * of a virtual clock, and the same seed makes the same sequence.
 */
import { createRandom } from '../../setup/random.js';

/** Random numbers and choices, equal for equal seeds. */
export function createChance(seed: number): Chance {
  const next = createRandom(seed);
  return {
    next,
    between: (low, high) => low + next() * (high - low),
    happens: (probability) => next() < probability,
    pick(items) {
      const item = items[Math.floor(next() * items.length)];
      if (item === undefined) throw new Error('there is no choice');
      return item;
    },
  };
}

export interface Chance {
  next(): number;
  between(low: number, high: number): number;
  happens(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
}

interface Event {
  at: number;
  /** Returns false when it had no effect. */
  run: () => unknown;
}

/** Minimum time between two events, in milliseconds. No two events happen at once, so their times are their order. */
const instantMs = 1e-6;

export class VirtualTime {
  /** Milliseconds since the history began. */
  now = 0;
  readonly #events: Event[] = [];

  /** `run` returns false when no process waited for it any more. */
  after(ms: number, run: () => unknown): void {
    this.#push({ at: this.now + Math.max(0, ms), run });
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  /**
   * Runs the events up to that time in order. After each one, everything that follows without waiting is done first.
   */
  async runUntil(end: () => boolean): Promise<void> {
    while (!end()) {
      const event = this.#pop();
      if (!event) return;
      this.now = Math.max(event.at, this.now + instantMs);
      // A macrotask runs only after all promises have settled.
      if (event.run() !== false) await new Promise<void>((resolve) => process.nextTick(resolve));
    }
  }

  #push(event: Event): void {
    const events = this.#events;
    let place = events.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = events[above] as Event;
      if (parent.at <= event.at) break;
      events[place] = parent;
      place = above;
    }
    events[place] = event;
  }

  #pop(): Event | undefined {
    const events = this.#events;
    const first = events[0];
    const last = events.pop();
    if (!first || !last || first === last) return first;
    let place = 0;
    for (;;) {
      let below = place * 2 + 1;
      if (below >= events.length) break;
      if (below + 1 < events.length && (events[below + 1] as Event).at < (events[below] as Event).at) below++;
      const child = events[below] as Event;
      if (child.at >= last.at) break;
      events[place] = child;
      place = below;
    }
    events[place] = last;
    return first;
  }
}
