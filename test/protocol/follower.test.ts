import { describe, expect, test } from 'vitest';
import { Follower } from '../../src/feed/follower.js';
import { aChange, ScriptedFeed, stalenessMs } from './support/scripted-feed.js';

const readAt = (asOf: bigint, epoch = 'first') => ({ epoch, asOf });

describe('a follower', () => {
  test('counts the lease from the sending of the poll, however long the answer took', async () => {
    const feed = new ScriptedFeed();
    feed.onPoll = () => {
      feed.now += 3_000;
      feed.onPoll = () => undefined;
    };
    const follower = feed.follow();
    await follower.poll();
    expect(follower.leaseRemainingMs).toBe(stalenessMs - 3_000);
  });

  test('answers a poll that was asked for while another was under way with one that was sent later', async () => {
    const feed = new ScriptedFeed();
    const follower = feed.follow();
    await follower.poll();
    await follower.poll();
    const before = feed.reports.length;
    let later: Promise<void> | undefined;
    feed.onPoll = async () => {
      feed.onPoll = () => undefined;
      // Until now poll() has not returned, so the poll does not count as under way yet.
      await undefined;
      // Too late for the page of the poll under way, which was read before.
      feed.add(aChange(11n));
      later = follower.poll();
    };
    await follower.poll();
    expect(follower.position?.revision).toBe(10n);
    await later;
    expect(follower.position?.revision).toBe(11n);
    expect(feed.reports.length).toBeGreaterThan(before + 1);
  });

  test('reports a new position at once, because mutations wait for it', async () => {
    const feed = new ScriptedFeed();
    const follower = feed.follow();
    await follower.poll();
    feed.add(aChange(11n));
    await follower.poll();
    await follower.poll();
    expect(feed.reports.at(-1)?.position?.revision).toBe(11n);
  });

  test('logs its steps on the clock for waiting, which does not jump with the time of day', async () => {
    const feed = new ScriptedFeed();
    let movedMs = 0;
    const moments: number[] = [];
    const follower = new Follower({
      ...{ source: feed, stalenessMs, clock: () => feed.now + movedMs, waitingClock: () => feed.now },
      onStep: ({ at }) => void moments.push(at - feed.now),
    });
    await follower.poll();
    movedMs = 3_600_000;
    await follower.poll();
    expect(new Set(moments)).toEqual(new Set([0]));
  });

  test('has no lease without a row, and inserts a new row before it polls again', async () => {
    const feed = new ScriptedFeed();
    const follower = feed.follow();
    await follower.poll();
    feed.hasRow = false;
    let leaseWithoutRow: number | undefined;
    feed.onPoll = () => {
      if (!feed.hasRow) return;
      leaseWithoutRow ??= follower.leaseRemainingMs;
    };
    await follower.poll();
    expect(leaseWithoutRow).toBe(0);
    expect(feed.hasRow).toBe(true);
    expect(follower.leaseRemainingMs).toBe(stalenessMs);
  });

  test('invalidates a changed tenant by its id and by its slug, and no other tenant', async () => {
    const feed = new ScriptedFeed();
    const follower = feed.follow();
    await follower.poll();
    feed.add(aChange(11n));
    await follower.poll();
    for (const reference of ['id-acme', 'acme']) {
      expect(follower.isCurrent(readAt(10n), reference)).toBe(false);
      expect(follower.isCurrent(readAt(11n), reference)).toBe(true);
    }
    expect(follower.isCurrent(readAt(10n), 'globex')).toBe(true);
  });

  test('invalidates all tenants when a module changes, and none for an API key or a member', async () => {
    const feed = new ScriptedFeed();
    const follower = feed.follow();
    await follower.poll();
    feed.add(
      aChange(11n, { kind: 'api_key.revoked', tenantId: null, tenantSlug: null }),
      aChange(12n, { kind: 'member.updated' }),
    );
    await follower.poll();
    expect(follower.isCurrent(readAt(10n), 'acme')).toBe(true);
    feed.add(aChange(13n, { kind: 'module.updated', tenantId: null, tenantSlug: null }));
    await follower.poll();
    expect(follower.isCurrent(readAt(12n), 'globex')).toBe(false);
    expect(follower.isCurrent(readAt(13n), 'globex')).toBe(true);
  });

  test('starts anew after a gap: entries that are older than its first new page are invalid', async () => {
    const feed = new ScriptedFeed();
    feed.add(aChange(11n), aChange(12n, { tenantId: 'id-globex', tenantSlug: 'globex' }));
    feed.oldest = 11n;
    const follower = feed.follow();
    await follower.poll();
    expect(follower.isCurrent(readAt(10n), 'acme')).toBe(false);
    expect(follower.isCurrent(readAt(11n), 'acme')).toBe(true);
    expect(follower.isCurrent(readAt(11n), 'globex')).toBe(false);
  });

  test.each([
    ['another epoch', (feed: ScriptedFeed) => (feed.epoch = 'second')],
    ['a head that went back', (feed: ScriptedFeed) => (feed.head = 9n)],
    [
      'a chain that is broken',
      (feed: ScriptedFeed) => feed.add(aChange(11n, { previousHash: 'hash of something else' })),
    ],
    ['a revision left out', (feed: ScriptedFeed) => feed.add(aChange(12n, { previousHash: 'hash 10' }))],
  ])('starts anew after %s', async (_what, happen) => {
    const feed = new ScriptedFeed();
    const follower = feed.follow();
    await follower.poll();
    happen(feed);
    // The gap shows in the answer, so nothing known before counts when the next poll is sent.
    const leases: number[] = [];
    feed.onPoll = ({ position }) => {
      if (!position) leases.push(follower.leaseRemainingMs);
      feed.oldest = feed.head;
      feed.changes = [];
    };
    await follower.poll();
    expect(leases).toEqual([0]);
    expect(follower.position).toMatchObject({ epoch: feed.epoch, revision: feed.head });
  });

  test('makes mutations wait for the staleness bound after a new epoch has begun', async () => {
    const feed = new ScriptedFeed();
    const follower = feed.follow();
    await follower.poll();
    await follower.poll();
    expect(feed.reports.at(-1)?.isSettled).toBe(true);
    feed.epoch = 'second';
    await follower.poll();
    for (const [ms, isSettled] of [
      [stalenessMs - 1, false],
      [1, true],
    ] as const) {
      feed.now += ms;
      await follower.poll();
      expect(feed.reports.at(-1)).toMatchObject({ isSettled, position: { epoch: 'second' } });
    }
  });

  test('makes mutations wait for the staleness bound when a new epoch began between its row and its first page', async () => {
    const feed = new ScriptedFeed();
    feed.onPoll = ({ position }) => {
      if (!position && feed.epoch === 'first') throw new Error('the database is not reachable');
    };
    const follower = feed.follow();
    await follower.poll().catch(() => undefined);
    expect(feed.hasRow).toBe(true);
    feed.epoch = 'second';
    await follower.poll();
    await follower.poll();
    expect(feed.reports.at(-1)).toMatchObject({ isSettled: false, position: { epoch: 'second' } });
  });

  test('uses one floor for all tenants when there are too many', async () => {
    const feed = new ScriptedFeed();
    const follower = feed.follow();
    await follower.poll();
    const many = Array.from({ length: 60_000 }, (_, position) =>
      aChange(11n, {
        position,
        tenantId: `id-${position}`,
        tenantSlug: `slug-${position}`,
        previousHash: position === 0 ? 'hash 10' : `hash 11.${position - 1}`,
        hash: position === 59_999 ? 'hash 11' : `hash 11.${position}`,
      }),
    );
    feed.add(...many);
    await follower.poll();
    expect(follower.position?.revision).toBe(11n);
    for (const reference of ['id-0', 'slug-59999', 'nobody']) {
      expect(follower.isCurrent(readAt(10n), reference)).toBe(false);
      expect(follower.isCurrent(readAt(11n), reference)).toBe(true);
    }
  });

  test.each([
    ['takes its row away', undefined, false],
    ['leaves its row while clients hold leases from it', 10n, true],
  ])('that stops %s', async (_what, clientsRevision, hasRow) => {
    const feed = new ScriptedFeed();
    const follower = feed.follow(() => clientsRevision);
    await follower.poll();
    await follower.stop();
    expect(feed.hasRow).toBe(hasRow);
    expect(follower.leaseRemainingMs).toBe(0);
    await follower.poll();
    expect(follower.leaseRemainingMs).toBe(0);
  });

  test.each([
    ['before it has read of it', 0, true],
    ['before D has passed', stalenessMs - 1, true],
    ['after D', stalenessMs, false],
  ])('that stops in an epoch that has just begun leaves its row, %s: %#', async (_when, ms, hasRow) => {
    const feed = new ScriptedFeed();
    const follower = feed.follow();
    await follower.poll();
    feed.epoch = 'second';
    if (ms > 0) await follower.poll();
    feed.now += ms;
    await follower.stop();
    expect(feed.hasRow).toBe(hasRow);
  });
});
