import { z } from 'zod';
import { type Breaker, createBreaker } from './breaker.js';
import type { RedisConnection } from './redis-connection.js';
import type { Seal } from './seal.js';
import type { Entry, Tier } from './tier.js';

export interface RedisTierOptions<Value> {
  /** Keeps different kinds of values apart. */
  namespace: string;
  ttlMs: number;
  /** What a value must look like. Redis is never trusted: what does not fit counts as not there. */
  value: z.ZodType<Value>;
  /** Signs entries, so that an entry which no gateway of this registry wrote counts as not there. Rejects while the registry is away. */
  loadSeal: () => Promise<Seal>;
  clock: () => number;
  onBreaker?: ((isOpen: boolean) => void) | undefined;
}

/** How long a look into Redis may take, in milliseconds: what is slower than the database is no cache. */
const timeoutMs = 50;

/** What is longer is neither stored nor read to its end. */
const maxBytes = 1_048_576;

/**
 * Stores only what is newer, of one history; what came from another history goes, and so does what is no entry. An
 * optimisation: readers check every entry, because Redis can be flushed, rolled back, or serve a write that timed out long
 * ago. Revisions are compared as text: Lua's numbers are exact up to 2^53 only.
 */
const compareAndSet = `
  local held = redis.pcall('GETRANGE', KEYS[1], 0, 255)
  if type(held) == 'string' then
    local asOf, epoch = string.match(held, '^(%d+) ([^\\n]*)\\n')
    if epoch == ARGV[2] and (#asOf > #ARGV[1] or #asOf == #ARGV[1] and asOf >= ARGV[1]) then return 0 end
  end
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  return 1`;

/** Shared between replicas, on a Redis that may refuse, freeze, be slow or lie. */
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
        // An entry that is not authentic must not keep out, by the revision it claims, what is set next.
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
    // Shared with replicas that know nothing of this one's resync; the checks on read make old entries harmless.
    clear: () => undefined,
  };
}

const breakers = new WeakMap<RedisConnection, Breaker>();

/** One per connection: what one tier found out, the others need not wait for. */
function breakerOf(
  redis: RedisConnection,
  { clock, onBreaker }: Pick<RedisTierOptions<unknown>, 'clock' | 'onBreaker'>,
): Breaker {
  const breaker = breakers.get(redis) ?? createBreaker(clock, onBreaker);
  breakers.set(redis, breaker);
  return breaker;
}

/** The sample is one that had failed by then or was not answered: in a Cluster one node can fail among sound ones. */
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

/** Not left to the client, which goes on redirecting and retrying in a Cluster. */
function inTime<T>(work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const tooLate = () => reject(new Error(`Redis took longer than ${timeoutMs} ms`));
    // One turn more: when it was this process that was busy, the answer may be here already.
    const timer = setTimeout(() => setImmediate(tooLate), timeoutMs);
    work()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

/** Redis works; it only holds something else under this name. */
function emptyIfOfAnotherType(error: Error): string {
  if (error.message.startsWith('WRONGTYPE')) return '';
  throw error;
}

/** Within 24 days of this clock: an age beyond that fits into no answer. */
function isPlausible(readAt: number): boolean {
  return Math.abs(Date.now() - readAt) < 2 ** 31;
}

/** The name is part of it: an authentic entry under another name is not authentic there. */
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
