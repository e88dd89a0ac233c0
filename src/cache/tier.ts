/**
 * A cached value with the snapshot in which it was read. Values are plain JSON: they may come from another process.
 */
export interface Entry<Value> {
  /** The key under which the entry was stored, to detect a tier that mixes up keys. */
  key: string;
  epoch: string;
  asOf: bigint;
  /** Time of day of the read, in milliseconds since 1970; only for display. */
  readAt: number;
  value: Value;
}

/** Where a value was read: a tier, or the database behind all of them. */
export type TierName = 'memory' | 'redis' | 'database';

/** An entry with the name of the tier that it came from. */
export interface Answer<Value> extends Entry<Value> {
  tier: TierName;
}

/**
 * A store of entries without guarantees: it may forget entries, and an entry may be outdated or belong to another
 * key, so readers check every entry. It never throws: a failing tier behaves like an empty one.
 */
export interface Tier<Value> {
  readonly name: TierName;
  /** Whether other processes write to it: its entries may be ahead of what this process knows. */
  readonly isShared: boolean;
  /** In the order of the keys; undefined for missing entries. */
  get(keys: readonly string[]): (Entry<Value> | undefined)[] | Promise<(Entry<Value> | undefined)[]>;
  /** Returns one entry synchronously; only in tiers that can. */
  peek?(key: string): Answer<Value> | undefined;
  /** Stores each entry unless a newer one is present. */
  set(entries: readonly Entry<Value>[]): void | Promise<void>;
  /** Removes the entries that this process holds. */
  clear(): void;
}
