/**
 * Limits how often something is done: after `burst` calls without a pause, on average one call per `everyMs` milliseconds. Each
 * call resolves when it is its turn.
 */
export function createPace({ burst, everyMs }: { burst: number; everyMs: number }): () => Promise<void> {
  let nextAt = 0;
  return async () => {
    const now = performance.now();
    nextAt = Math.max(nextAt, now - burst * everyMs) + everyMs;
    const waitMs = nextAt - now;
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  };
}
