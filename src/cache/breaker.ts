export interface Breaker {
  /**
   * Does the work; undefined when it fails, and at once, without trying, while the breaker is open. `sample` is a small part
   * of what failed: once it succeeds, the breaker closes.
   */
  attempt<T>(work: () => Promise<T>, sample: () => Promise<unknown>): Promise<T | undefined>;
  readonly isOpen: boolean;
}

const firstPauseMs = 250;
const longestPauseMs = 5_000;

/**
 * Keeps a cache that is away from costing requests its timeout: one failure suffices to leave it alone. After a pause, and
 * when somebody asks, a sample of what failed is tried in the background: who asks meanwhile goes on without. A cache that
 * comes and goes is left alone for longer each time.
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
    // Many calls may fail at once; only the first one reports it.
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
        // No news for the caller: it goes on without.
        open(sample);
        return undefined;
      }
    },
    get isOpen() {
      return failed !== undefined;
    },
  };
}
