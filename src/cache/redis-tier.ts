import { z } from 'zod';
import { type Breaker, createBreaker } from './breaker.js';
import type { RedisConnection } from './redis-connection.js';
import type { Entry, Tier } from './tier.js';

export interface RedisTierOptions<Value> {
  /** Keeps different kinds of values apart. */
  namespace: string;
  ttlMs: number;
  /** What a value must look like. Redis is never trusted: what does not fit counts as not there. */
  value: z.ZodType<Value>;
  clock: () => number;
  onBreaker?: ((isOpen: boolean) => void) | undefined;
}

/**
 * Stores only what is newer, of one history; the one that came from another history goes. An optimisation: readers check
 * every entry, because Redis can be flushed, rolled back, or serve a write that timed out long ago.
 */
const compareAndSet = `
  local epoch = redis.call('HGET', KEYS[1], 'epoch')
  local asOf = redis.call('HGET', KEYS[1], 'asOf')
  if epoch == ARGV[1] and asOf and tonumber(asOf) >= tonumber(ARGV[2]) then return 0 end
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'asOf', ARGV[2], 'entry', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  return 1`;

/** Shared between replicas, on a Redis that may refuse, freeze, be slow or lie. */
export function openRedisTier<Value>(redis: RedisConnection, options: RedisTierOptions<Value>): Tier<Value> {
  const { namespace, ttlMs, clock } = options;
  const breaker = createBreaker(clock, options.onBreaker);
  const stored = z.object({
    key: z.string(),
    epoch: z.string(),
    asOf: z
      .string()
      .regex(/^\d{1,18}$/)
      .transform(BigInt),
    readAt: z.number(),
    value: options.value,
  });
  const nameOf = (key: string) => `tenant-registry:${namespace}:${key}`;

  return {
    name: 'redis',
    async get(keys) {
      const found = await attempt(breaker, () =>
        Promise.all(keys.map((key) => redis.hget(nameOf(key), 'entry'))),
      );
      return keys.map((_key, at) => readEntry(stored, found?.[at]));
    },
    async set(entries) {
      await attempt(breaker, () =>
        Promise.all(
          entries.map((entry) => {
            const { epoch, asOf } = entry;
            const text = JSON.stringify({ ...entry, asOf: asOf.toString() });
            return redis.eval(compareAndSet, 1, nameOf(entry.key), epoch, asOf.toString(), text, ttlMs);
          }),
        ),
      );
    },
    // Shared with replicas that know nothing of this one's resync; the checks on read make old entries harmless.
    clear: () => undefined,
  };
}

/** A failure is no news for the caller: it goes on without Redis. */
async function attempt<T>(breaker: Breaker, work: () => Promise<T>): Promise<T | undefined> {
  if (!breaker.allows()) return undefined;
  try {
    const result = await work();
    breaker.succeeded();
    return result;
  } catch {
    breaker.failed();
    return undefined;
  }
}

function readEntry<Value>(
  stored: z.ZodType<Entry<Value>>,
  text: string | null | undefined,
): Entry<Value> | undefined {
  if (!text) return undefined;
  try {
    return stored.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
