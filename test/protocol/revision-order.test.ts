import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Change } from '../../src/feed/change.js';
import { Follower } from '../../src/feed/follower.js';
import { openFeedSource } from '../../src/feed/registry-feed.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';

const writers = 8;
const changesEach = 60;

let registry: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  registry = await createRegistryDatabase();
  pool = new pg.Pool({ connectionString: registry.url, max: writers + 4 });
  for (let writer = 0; writer < writers; writer++)
    await pool.query(`INSERT INTO tenants (slug, name, status) VALUES ($1, 'before', 'active')`, [
      slugOf(writer),
    ]);
});
afterAll(async () => {
  await pool?.end();
  await registry?.drop();
});

const slugOf = (writer: number) => `writer-${String.fromCharCode(97 + writer)}`;

/**
 * Changes its tenant in transactions that stay open for a moment, with an entry of the change log written in the
 * middle.
 */
async function write(writer: number): Promise<void> {
  const client = await pool.connect();
  try {
    for (let change = 0; change < changesEach; change++) {
      await client.query('BEGIN');
      await client.query('UPDATE tenants SET name = $2 WHERE slug = $1', [slugOf(writer), `name ${change}`]);
      await client.query('SET CONSTRAINTS ALL IMMEDIATE');
      await client.query('SELECT pg_sleep(random() * 0.002)');
      await client.query('COMMIT');
    }
  } finally {
    client.release();
  }
}

// A number that is taken before the commit, as from a sequence, may be committed after a higher one: a reader that has
// already passed the higher one would never get it.
test('a follower of the log misses no change and gets all in order while many transactions write', async () => {
  const heard: Change[] = [];
  let resyncs = 0;
  const follower = new Follower({
    source: openFeedSource(pool, { stalenessMs: 5_000 }),
    clock: () => performance.now(),
    waitingClock: () => performance.now(),
    stalenessMs: 5_000,
    onMoved: (changes) => heard.push(...changes),
    onResync: () => resyncs++,
  });
  await follower.poll();
  let isWriting = true;
  const following = (async () => {
    while (isWriting) await follower.poll();
    await follower.poll();
  })();
  const startedAt = follower.position?.revision ?? 0n;
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer))).finally(() => {
    isWriting = false;
  });
  await following;

  const total = writers * changesEach;
  expect(heard.map(({ revision }) => revision - startedAt)).toEqual(
    Array.from({ length: total }, (_, place) => BigInt(place + 1)),
  );
  for (let writer = 0; writer < writers; writer++)
    expect(heard.filter(({ tenantSlug }) => tenantSlug === slugOf(writer))).toHaveLength(changesEach);
  expect(resyncs).toBe(0);
  await follower.stop();
});
