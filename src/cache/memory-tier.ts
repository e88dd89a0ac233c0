import { type HeldEntry, type HeldParts, PlainEntry, Snapshots } from './held-entry.js';
import type { Answer, Entry, Tier } from './tier.js';

export interface MemoryTierOptions<Value> {
  maxEntries: number;
  /**
   * Bounds the memory and is not needed for correctness: an entry is removed after this time, however often it is
   * read.
   */
  ttlMs: number;
  /** Makes the object that is held, for values that can be kept in fewer bytes. */
  hold?: (parts: HeldParts, value: Value) => HeldEntry<Value>;
}

/** A bounded tier in the memory of this process. It takes no memory for entries that it does not hold. */
export function openMemoryTier<Value>(options: MemoryTierOptions<Value>): Tier<Value> {
  const entries = new MemoryTier(options);
  return {
    name: 'memory',
    isShared: false,
    get: (keys) => keys.map((key) => plain(entries.peek(key))),
    peek: (key) => entries.peek(key),
    set(given) {
      for (const entry of given) entries.set(entry);
    },
    clear: () => entries.clear(),
  };
}

/**
 * A Map that grows or drops removed keys copies itself, which takes 100 ms with a million keys: a large tier is divided into
 * Maps of about this many.
 */
const shardEntries = 4_096;

/** How many entries that were read since the last time are passed over in search of one to remove. */
const maxPassedOver = 100;

class MemoryTier<Value> {
  readonly #maxEntries: number;
  readonly #ttlMs: number;
  readonly #unitMs: number;
  readonly #hold: (parts: HeldParts, value: Value) => HeldEntry<Value>;
  /** A power of two, less one. */
  readonly #mask: number;
  readonly #snapshots = new Snapshots();
  #shards: Map<string, HeldEntry<Value>>[] = [];
  #size = 0;
  #now = 0;
  /** Where the search for an entry to remove goes on: round all shards, and in each in the order of insertion. */
  #handShard = 0;
  #hand: IterableIterator<HeldEntry<Value>> = [].values();

  constructor({ maxEntries, ttlMs, hold }: MemoryTierOptions<Value>) {
    this.#maxEntries = maxEntries;
    this.#ttlMs = ttlMs;
    this.#unitMs = Math.min(1_000, ttlMs / 100);
    this.#hold = hold ?? ((parts, value) => new PlainEntry(parts, value));
    this.#mask = 2 ** Math.max(0, Math.ceil(Math.log2(maxEntries / shardEntries))) - 1;
    this.clear();
  }

  peek(key: string): Answer<Value> | undefined {
    const held = this.#shardOf(key).get(key);
    if (held === undefined || held.expiresAt <= this.#time()) return undefined;
    // Most are marked already, and a read is cheaper than a write.
    if (!held.wasRead) held.wasRead = true;
    return held;
  }

  set(entry: Entry<Value>): void {
    const shard = this.#shardOf(entry.key);
    const held = shard.get(entry.key);
    if (!(!held || held.epoch !== entry.epoch || held.asOf <= entry.asOf)) return;
    if (!held) {
      if (this.#size >= this.#maxEntries) this.#removeOne();
      this.#size++;
    }
    // The Map keeps the key that it knows, so that is the one to hold.
    const key = held?.key ?? flat(entry.key);
    const expiresAt = this.#time() + Math.ceil(this.#ttlMs / this.#unitMs);
    shard.set(key, this.#hold({ key, expiresAt, ...this.#snapshots.of(entry) }, entry.value));
  }

  clear(): void {
    this.#shards = Array.from({ length: this.#mask + 1 }, () => new Map());
    this.#size = 0;
    this.#hand = [].values();
  }

  #shardOf(key: string): Map<string, HeldEntry<Value>> {
    let hash = 0;
    if (this.#mask > 0)
      for (let at = 0; at < key.length; at++) hash = Math.imul(hash, 31) + key.charCodeAt(at);
    return this.#shards[(hash ^ (hash >>> 16)) & this.#mask] as Map<string, HeldEntry<Value>>;
  }

  /**
   * Removes the next entry that was not read since the search last passed it, which is nearly the one that was not read for the
   * longest time: a read marks its entry and moves nothing.
   */
  #removeOne(): void {
    for (let passedOver = 0; ; ) {
      const next = this.#hand.next();
      if (next.done) {
        this.#handShard = (this.#handShard + 1) & this.#mask;
        this.#hand = (this.#shards[this.#handShard] as Map<string, HeldEntry<Value>>).values();
        continue;
      }
      const held: HeldEntry<Value> = next.value;
      if (held.wasRead && held.expiresAt > this.#time() && passedOver < maxPassedOver) {
        held.wasRead = false;
        passedOver++;
        continue;
      }
      this.#shardOf(held.key).delete(held.key);
      this.#size--;
      return;
    }
  }

  /** In units. The clock is read once per unit and not at each use. */
  #time(): number {
    if (this.#now === 0) {
      this.#now = 1 + Math.floor(performance.now() / this.#unitMs);
      setTimeout(() => {
        this.#now = 0;
      }, this.#unitMs).unref();
    }
    return this.#now;
  }
}

function plain<Value>(held: Answer<Value> | undefined): Entry<Value> | undefined {
  if (!held) return undefined;
  const { key, epoch, asOf, readAt, value } = held;
  return { key, epoch, asOf, readAt, value };
}

/** A copy in one piece: a text that was put together, or cut out of another, keeps its parts in memory. */
function flat(key: string): string {
  const copy = Buffer.from(key).toString();
  // Half a surrogate pair is lost on the way.
  return copy === key ? copy : key;
}
