import type { RateLimit } from './rate-limit.js';
import { RateLimited } from './rate-limited.js';

/** The look-ups of unknown credentials from one address that are running. */
interface Running {
  count: number;
  /** Resolves when one of them has ended. */
  ended: Promise<void>;
  end: () => void;
}

/**
 * Bounds what strangers at one address cost: after `quota` failures in a window, unknown credentials from there are refused
 * without a look at them. Look-ups that run count as failures until they end, and further ones wait for them, so a burst of
 * wrong keys costs no more than the quota, and a burst of good ones is served.
 */
export class FailedAuthentications {
  readonly #limit: RateLimit;
  readonly #running = new Map<string, Running>();

  readonly #onRefused: (limit: string) => void;

  constructor(limit: RateLimit, onRefused: (limit: string) => void = () => undefined) {
    this.#limit = limit;
    this.#onRefused = onRefused;
  }

  /** Throws RATE_LIMITED when the address has no attempts left. */
  requireAttempt(address: string): void {
    const state = this.#limit.stateOf(address);
    if (state.remaining > 0) return;
    this.#onRefused(state.rule.name);
    throw new RateLimited(state, 'Too many requests with wrong credentials from this address');
  }

  failed(address: string): void {
    this.#limit.take(address);
  }

  /** Runs a look-up when it may cost one. A rejection that `isFailure` accepts counts against the address. */
  async attempt<T>(
    address: string,
    work: () => Promise<T>,
    isFailure: (error: unknown) => boolean,
  ): Promise<T> {
    for (;;) {
      this.requireAttempt(address);
      const running = this.#running.get(address);
      if (!running || running.count < this.#limit.stateOf(address).remaining) break;
      await running.ended;
    }
    const running = this.#running.get(address) ?? createRunning();
    this.#running.set(address, running);
    running.count++;
    try {
      return await work();
    } catch (error) {
      if (isFailure(error)) this.failed(address);
      throw error;
    } finally {
      running.count--;
      running.end();
      if (running.count === 0) this.#running.delete(address);
      else Object.assign(running, createEnd());
    }
  }
}

function createRunning(): Running {
  return { count: 0, ...createEnd() };
}

function createEnd(): Pick<Running, 'ended' | 'end'> {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { ended, end };
}
