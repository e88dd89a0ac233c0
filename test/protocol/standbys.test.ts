import { describe, expect, test } from 'vitest';
import { ScriptedFeed, stalenessMs } from './support/scripted-feed.js';

/** A follower that requires one standby, and has polled once. */
async function follow() {
  const feed = new ScriptedFeed();
  feed.standbys = { synchronous: 1, confirmed: 0, mark: '0/1', isVisible: true };
  const follower = feed.follow(undefined, 1);
  await follower.poll();
  const poll = async (confirmed: number, { synchronous = 1, afterMs = 500 } = {}) => {
    feed.now += afterMs;
    feed.standbys = { synchronous, confirmed, mark: `0/${feed.now}`, isVisible: true };
    await follower.poll();
    // The poll of a new position is followed by another one.
    await follower.poll();
  };
  return { feed, follower, poll };
}

describe('a follower that requires a standby', () => {
  test('has no lease before a standby has confirmed what was written after a poll', async () => {
    const { follower } = await follow();
    expect(follower.leaseRemainingMs).toBe(0);
    expect(follower.refusal).toContain('REQUIRE_SYNC_STANDBYS');
  });

  test('counts the lease from the sending of the poll whose mark was confirmed', async () => {
    const { feed, follower } = await follow();
    feed.now += 700;
    feed.standbys = { synchronous: 1, confirmed: 1, mark: '0/2', isVisible: true };
    await follower.poll();
    expect(feed.reports.at(-1)?.mark).toBe('0/1');
    expect(follower.leaseRemainingMs).toBe(stalenessMs - 700);
    expect(follower.refusal).toBeUndefined();
  });

  test('gets no new lease from a standby that is listed and confirms nothing, as behind a network that swallows all', async () => {
    const { feed, follower, poll } = await follow();
    await poll(1);
    const left = follower.leaseRemainingMs;
    for (let polls = 0; polls < 4; polls++) await poll(0);
    expect(follower.leaseRemainingMs).toBe(left - 2_000);
    feed.now += stalenessMs;
    expect(follower.refusal).toContain(
      '0 synchronous standbys that confirm its changes, and REQUIRE_SYNC_STANDBYS is 1',
    );
  });

  test('gets a lease again from a late confirmation, and it counts from the older poll', async () => {
    const { follower, poll } = await follow();
    await poll(1);
    await poll(0);
    await poll(0);
    await poll(1, { afterMs: 400 });
    expect(follower.leaseRemainingMs).toBeGreaterThan(stalenessMs - 1_400 - 1);
    expect(follower.refusal).toBeUndefined();
  });

  test('asks for a new mark after another history has begun', async () => {
    const { feed, follower, poll } = await follow();
    await poll(1);
    feed.epoch = 'second';
    feed.standbys = { synchronous: 1, confirmed: 1, mark: '0/9', isVisible: true };
    // The first page of the new history has a mark, which nobody has been asked about.
    feed.onPoll = () => {
      feed.onPoll = () => undefined;
    };
    const before = feed.reports.length;
    await follower.poll();
    expect(feed.reports.slice(before).map(({ mark }) => mark)).toContain(undefined);
  });

  test('names the missing right', async () => {
    const { feed, follower } = await follow();
    feed.standbys = { synchronous: 0, confirmed: 0, mark: '0/3', isVisible: false };
    await follower.poll();
    expect(follower.refusal).toContain('GRANT pg_read_all_stats');
  });
});
