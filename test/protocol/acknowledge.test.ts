import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  awaitAcknowledgement,
  type Laggard,
  openReplicaRows,
  type WaitFor,
} from '../../src/feed/acknowledge.js';
import { openFeedSource, readChanges } from '../../src/feed/registry-feed.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';

const stalenessMs = 5_000;
const laggard: Laggard = { id: 'one', lastReport: 'first', stalenessMs };

/**
 * Waits in virtual time while `look` returns the lagging replicas at each moment; undefined means that the database
 * does not answer.
 */
async function wait(look: (now: number) => Laggard[] | undefined, waitFor: WaitFor = 'GATEWAYS') {
  let now = 0;
  const removed: { id: string; at: number; epoch: string }[] = [];
  await awaitAcknowledgement(
    {
      rows: {
        async findLaggards() {
          now += 1;
          const laggards = look(now);
          if (!laggards) throw new Error('the database does not answer');
          return laggards;
        },
        async remove({ id }, epoch) {
          removed.push({ id, at: now, epoch });
        },
      },
      clock: () => now,
      sleep: async (ms) => {
        now += ms;
      },
      stalenessMs,
    },
    { epoch: 'first', revision: 11n, waitFor },
  );
  return { tookMs: now, removed };
}

describe('an acknowledgement', () => {
  test('comes when every replica has reported', async () => {
    const { tookMs, removed } = await wait((now) => (now < 300 ? [laggard] : []));
    expect(tookMs).toBeGreaterThanOrEqual(300);
    expect(tookMs).toBeLessThan(350);
    expect(removed).toEqual([]);
  });

  test('comes at once with wait: COMMITTED', async () => {
    expect(await wait(() => [laggard], 'COMMITTED')).toEqual({ tookMs: 0, removed: [] });
  });

  test('comes right after the staleness bound, and removes replicas that were silent all that time', async () => {
    const { tookMs, removed } = await wait(() => [laggard]);
    expect(tookMs).toBeGreaterThan(stalenessMs);
    expect(tookMs).toBeLessThan(stalenessMs + 110);
    expect(removed).toEqual([{ id: 'one', at: tookMs, epoch: 'first' }]);
  });

  test('comes after the longest staleness bound of the lagging replicas', async () => {
    const patient = { ...laggard, id: 'two', stalenessMs: 8_000 };
    const { tookMs } = await wait(() => [laggard, patient]);
    expect(tookMs).toBeGreaterThan(8_000);
  });

  test('does not remove a replica that reports and still lags', async () => {
    const { removed } = await wait((now) => [{ ...laggard, lastReport: `${Math.floor(now / 500)}` }]);
    expect(removed).toEqual([]);
  });

  test('does not remove a replica that was not watched for its staleness bound, because it may have taken a lease just before', async () => {
    const { tookMs, removed } = await wait((now) => (now < 4_900 ? undefined : [laggard]));
    expect(tookMs).toBeLessThan(stalenessMs + 110);
    expect(removed).toEqual([]);
  });

  test('does not remove a replica that was silent for the staleness bound and then reported', async () => {
    const { removed } = await wait((now) => [{ ...laggard, lastReport: now < 4_950 ? 'first' : 'second' }]);
    expect(removed).toEqual([]);
  });

  test('comes after the staleness bound when the database does not answer', async () => {
    const { tookMs } = await wait(() => undefined);
    expect(tookMs).toBeGreaterThan(stalenessMs);
    expect(tookMs).toBeLessThan(stalenessMs + 150);
  });
});

describe('in a real registry', () => {
  let registry: TestDatabase;
  let pool: pg.Pool;
  beforeAll(async () => {
    registry = await createRegistryDatabase();
    pool = new pg.Pool({ connectionString: registry.url, max: 3 });
  });
  afterAll(async () => {
    await pool?.end();
    await registry?.drop();
  });

  test('a row is removed only in the history in which it was watched, and only if it has not reported since', async () => {
    const rows = openReplicaRows(pool);
    const source = openFeedSource(pool, { stalenessMs });
    await source.register();
    const report = { position: undefined, isSettled: true, clientsRevision: undefined };
    const { head } = await source.poll(report);
    const find = () => rows.findLaggards({ epoch: head.epoch, revision: head.revision + 1n }, 'GATEWAYS');
    const [before] = await find();
    if (!before) throw new Error('no replica lags');
    await rows.remove(before, '0123456789abcdef');
    expect(await find()).toEqual([before]);
    await source.poll(report);
    await rows.remove(before, head.epoch);
    const [after] = await find();
    expect(after).toMatchObject({ id: source.replicaId });
    await rows.remove(after as Laggard, head.epoch);
    expect(await find()).toEqual([]);
  });

  test('rows of another history do not count for a commit, because some may have been lost', async () => {
    const rows = openReplicaRows(pool);
    await expect(rows.findLaggards({ epoch: '0123456789abcdef', revision: 1n }, 'GATEWAYS')).rejects.toThrow(
      'another history',
    );
  });

  test('reads of the replicas are shared by those who wait, and never began before a call that gets them', async () => {
    const sent: string[] = [];
    const query = pool.query.bind(pool);
    const counted = Object.assign(Object.create(pool), {
      query: (statement: { text: string }) => {
        sent.push(statement.text);
        return query(statement);
      },
    }) as pg.Pool;
    const rows = openReplicaRows(counted);
    const source = openFeedSource(pool, { stalenessMs });
    const { head } = await source.poll({ position: undefined, isSettled: true, clientsRevision: undefined });
    const find = () => rows.findLaggards(head, 'GATEWAYS');
    const first = find();
    const registered = source.register();
    const others = Promise.all(Array.from({ length: 10 }, find));
    expect((await first).length).toBeLessThanOrEqual(1);
    await Promise.all([registered, others]);
    expect(sent).toHaveLength(2);
    expect(await find()).toHaveLength(1);
    await source.unregister(head.epoch);
  });

  test('a replica that registers gets the current epoch, even when it has a row', async () => {
    const source = openFeedSource(pool, { stalenessMs });
    const epochs = [await source.register(), await source.register()];
    const { head } = await source.poll({ position: undefined, isSettled: true, clientsRevision: undefined });
    expect(epochs).toEqual([head.epoch, head.epoch]);
    await source.unregister(head.epoch);
  });

  test('a replica that is not settled lags, whatever revision it has reached', async () => {
    const rows = openReplicaRows(pool);
    const source = openFeedSource(pool, { stalenessMs });
    await source.register();
    const { head } = await source.poll({ position: undefined, isSettled: true, clientsRevision: undefined });
    for (const isSettled of [false, true]) {
      const page = await source.poll({ position: head, isSettled, clientsRevision: undefined });
      // It still continues from its position.
      expect(page).toMatchObject({ isRegistered: true, since: head.revision, changes: [] });
      expect(await rows.findLaggards(head, 'GATEWAYS')).toHaveLength(isSettled ? 0 : 1);
    }
    await source.unregister('0123456789abcdef');
    expect(await rows.findLaggards({ ...head, revision: head.revision + 1n }, 'GATEWAYS')).toHaveLength(1);
    await source.unregister(head.epoch);
    expect(await rows.findLaggards({ ...head, revision: head.revision + 1n }, 'GATEWAYS')).toEqual([]);
  });

  test('reading the change log for another history is refused', async () => {
    const source = openFeedSource(pool, { stalenessMs });
    const { head } = await source.poll({ position: undefined, isSettled: true, clientsRevision: undefined });
    await pool.query(`UPDATE modules SET description = 'other' WHERE name = 'finance'`);
    const which = { after: head.revision, upTo: head.revision + 1n };
    expect(await readChanges(pool, { epoch: head.epoch, ...which })).toMatchObject([
      { revision: head.revision + 1n, position: 0, kind: 'module.updated', module: 'finance' },
    ]);
    expect(await readChanges(pool, { epoch: head.epoch, after: which.upTo, upTo: which.upTo })).toEqual([]);
    await expect(readChanges(pool, { epoch: '0123456789abcdef', ...which })).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
    });
  });
});
