import { z } from 'zod';
import { type Breaker, createBreaker } from './breaker.js';
import type { RedisConnection } from './redis-connection.js';
import type { Seal } from './seal.js';
import type { Entry, Tier } from './tier.js';

export interface RedisTierOptions<Value> {
  /** Separates the keys of different kinds of values. */
  namespace: string;
  ttlMs: number;
  /** The shape of a value. Redis is not trusted: an entry of another shape counts as missing. */
  value: z.ZodType<Value>;
  /**
   * Loads the signer of entries; an entry without a valid signature counts as missing. Rejects while the registry is
   * unavailable.
   */
  loadSeal: () => Promise<Seal>;
  clock: () => number;
  onBreaker?: ((isOpen: boolean) => void) | undefined;
}

/** Timeout of a look-up in milliseconds: a cache slower than the database is useless. */
const timeoutMs = 50;

/** Larger entries are neither stored nor read completely. */
const maxBytes = 1_048_576;

/**
 * Stores an entry unless a newer one of the same epoch is present; entries of another epoch and malformed ones are
 * replaced. This is an optimisation: readers check every entry, because Redis can be flushed, rolled back, or apply
 * a timed-out write later. Revisions are compared as text, because Lua's numbers are exact only up to 2^53.
 */
const compareAndSet = `
  local held = redis.pcall('GETRANGE', KEYS[1], 0, 255)
  if type(held) == 'string' then
    local asOf, epoch = string.match(held, '^(%d+) ([^\\n]*)\\n')
    if epoch == ARGV[2] and (#asOf > #ARGV[1] or #asOf == #ARGV[1] and asOf >= ARGV[1]) then return 0 end
  end
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  return 1`;

/** A tier that replicas share, on a Redis that may refuse, freeze, be slow or return forged entries. */
export function openRedisTier<Value>(redis: RedisConnection, options: RedisTierOptions<Value>): Tier<Value> {
  const { namespace, ttlMs, loadSeal } = options;
  const breaker = breakerOf(redis, options);
  const body = z.object({ key: z.string(), readAt: z.number().refine(isPlausible), value: options.value });
  const nameOf = (key: string) => `tenant-registry:${namespace}:${key}`;

  return {
    name: 'redis',
    isShared: true,
    async get(keys) {
      const seal = await loadSeal().catch(() => undefined);
      if (!seal) return keys.map(() => undefined);
      const read = (key: string) => redis.getrange(nameOf(key), 0, maxBytes).catch(emptyIfOfAnotherType);
      const texts = await attemptAll(breaker, keys, read);
      return keys.map((key, at) => {
        const text = texts?.[at];
        if (!text) return undefined;
        const entry = readEntry(body, nameOf(key), text, seal);
        if (entry?.key === key) return entry;
        // An entry that is not authentic is removed: its revision must not block the next write.
        redis.unlink(nameOf(key)).catch(() => undefined);
        return undefined;
      });
    },
    async set(entries) {
      const seal = await loadSeal().catch(() => undefined);
      if (!seal) return;
      await attemptAll(breaker, entries, async ({ key, epoch, asOf, readAt, value }) => {
        const head = `${asOf} ${epoch}`;
        const json = JSON.stringify({ key, readAt, value });
        const text = `${head}\n${seal.sign(epoch, signedText(nameOf(key), head, json))}\n${json}`;
        if (Buffer.byteLength(text) > maxBytes) return;
        await redis.eval(compareAndSet, 1, nameOf(key), asOf.toString(), epoch, text, ttlMs);
      });
    },
    // Other replicas share the entries and have not resynchronised; the checks on read make old entries
    // harmless.
    clear: () => undefined,
  };
}

const breakers = new WeakMap<RedisConnection, Breaker>();

/** One breaker per connection, so that the tiers on it share what one of them found out. */
function breakerOf(
  redis: RedisConnection,
  { clock, onBreaker }: Pick<RedisTierOptions<unknown>, 'clock' | 'onBreaker'>,
): Breaker {
  const breaker = breakers.get(redis) ?? createBreaker(clock, onBreaker);
  breakers.set(redis, breaker);
  return breaker;
}

/** The sample is an item that failed or was not answered: in a Cluster a single node can fail. */
function attemptAll<Item, Result>(
  breaker: Breaker,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[] | undefined> {
  const open = new Set(items);
  let sample = items.slice(0, 1);
  const doOne = async (item: Item) => {
    const result = await work(item);
    open.delete(item);
    return result;
  };
  const doAll = () =>
    inTime(() => Promise.all(items.map(doOne))).catch((error) => {
      sample = [...open].slice(0, 1);
      throw error;
    });
  return breaker.attempt(doAll, () => inTime(() => Promise.all(sample.map(work))));
}

/** The client's own timeout is not used: in a Cluster it continues to redirect and retry. */
function inTime<T>(work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const tooLate = () => reject(new Error(`Redis took longer than ${timeoutMs} ms`));
    // One more turn of the event loop: if this process was busy, the answer may already be here.
    const timer = setTimeout(() => setImmediate(tooLate), timeoutMs);
    work()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

/** WRONGTYPE: Redis works, but holds a value of another type under this name. */
function emptyIfOfAnotherType(error: Error): string {
  if (error.message.startsWith('WRONGTYPE')) return '';
  throw error;
}

/** Within 24 days of this clock: the age of an entry must fit into an Int. */
function isPlausible(readAt: number): boolean {
  return Math.abs(Date.now() - readAt) < 2 ** 31;
}

/** The signature covers the name, so an authentic entry under another name is not valid. */
function signedText(name: string, head: string, json: string): string {
  return `${name}\n${head}\n${json}`;
}

function readEntry<Value>(
  body: z.ZodType<Pick<Entry<Value>, 'key' | 'readAt' | 'value'>>,
  name: string,
  text: string,
  seal: Seal,
): Entry<Value> | undefined {
  const [, asOf, epoch, signature, json] = /^(\d{1,19}) ([^\n]*)\n([\w-]*)\n(.*)$/s.exec(text) ?? [];
  if (asOf === undefined || epoch === undefined || signature === undefined || json === undefined)
    return undefined;
  if (!seal.isAuthentic(epoch, signedText(name, `${asOf} ${epoch}`, json), signature)) return undefined;
  try {
    const { data } = body.safeParse(JSON.parse(json));
    return data && { ...data, epoch, asOf: BigInt(asOf) };
  } catch {
    return undefined;
  }
}
