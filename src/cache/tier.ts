/** A cached value with the snapshot it was read in. Values are plain JSON: they may come from another process. */
export interface Entry<Value> {
  /** The key it was stored under, so that a tier that mixes keys up is found out. */
  key: string;
  epoch: string;
  asOf: bigint;
  /** Time of day when it was read, in milliseconds since 1970: for people, never for a decision. */
  readAt: number;
  value: Value;
  /** A reader's own, made of the value: kept with the entry for the next reader, in this process only. */
  made?: unknown;
}

/**
 * A place for entries. It promises nothing: it may forget, and what it returns may be old or somebody else's; readers
 * check every entry. It never throws: a tier that fails is a tier that knows nothing.
 */
export interface Tier<Value> {
  readonly name: string;
  /** Whether others write to it: its entries may be ahead of what this process knows. */
  readonly isShared: boolean;
  /** In the order of the keys; undefined for what is not there. */
  get(keys: readonly string[]): (Entry<Value> | undefined)[] | Promise<(Entry<Value> | undefined)[]>;
  /** One entry at once; only in tiers that need not wait for anything. */
  peek?(key: string): Entry<Value> | undefined;
  /** Keeps the newer of what is there and what is given. */
  set(entries: readonly Entry<Value>[]): void | Promise<void>;
  /** Forgets what this process holds. */
  clear(): void;
}
