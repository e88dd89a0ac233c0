import type { Pool } from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSecret } from '../../src/auth/api-key.js';
import { authenticate } from '../../src/auth/authenticate.js';
import { type FindCaller, openKeyCache } from '../../src/auth/key-cache.js';
import type { Follower } from '../../src/feed/follower.js';
import { aChange, ScriptedFeed, stalenessMs } from '../protocol/support/scripted-feed.js';

const secret = createSecret();

let feed: ScriptedFeed;
let follower: Follower;
let keys: FindCaller;
/** The row of the key in the database; undefined when there is none. */
let stored: { id: string; scopes: string[]; expiresAt: number | null } | undefined;
let statements: number;
beforeEach(async () => {
  feed = new ScriptedFeed();
  follower = feed.follow();
  await follower.poll();
  stored = { id: 'k1', scopes: ['resolve:*'], expiresAt: null };
  statements = 0;
  const pool = {
    query: async () => {
      statements++;
      const none = { id: null, scopes: null, expiresAt: null };
      return { rows: [{ ...(stored ?? none), epoch: feed.epoch, asOf: feed.head.toString() }] };
    },
  } as unknown as Pool;
  keys = openKeyCache({ database: { pool }, validity: follower, clock: () => feed.now, stalenessMs });
});
afterEach(() => vi.useRealTimers());

const isKnown = () => keys.peek(secret) !== undefined;

describe('a key that was presented before', () => {
  test('is known at once, with what it may do', async () => {
    expect(isKnown()).toBe(false);
    const found = await keys.find(secret);
    expect(keys.peek(secret)).toBe(found);
    expect(found).toEqual({ kind: 'api-key', actor: 'api-key:k1', scopes: new Set(['resolve:*']) });
    const authenticated = authenticate(`Bearer ${secret}`, { authMode: 'required', findCaller: keys });
    expect(authenticated).toBe(found);
    expect(statements).toBe(1);
  });

  test('is not known any more once a change of any key is', async () => {
    await keys.find(secret);
    stored = undefined;
    feed.add(aChange(11n, { kind: 'api_key.revoked', tenantId: null, tenantSlug: null }));
    await follower.poll();
    expect(isKnown()).toBe(false);
    expect(await keys.find(secret)).toBeUndefined();
  });

  test('is not known without a lease, nor in another history', async () => {
    await keys.find(secret);
    feed.now += stalenessMs;
    expect(isKnown()).toBe(false);
    await follower.poll();
    expect(isKnown()).toBe(true);
    feed.epoch = 'second';
    await follower.poll();
    expect(isKnown()).toBe(false);
  });

  test('is not known from the moment on at which it expires', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    stored = { id: 'k1', scopes: ['resolve:*'], expiresAt: Date.now() + 1_000 };
    await keys.find(secret);
    expect(isKnown()).toBe(true);
    vi.setSystemTime(Date.now() + 999);
    expect(isKnown()).toBe(true);
    vi.setSystemTime(Date.now() + 1);
    expect(isKnown()).toBe(false);
    expect(await keys.find(secret)).toBeUndefined();
  });

  test('says nothing about others, however alike', async () => {
    await keys.find(secret);
    for (const other of [
      secret.slice(0, -1),
      `${secret}a`,
      `${secret.slice(0, -1)}b`,
      secret.toUpperCase(),
      '',
    ])
      expect(keys.peek(other)).toBeUndefined();
  });
});

test('a secret that opens nothing is not remembered by its text', async () => {
  stored = undefined;
  expect(await keys.find(secret)).toBeUndefined();
  expect(isKnown()).toBe(false);
  expect(await keys.find(secret)).toBeUndefined();
  // By its hash it is, so that it does not cost a statement each time.
  expect(statements).toBe(1);
});
