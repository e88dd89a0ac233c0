import { describe, expect, test } from 'vitest';
import { aChange, ScriptedFeed } from './support/scripted-feed.js';

/** Resolves when everything that waits for a promise only has gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A follower that has begun, and a way to hold polls back after they were sent. */
async function aFollower() {
  const feed = new ScriptedFeed();
  const follower = feed.follow();
  await follower.poll();
  await settled();
  feed.reports.length = 0;
  const held: (() => void)[] = [];
  feed.onPoll = () => new Promise<void>((resolve) => held.push(resolve));
  const letGo = async () => {
    held.shift()?.();
    await settled();
  };
  return { feed, follower, letGo };
}

describe('polls that are asked for while one is under way', () => {
  test('share one that is sent after them', async () => {
    const { feed, follower, letGo } = await aFollower();
    const first = follower.poll();
    const later = [follower.poll(), follower.poll(), follower.poll()];
    feed.add(aChange(11n));
    await letGo();
    await first;
    expect(feed.reports).toHaveLength(2);
    expect(follower.position?.revision).toBe(10n);
    await letGo();
    await Promise.all(later);
    expect(follower.position?.revision).toBe(11n);
  });

  test('do not share the second when it was already sent', async () => {
    const { feed, follower, letGo } = await aFollower();
    const first = follower.poll();
    const second = follower.poll();
    await letGo();
    await first;
    // The second poll has been sent and its page was read: this change is too late for it.
    feed.add(aChange(11n));
    const third = follower.poll();
    await letGo();
    await second;
    expect(follower.position?.revision).toBe(10n);
    await letGo();
    await third;
    expect(follower.position?.revision).toBe(11n);
  });

  test('succeed although the one under way fails', async () => {
    const { feed, follower, letGo } = await aFollower();
    const hold = feed.onPoll;
    feed.onPoll = async (report) => {
      await hold(report);
      feed.onPoll = hold;
      throw new Error('connection lost');
    };
    const first = expect(follower.poll()).rejects.toThrow('connection lost');
    const second = follower.poll();
    feed.add(aChange(11n));
    await letGo();
    await first;
    await letGo();
    await second;
    expect(follower.position?.revision).toBe(11n);
  });
});
