import { beforeEach, describe, expect, test } from 'vitest';
import { type Caller, developer } from '../../src/auth/caller.js';
import { openMemoryTier } from '../../src/cache/memory-tier.js';
import { type Loaded, ReadThrough } from '../../src/cache/read-through.js';
import type { Tier } from '../../src/cache/tier.js';
import type { Follower } from '../../src/feed/follower.js';
import { noCounts } from '../../src/metrics/resolution-counts.js';
import type { Caches } from '../../src/registry/resolution/caches.js';
import { createRouteHolder, routeName } from '../../src/registry/resolution/held-route.js';
import { createReader, type ResolutionRequest } from '../../src/registry/resolution/reader.js';
import type { RouteFacts, RouteKey } from '../../src/registry/resolution/route.js';
import { aChange, ScriptedFeed, stalenessMs } from './support/scripted-feed.js';

const id = 'abcdef01-0000-4000-8000-00000000000a';

/** Loads that end when the test decides, in any order. */
interface Load<Value> {
  keys: readonly string[];
  end: (asOf: bigint, value: Value, epoch?: string) => Promise<void>;
}

let feed: ScriptedFeed;
let follower: Follower;
let loads: Load<string>[];
let routes: ReadThrough<string, string>;
beforeEach(async () => {
  feed = new ScriptedFeed();
  follower = feed.follow();
  await follower.poll();
  loads = [];
  routes = new ReadThrough<string, string>({
    tiers: [openMemoryTier({ maxEntries: 10, ttlMs: 60_000 })],
    validity: follower,
    load: (keys) =>
      new Promise<Loaded<string>>((resolve) => {
        loads.push({
          keys,
          async end(asOf, value, epoch = 'first') {
            resolve({ epoch, asOf, values: keys.map(() => value) });
            await settled();
          },
        });
      }),
    nameOf: (key) => key,
    referenceOf: (key) => key,
    clock: () => feed.now,
    stalenessMs,
  });
});

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function ask(key: string, demand: { isStrong?: boolean } = {}) {
  const [answer] = await routes.getMany([{ key, ...demand }]);
  return answer?.value;
}

const loadAt = (at: number) => loads[at] as Load<string>;

describe('a running load', () => {
  test('is shared by later requests while the lease proves that nothing has changed', async () => {
    const one = ask('acme');
    await settled();
    const other = ask('acme');
    await settled();
    expect(loads).toHaveLength(1);
    await loadAt(0).end(10n, 'active');
    expect(await Promise.all([one, other])).toEqual(['active', 'active']);
  });

  test('is not shared when the lease has ended, because mutations no longer wait for this gateway', async () => {
    feed.now += 1_000;
    const early = ask('acme');
    await settled();
    feed.now += stalenessMs - 1_000;
    expect(follower.leaseRemainingMs).toBe(0);
    const late = ask('acme');
    await settled();
    await loadAt(0).end(10n, 'active');
    await loadAt(1).end(11n, 'suspended');
    expect(await Promise.all([early, late])).toEqual(['active', 'suspended']);
  });

  test('is not shared when a change has made it stale', async () => {
    const early = ask('acme');
    await settled();
    feed.add(aChange(11n));
    await follower.poll();
    const late = ask('acme');
    await settled();
    await loadAt(0).end(10n, 'active');
    expect(loads).toHaveLength(2);
    await loadAt(1).end(11n, 'suspended');
    // The first request came before the change was known, so the old answer was valid after it.
    expect(await Promise.all([early, late])).toEqual(['active', 'suspended']);
    expect(await ask('acme')).toBe('suspended');
  });

  test('is not shared by a later STRONG request, but is shared by an earlier one', async () => {
    const first = ask('acme');
    await settled();
    const strong = ask('acme', { isStrong: true });
    const alsoStrong = ask('acme', { isStrong: true });
    await settled();
    expect(loads).toHaveLength(2);
    await loadAt(1).end(11n, 'suspended');
    await loadAt(0).end(10n, 'active');
    expect(await Promise.all([first, strong, alsoStrong])).toEqual(['active', 'suspended', 'suspended']);
  });

  test('from a replaced history answers the earlier request and is not stored', async () => {
    const early = ask('acme');
    await settled();
    feed.epoch = 'second';
    await follower.poll();
    await loadAt(0).end(10n, 'active');
    expect(await early).toBe('active');
    const late = ask('acme');
    await settled();
    await loadAt(1).end(10n, 'suspended', 'second');
    expect(await late).toBe('suspended');
  });
});

describe('a route in memory', () => {
  const facts: RouteFacts = {
    tenantId: id,
    tenantSlug: 'acme',
    externalId: null,
    tenantStatus: 'active',
    suspendedReason: null,
    moduleExists: true,
    subscriptionStatus: 'active',
    isolation: 'schema',
    databaseName: 'finance',
    schemaName: 'finance_acme',
    generation: 1,
    migrationVersion: null,
  };
  let status: string;
  /** The database answers after this. */
  let answered: Promise<void> | undefined;
  let caches: Caches;
  beforeEach(() => {
    status = 'active';
    answered = undefined;
    caches = {
      routes: new ReadThrough<RouteKey, RouteFacts>({
        tiers: [openMemoryTier({ maxEntries: 10, ttlMs: 60_000, hold: createRouteHolder() })],
        validity: follower,
        load: async (keys) => {
          const loaded = { epoch: feed.epoch, asOf: feed.head };
          await answered;
          return { ...loaded, values: keys.map(() => ({ ...facts, tenantStatus: status })) };
        },
        nameOf: routeName,
        referenceOf: ({ reference }) => reference,
        clock: () => feed.now,
        stalenessMs,
      }),
      configs: undefined as never,
      findProgress: async () => [],
      counts: noCounts,
      prepare: async () => undefined,
      clear: () => undefined,
    };
  });

  const request = (given: Partial<ResolutionRequest> = {}): ResolutionRequest => ({
    reference: 'acme',
    module: 'finance',
    consistency: 'CACHED',
    minRevision: undefined,
    ...given,
  });
  const readerFor = (caller: Caller = developer) => createReader({ caches, follower, caller });
  const resolveNow = (given: Partial<ResolutionRequest> = {}, caller: Caller = developer) =>
    readerFor(caller).resolve(request(given));
  const epoch = '0123456789abcdef';

  /** In memory from now on. */
  const warm = async (reference = 'acme') => {
    await resolveNow({ reference });
    expect(resolveNow({ reference })).toMatchObject({ schemaName: 'finance_acme' });
  };

  test('is answered at once, with what is left of the lease', async () => {
    await warm();
    feed.now += 1_000;
    const route = resolveNow();
    expect(route).not.toBeInstanceOf(Promise);
    expect(route).toMatchObject({ leaseRemainingMs: stalenessMs - 1_000, revision: 'first:10' });
    expect(readerFor().explain(request())).toMatchObject({ answer: { tier: 'memory', asOf: 10n } });
  });

  test('is not answered any more once a change of the tenant is known, by its slug or its id', async () => {
    await warm();
    await warm(id);
    status = 'suspended';
    feed.add(aChange(11n, { tenantId: id }));
    await follower.poll();
    for (const reference of ['acme', id]) {
      const resolution = resolveNow({ reference });
      expect(resolution).toBeInstanceOf(Promise);
      expect(await resolution).toMatchObject({ code: 'TENANT_SUSPENDED' });
    }
  });

  test('is not answered any more once a change of a module is known', async () => {
    await warm();
    feed.add(aChange(11n, { kind: 'module.updated', tenantId: null, tenantSlug: null }));
    await follower.poll();
    expect(resolveNow()).toBeInstanceOf(Promise);
  });

  test('is not answered without a lease, nor in another history', async () => {
    await warm();
    feed.now += stalenessMs;
    expect(resolveNow()).toBeInstanceOf(Promise);
    await follower.poll();
    expect(resolveNow()).not.toBeInstanceOf(Promise);
    feed.epoch = 'second';
    await follower.poll();
    expect(resolveNow()).toBeInstanceOf(Promise);
  });

  test('is not answered to a STRONG question, nor where it is not as new as asked for', async () => {
    feed.epoch = epoch;
    await follower.poll();
    await warm();
    expect(resolveNow({ consistency: 'STRONG' })).toBeInstanceOf(Promise);
    expect(resolveNow({ minRevision: `${epoch}:10` })).not.toBeInstanceOf(Promise);
    expect(resolveNow({ minRevision: `${epoch}:11` })).toBeInstanceOf(Promise);
    expect(resolveNow({ minRevision: 'fedcba9876543210:1' })).toBeInstanceOf(Promise);
    const reader = readerFor();
    reader.changed(`${epoch}:11`);
    expect(reader.resolve(request())).toBeInstanceOf(Promise);
  });

  test('is not answered to a caller without a scope for the module', async () => {
    await warm();
    const caller: Caller = { kind: 'api-key', actor: 'api-key:x', scopes: new Set(['resolve:inventory']) };
    expect(await resolveNow({}, caller)).toMatchObject({ code: 'FORBIDDEN' });
    expect(await readerFor(caller).explain(request())).toMatchObject({ answer: undefined });
  });

  test('waits with others that are not there, and its lease is what is left after that', async () => {
    await warm();
    const requests = [request(), request({ reference: 'other' })];
    let answer = () => {};
    answered = new Promise((resolve) => {
      answer = resolve;
    });
    const explained = readerFor().explainAll(requests);
    expect(explained).toBeInstanceOf(Promise);
    await settled();
    // Meanwhile a change of the first is known, and may be acknowledged.
    feed.add(aChange(11n, { tenantId: id }));
    await follower.poll();
    answer();
    const [first] = await explained;
    expect(first?.resolution).toMatchObject({ leaseRemainingMs: 0 });
    await warm();
    await warm('other');
    expect(readerFor().explainAll(requests)).toMatchObject([{ answer: { asOf: 11n } }, {}]);
  });

  test('refused is refused at once', async () => {
    status = 'suspended';
    await resolveNow();
    expect(resolveNow()).toMatchObject({ code: 'TENANT_SUSPENDED' });
  });

  test('asked for by an id in capitals ends with a change of its tenant', async () => {
    const explain = () => readerFor().explain(request({ reference: id.toUpperCase() }));
    await explain();
    expect((await explain()).answer?.tier).toBe('memory');
    status = 'suspended';
    feed.add(aChange(11n, { tenantId: id }));
    await follower.poll();
    expect((await explain()).resolution).toMatchObject({ code: 'TENANT_SUSPENDED' });
  });
});

describe('an entry of a tier that others write to', () => {
  const keep = async (asOf: bigint, isShared: boolean) => {
    const tier: Tier<string> = {
      name: 'redis',
      isShared,
      get: (keys) => keys.map((key) => ({ key, epoch: feed.epoch, asOf, readAt: 0, value: 'kept' })),
      set: () => undefined,
      clear: () => undefined,
    };
    const reads = new ReadThrough<string, string>({
      tiers: [tier],
      validity: follower,
      load: async (keys) => ({ epoch: feed.epoch, asOf: feed.head, values: keys.map(() => 'loaded') }),
      nameOf: (key) => key,
      referenceOf: (key) => key,
      isAbout: (key, value) => !(key === 'another' && value === 'kept'),
      clock: () => feed.now,
      stalenessMs,
    });
    return async (key: string) => (await reads.getMany([{ key }]))[0]?.value;
  };

  test('is used up to the revision that this gateway has read, and not beyond', async () => {
    expect(await (await keep(feed.head, true))('acme')).toBe('kept');
    expect(await (await keep(feed.head + 1n, true))('acme')).toBe('loaded');
    expect(await (await keep(9_000_000_000_000_000_000n, true))('acme')).toBe('loaded');
  });

  test('is not used for a tenant that its value is not about', async () => {
    expect(await (await keep(feed.head, true))('another')).toBe('loaded');
  });

  test('may be ahead where only this process writes: it was loaded from the primary', async () => {
    expect(await (await keep(feed.head + 1n, false))('acme')).toBe('kept');
  });
});
