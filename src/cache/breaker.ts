export interface Breaker {
  /**
   * Runs the work. Returns undefined when it fails, and at once, without running it, while the breaker is open.
   * `sample` is a small part of the failed work: when it succeeds, the breaker closes.
   */
  attempt<T>(work: () => Promise<T>, sample: () => Promise<unknown>): Promise<T | undefined>;
  readonly isOpen: boolean;
}

const firstPauseMs = 250;
const longestPauseMs = 5_000;

/**
 * Protects requests from the timeout of an unavailable cache: one failure opens the breaker. After a pause the next
 * call tries a sample of the failed work in the background and continues without the cache meanwhile. The pause
 * grows for a cache that fails repeatedly.
 */
export function createBreaker(
  clock: () => number,
  onChange: (isOpen: boolean) => void = () => undefined,
): Breaker {
  let failed: (() => Promise<unknown>) | undefined;
  let pauseMs = 0;
  let retryAt = 0;
  let closedAt = Number.NEGATIVE_INFINITY;

  function open(sample: () => Promise<unknown>) {
    // Many calls may fail at the same time; only the first one reports it.
    if (failed) return;
    failed = sample;
    if (clock() - closedAt > longestPauseMs) pauseMs = 0;
    wait();
    onChange(true);
  }

  function wait() {
    pauseMs = Math.min(Math.max(pauseMs * 2, firstPauseMs), longestPauseMs);
    retryAt = clock() + pauseMs;
  }

  function retry(sample: () => Promise<unknown>) {
    retryAt = Number.POSITIVE_INFINITY;
    sample().then(() => {
      failed = undefined;
      closedAt = clock();
      onChange(false);
    }, wait);
  }

  return {
    async attempt(work, sample) {
      if (failed) {
        if (clock() >= retryAt) retry(failed);
        return undefined;
      }
      try {
        return await work();
      } catch {
        // The caller continues without the cache.
        open(sample);
        return undefined;
      }
    },
    get isOpen() {
      return failed !== undefined;
    },
  };
}
