import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openMemoryTier } from '../../src/cache/memory-tier.js';
import type { Entry, Tier } from '../../src/cache/tier.js';
import '../setup/with-redis.js';
import { anEntry, look, type Note, tierKinds } from './support/tiers.js';

/** A prefix that separates the keys of this file from those of other tests. */
let count = 0;
const aKey = () => `tenant-${++count}/finance`;

describe.each(tierKinds)('every tier: $name', ({ isAvailable, open }) => {
  describe.skipIf(!isAvailable)('as a shared tier', () => {
    let place: Awaited<ReturnType<typeof open>>;
    let tier: Tier<Note>;
    beforeAll(async () => {
      place = await open();
      tier = await place.openTier({ ttlMs: 60_000 });
    });
    afterAll(() => place?.close());

    test('returns exactly the entry that was set', async () => {
      const entry = anEntry(aKey(), { asOf: 12n, readAt: Date.now() - 1_500 });
      await tier.set([entry]);
      expect(await look(tier, entry.key)).toEqual(entry);
    });

    test('returns nothing for a key that was never set', async () => {
      expect(await tier.get([aKey(), aKey()])).toEqual([undefined, undefined]);
    });

    test('returns entries in the order of the keys, repeated keys included', async () => {
      const [one, two] = [anEntry(aKey()), anEntry(aKey())];
      const nobody = aKey();
      await tier.set([one, two]);
      const found = await tier.get([two.key, nobody, one.key, two.key, nobody, one.key]);
      expect(found).toEqual([two, undefined, one, two, undefined, one]);
    });

    test('accepts an empty list of keys and of entries', async () => {
      await tier.set([]);
      expect(await tier.get([])).toEqual([]);
    });

    test('keeps the newer of two entries of one history, in any order', async () => {
      const key = aKey();
      const [older, newer] = [anEntry(key, { asOf: 9n }), anEntry(key, { asOf: 10n })];
      await tier.set([newer]);
      await tier.set([older]);
      expect(await look(tier, key)).toEqual(newer);
      const newest = anEntry(key, { asOf: 100n });
      await tier.set([newest]);
      expect(await look(tier, key)).toEqual(newest);
    });

    test('keeps the newer of two entries that are set together', async () => {
      const key = aKey();
      await tier.set([anEntry(key, { asOf: 3n }), anEntry(key, { asOf: 5n }), anEntry(key, { asOf: 4n })]);
      expect((await look(tier, key))?.asOf).toBe(5n);
    });

    test('replaces an entry by one of another history, whatever its revision', async () => {
      const key = aKey();
      await tier.set([anEntry(key, { asOf: 1_000n })]);
      const restored = anEntry(key, { epoch: 'fedcba9876543210', asOf: 3n });
      await tier.set([restored]);
      expect(await look(tier, key)).toEqual(restored);
    });

    test.each([
      ['that a double cannot distinguish', 2n ** 53n, 2n ** 53n + 1n],
      ['of different lengths', 999_999_999_999_999_999n, 1_000_000_000_000_000_000n],
      ['at the end of PostgreSQL’s bigint', 2n ** 63n - 2n, 2n ** 63n - 1n],
      ['at the beginning', 0n, 1n],
    ])('distinguishes revisions %s', async (_where, before, after) => {
      const key = aKey();
      await tier.set([anEntry(key, { asOf: before })]);
      await tier.set([anEntry(key, { asOf: after })]);
      expect((await look(tier, key))?.asOf).toBe(after);
      await tier.set([anEntry(key, { asOf: before })]);
      expect((await look(tier, key))?.asOf).toBe(after);
    });

    test.each([
      ['letters of all scripts', 'Ünïcode ✓ 漢字 العربية 👩‍👩‍👧'],
      ['line ends and control characters', 'a\nb\r\n\tc\u0000d\u2028e'],
      ['quotes and backslashes', `"'\\ \\n $1 %s`],
      ['half a surrogate pair', 'broken \ud83d end'],
      ['nothing', ''],
      ['a lot', 'x'.repeat(100_000)],
    ])('brings back %s unharmed', async (_what, text) => {
      const entry = anEntry(`${aKey()} ${text.slice(0, 20)}`, { value: { text } });
      await tier.set([entry]);
      expect(await look(tier, entry.key)).toEqual(entry);
    });

    test('stores and returns many keys at once', async () => {
      const entries = Array.from({ length: 2_000 }, () => anEntry(aKey()));
      await tier.set(entries);
      const wanted = entries.toReversed();
      expect(await tier.get(wanted.map(({ key }) => key))).toEqual(wanted);
    });

    test('removes an entry after its time, however often it was read', async () => {
      const brief = await place.openTier({ ttlMs: 500 });
      const entry = anEntry(aKey());
      await brief.set([entry]);
      const setAt = Date.now();
      while (Date.now() < setAt + 400) await brief.get([entry.key]);
      await delay(200);
      expect(await look(brief, entry.key)).toBeUndefined();
    });

    test('starts the time again with a newer entry', async () => {
      const brief = await place.openTier({ ttlMs: 1_200 });
      const key = aKey();
      await brief.set([anEntry(key, { asOf: 1n })]);
      await delay(700);
      await brief.set([anEntry(key, { asOf: 2n })]);
      await delay(600);
      expect((await look(brief, key))?.asOf).toBe(2n);
    });
  });
});

describe('the memory tier', () => {
  const filled = (maxEntries: number, entries: readonly Entry<Note>[]) => {
    const tier = openMemoryTier<Note>({ maxEntries, ttlMs: 60_000 });
    for (const entry of entries) tier.set([entry]);
    return tier;
  };

  test('has a size limit, and removes the entry that was not read for the longest time', async () => {
    const entries = Array.from({ length: 100 }, () => anEntry(aKey()));
    const tier = filled(100, entries);
    expect(await look(tier, entries[0]?.key ?? '')).toEqual(entries[0]);
    const more = Array.from({ length: 50 }, () => anEntry(aKey()));
    tier.set(more);
    const found = await tier.get([...entries, ...more].map(({ key }) => key));
    expect(found.filter(Boolean)).toHaveLength(100);
    expect(found[0]).toEqual(entries[0]);
    expect(found.slice(1, 51)).toEqual(Array(50).fill(undefined));
  });

  test('has the same limit with many entries, and keeps what was read for each entry that it takes', () => {
    const size = 20_000;
    const keyOf = (at: number) => `${at.toString(16).padStart(8, '0')}/finance`;
    const tier = openMemoryTier<Note>({ maxEntries: size, ttlMs: 60_000 });
    const value = { text: '' };
    const isHeld = (at: number) => tier.peek?.(keyOf(at)) !== undefined;
    for (let at = 0; at < size; at++) tier.set([anEntry(keyOf(at), { value })]);
    const kept = Array.from({ length: 50 }, (_, at) => at * 7);
    expect(kept.every(isHeld)).toBe(true);
    for (let at = size; at < 3 * size; at++) {
      tier.set([anEntry(keyOf(at), { value })]);
      // Between two visits of the search for entries to remove.
      if (at % 1_000 === 0) expect(kept.every(isHeld)).toBe(true);
    }
    const held = tier.get(Array.from({ length: 3 * size }, (_, at) => keyOf(at))) as unknown[];
    expect(held.filter(Boolean)).toHaveLength(size);
  });

  test('takes a new entry also when all others were read', () => {
    const entries = Array.from({ length: 500 }, () => anEntry(aKey()));
    const tier = filled(500, entries);
    const isHeld = ({ key }: Entry<Note>) => tier.peek?.(key) !== undefined;
    expect(entries.every(isHeld)).toBe(true);
    const more = anEntry(aKey());
    tier.set([more]);
    expect(isHeld(more)).toBe(true);
    expect(entries.filter(isHeld)).toHaveLength(499);
  });

  test('is empty after clear()', async () => {
    const entry = anEntry(aKey());
    const tier = filled(10, [entry]);
    tier.clear();
    expect(await look(tier, entry.key)).toBeUndefined();
  });
});
