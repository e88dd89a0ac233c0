import { LRUCache } from 'lru-cache';
import type { Entry, Tier } from './tier.js';

export interface MemoryTierOptions {
  maxEntries: number;
  /**
   * Bounds the memory and is not needed for correctness: an entry is removed after this time, however often it is
   * read.
   */
  ttlMs: number;
}

/** A bounded tier in the memory of this process. */
export function openMemoryTier<Value>({ maxEntries, ttlMs }: MemoryTierOptions): Tier<Value> {
  const entries = new LRUCache<string, Entry<Value>>({
    max: maxEntries,
    ttl: ttlMs,
    // The cache reads the clock once per interval and not at each read.
    ttlResolution: Math.min(1_000, ttlMs / 100),
    updateAgeOnGet: false,
  });
  return {
    name: 'memory',
    isShared: false,
    get: (keys) => keys.map((key) => entries.get(key)),
    peek: (key) => entries.get(key),
    set(given) {
      for (const entry of given) {
        const held = entries.peek(entry.key);
        if (!held || held.epoch !== entry.epoch || held.asOf <= entry.asOf) entries.set(entry.key, entry);
      }
    },
    clear: () => entries.clear(),
  };
}
