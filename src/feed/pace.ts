/**
 * Spaces out what is done again and again: resolves at once as long as it is done rarely, and otherwise so late that it is done
 * every `everyMs` milliseconds on average. After a quiet time it is done `burst` times without a pause.
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
