import type { Caller } from '../auth/caller.js';
import type { RateLimit } from './rate-limit.js';
import { RateLimited } from './rate-limited.js';

/**
 * Bounds how long one caller's refused requests hold the event loop, which all callers share. What is executed counts nothing: a gateway that
 * has just started is slow with everybody's documents. Beyond the bound the caller can use the documents that the gateway knows, and
 * no others.
 */
export class DocumentTime {
  readonly #clock: () => number;
  readonly #limit: RateLimit;
  /** Until then some caller may be beyond the bound. */
  #checksUntil = Number.NEGATIVE_INFINITY;

  constructor(limit: RateLimit, clock: () => number) {
    this.#limit = limit;
    this.#clock = clock;
  }

  add(caller: Caller, ms: number): void {
    // Open mode has one caller, who sits at the machine.
    if (caller.kind === 'developer') return;
    this.#limit.add(caller.actor, ms);
    if (this.#isBeyond(caller)) this.#checksUntil = this.#clock() + this.#limit.rule.windowSeconds * 1_000;
  }

  /** The refusal of any but a short and known document; undefined for a caller within the bound. */
  refusal(caller: Caller): RateLimited | undefined {
    if (this.#checksUntil <= this.#clock() || !this.#isBeyond(caller)) return undefined;
    return new RateLimited(
      this.#limit.stateOf(caller.actor),
      'Refused requests of this caller take too long, in milliseconds of the gateway’s time',
    );
  }

  #isBeyond({ actor }: Caller): boolean {
    return this.#limit.stateOf(actor).remaining === 0;
  }
}
