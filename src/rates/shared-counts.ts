import { createHash } from 'node:crypto';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { RedisConnection } from '../cache/redis-connection.js';
import type { RateRule } from './rate-limited.js';

/** The uses of all gateways together in the window that is open. */
interface SharedCount {
  count: number;
  remainingMs: number;
}

/** Counts of a limit that gateways share. Nothing waits for them. */
export interface SharedCounts {
  /** Adds uses of this gateway; `learn` is called later with the sum of all gateways, or never. */
  add(key: string, uses: number, learn: (shared: SharedCount) => void): void;
}

interface Pending {
  uses: number;
  learn: (shared: SharedCount) => void;
}

/** Uses are sent together at this interval, so that Redis has little to do however often a service asks. */
const flushMs = 100;
/** Keys whose uses wait to be sent; while Redis does not answer, further ones are counted here only. */
const maxPending = 5_000;

/**
 * Counts in Redis by rate-limiter-flexible. While Redis is slow or away each gateway counts for itself. Keys are hashed:
 * Redis learns neither addresses nor callers.
 */
export function openSharedCounts(redis: RedisConnection, rule: RateRule): SharedCounts {
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `tenant-registry:rate:${rule.name}`,
    points: rule.quota,
    duration: rule.windowSeconds,
    rejectIfRedisNotReady: true,
  });
  const pending = new Map<string, Pending>();
  let isScheduled = false;

  async function flush() {
    const sent = [...pending];
    pending.clear();
    await Promise.allSettled(
      sent.map(async ([key, { uses, learn }]) => {
        const { consumedPoints, msBeforeNext } = await limiter.penalty(nameOf(key), uses);
        // Redis is not trusted: a count can cost a caller one window, and no more.
        if (Number.isSafeInteger(consumedPoints) && msBeforeNext > 0)
          learn({ count: consumedPoints, remainingMs: Math.min(msBeforeNext, rule.windowSeconds * 1_000) });
      }),
    );
    isScheduled = false;
    if (pending.size > 0) schedule();
  }

  function schedule() {
    if (isScheduled) return;
    isScheduled = true;
    setTimeout(() => void flush(), flushMs).unref();
  }

  return {
    add(key, uses, learn) {
      const waiting = pending.get(key);
      if (waiting) {
        waiting.uses += uses;
        waiting.learn = learn;
      } else if (pending.size < maxPending) pending.set(key, { uses, learn });
      schedule();
    },
  };
}

function nameOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 22);
}
