export interface Breaker {
  /** Whether to try at all. After a failure one caller at a time may, after a pause that doubles up to a limit. */
  allows(): boolean;
  succeeded(): void;
  failed(): void;
  readonly isOpen: boolean;
}

const firstPauseMs = 250;
const longestPauseMs = 5_000;

/** Keeps a cache that is away from costing every request its timeout: one failure suffices to leave it alone. */
export function createBreaker(
  clock: () => number,
  onChange: (isOpen: boolean) => void = () => undefined,
): Breaker {
  let pauseMs = 0;
  let retryAt = 0;
  return {
    allows() {
      if (pauseMs === 0) return true;
      if (clock() < retryAt) return false;
      // This caller is the probe; the next one waits for its outcome.
      retryAt = clock() + pauseMs;
      return true;
    },
    succeeded() {
      if (pauseMs > 0) onChange(false);
      pauseMs = 0;
    },
    failed() {
      if (pauseMs === 0) onChange(true);
      pauseMs = Math.min(Math.max(pauseMs * 2, firstPauseMs), longestPauseMs);
      retryAt = clock() + pauseMs;
    },
    get isOpen() {
      return pauseMs > 0;
    },
  };
}
