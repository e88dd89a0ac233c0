import { setTimeout as sleep } from 'node:timers/promises';
import { RegistryError } from '../../../errors.js';
import { mayPass } from '../../../registry/database-failure.js';
import { LostOperationError } from '../operation.js';

export interface RetryOptions {
  /** Pauses before each retry after a transient error, in milliseconds. */
  retryDelaysMs: readonly number[];
  /** Stops the retries. */
  signal: AbortSignal;
}

/** Retries the work after transient errors, such as a lost connection or a lock timeout. */
export async function withRetries<T>(
  { retryDelaysMs, signal }: RetryOptions,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const delayMs = retryDelaysMs[attempt];
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (delayMs === undefined || error instanceof LostOperationError || !mayPass(error)) throw error;
      await sleep(delayMs, undefined, { signal });
    }
  }
}

/**
 * The pause before the next run of an operation that is run again until it succeeds, in milliseconds: a second after the
 * first run, twice as long after each further one, at most 15 seconds.
 */
export function pauseAfterMs(runs: number): number {
  return Math.min(15_000, 500 * 2 ** runs);
}

/** Prisma and transactions access only the registry, so the error's name tells it from errors of service databases. */
export function isRegistryUnavailable(error: unknown): boolean {
  if (error instanceof RegistryError) return error.code === 'REGISTRY_UNAVAILABLE';
  return (
    error instanceof Error && /^(Prisma|DriverAdapter|RegistryDatabase)/.test(error.name) && mayPass(error)
  );
}
