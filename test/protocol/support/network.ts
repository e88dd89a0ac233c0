import type { Chance, VirtualTime } from './virtual-time.js';

/** A process that waits for answers. A dead process receives nothing and therefore does nothing. */
export interface Host {
  isAlive: boolean;
}

/** How often a message is delayed. */
export interface Weather {
  /** Up to 60 ms. */
  breezy: number;
  /** Up to 1 s. */
  rough: number;
  /** Up to 8 s, longer than the staleness bound. */
  stormy: number;
}

interface Cut {
  until: number;
  /** Messages are lost silently, or arrive after the cut. Without it, callers get an error. */
  isSilent: boolean;
}

/** How often a message sent during a silent cut arrives after it. */
const arrivesLate = 0.4;

/**
 * A connection between two processes. Request and response have separate delays, so messages can overtake each other.
 */
export class Link {
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  readonly #weather: Weather;
  #cut: Cut = { until: 0, isSilent: false };
  #slowUntil = 0;

  constructor(time: VirtualTime, chance: Chance, weather: Weather) {
    this.#time = time;
    this.#chance = chance;
    this.#weather = weather;
  }

  cut(ms: number, isSilent: boolean): void {
    this.#cut = { until: this.#time.now + ms, isSilent };
  }

  slow(ms: number): void {
    this.#slowUntil = this.#time.now + ms;
  }

  /**
   * Rejects when the connection is cut, when the work fails, and after the timeout; the work may still be done, also
   * later.
   */
  call<T>(caller: Host, timeoutMs: number, work: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const end = (settle: () => void): boolean => {
        if (isOver || !caller.isAlive) return false;
        isOver = true;
        settle();
        return true;
      };
      const lose = () => end(() => reject(new Error('the connection was cut')));
      const answer = (settle: () => void) => this.#carry(() => end(settle), lose);
      const fail = (error: unknown) => answer(() => reject(error));
      this.#time.after(timeoutMs, () => end(() => reject(new Error('timed out'))));
      this.#carry(() => {
        try {
          const result = work();
          if (result instanceof Promise) result.then((value) => answer(() => resolve(value)), fail);
          else answer(() => resolve(result));
        } catch (error) {
          fail(error);
        }
      }, lose);
    });
  }

  #carry(deliver: () => unknown, lose: () => unknown): void {
    if (this.#isCut()) {
      this.#stop(deliver, lose);
      return;
    }
    this.#time.after(this.#delay(), () => {
      if (!this.#isCut()) return deliver();
      this.#stop(deliver, lose);
      return false;
    });
  }

  #stop(deliver: () => unknown, lose: () => unknown): void {
    if (!this.#cut.isSilent) this.#time.after(this.#delay(), lose);
    else if (this.#chance.happens(arrivesLate))
      this.#time.after(this.#cut.until - this.#time.now + this.#delay(), deliver);
  }

  #isCut(): boolean {
    return this.#time.now < this.#cut.until;
  }

  #delay(): number {
    const chance = this.#chance;
    const { breezy, rough, stormy } = this.#weather;
    if (this.#time.now < this.#slowUntil) return chance.between(20, 3_000);
    const luck = chance.next();
    if (luck < stormy) return chance.between(1_000, 8_000);
    if (luck < stormy + rough) return chance.between(60, 1_000);
    if (luck < stormy + rough + breezy) return chance.between(3, 60);
    return chance.between(0.2, 3);
  }
}
