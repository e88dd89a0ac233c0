import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { openRedisServer, type RedisServer } from '../setup/redis.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { describeWithRedis } from '../setup/with-redis.js';
import { explain, openTwoGateways, type TwoGateways, warm } from './support/two-gateways.js';

async function metricsOf({ url }: TestGateway): Promise<(name: string) => number | undefined> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return (name) => {
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length + 1));
  };
}

describe('explainResolution', () => {
  let gateways: TwoGateways;
  let acme: StoryTenant;
  beforeAll(async () => {
    gateways = await openTwoGateways();
    acme = await aTenant().subscribedTo('finance').at(gateways.one);
  });
  afterAll(() => gateways?.close());

  test('shows the source of an answer, its age and its remaining lease', async () => {
    const first = await explain(gateways.other, acme.id);
    await new Promise((wake) => setTimeout(wake, 50));
    const second = await explain(gateways.other, acme.id);
    expect([first, second]).toMatchObject([
      {
        code: null,
        gate: null,
        message: null,
        tier: 'DATABASE',
        route: { schemaName: `finance_${acme.slug}` },
      },
      {
        code: null,
        gate: null,
        message: null,
        tier: 'MEMORY',
        route: { schemaName: `finance_${acme.slug}` },
      },
    ]);
    expect(second.revision).toBe(first.revision);
    expect(second.headRevision).toBe(first.revision);
    expect(second.ageMs).toBeGreaterThanOrEqual(50);
    expect(second.leaseRemainingMs).toBeGreaterThan(3_000);
    expect(second.leaseRemainingMs).toBeLessThanOrEqual(5_000);
  });

  test('shows that an old answer is still valid: its revision, and a newer head', async () => {
    await warm(gateways.other, acme.id);
    const before = await explain(gateways.other, acme.id);
    const { result } = await mutate(gateways.one, 'registerTenant', { name: 'Somebody else' });
    const after = await explain(gateways.other, acme.id);
    expect(after).toMatchObject({ tier: 'MEMORY', revision: before.revision, headRevision: result.revision });
  });

  test('shows an API key nothing about modules that it may not resolve', async () => {
    const key = await gateways.one.createKey('resolve:operations');
    const { data, codes } = await gateways.other.ask(
      `query ($id: ID!) { explainResolution(id: $id, module: "finance") { code } }`,
      { id: acme.id },
      { key },
    );
    expect([data, codes]).toEqual([null, ['FORBIDDEN']]);
  });

  test('names the check that refuses', async () => {
    const { one, other } = gateways;
    const bare = await aTenant().at(one);
    const gates: [
      id: string,
      module: string,
      sql: string,
      gate: string,
      code: string,
      tier: string | null,
    ][] = [
      ['nobody-at-all', 'operations', '', 'TENANT', 'TENANT_NOT_FOUND', 'DATABASE'],
      ['No slug, no id', 'operations', '', 'TENANT', 'TENANT_NOT_FOUND', null],
      [acme.id, 'nothing', '', 'MODULE', 'MODULE_NOT_FOUND', 'DATABASE'],
      [bare.id, 'finance', '', 'SUBSCRIPTION', 'MODULE_NOT_SUBSCRIBED', 'DATABASE'],
      [acme.id, 'finance', subscriptionBecomes('suspended'), 'SUBSCRIPTION', 'TENANT_SUSPENDED', 'DATABASE'],
      [acme.id, 'finance', subscriptionBecomes('migrating'), 'SUBSCRIPTION', 'SCHEMA_MIGRATING', 'DATABASE'],
      [acme.id, 'finance', subscriptionBecomes('failed'), 'SUBSCRIPTION', 'TENANT_NOT_READY', 'DATABASE'],
      [acme.id, 'finance', tenantBecomes('suspended'), 'TENANT', 'TENANT_SUSPENDED', 'DATABASE'],
      [acme.id, 'finance', tenantBecomes('provisioning'), 'TENANT', 'TENANT_NOT_READY', 'DATABASE'],
      [acme.id, 'finance', tenantBecomes('deleted'), 'TENANT', 'TENANT_DELETED', 'DATABASE'],
    ];
    for (const [id, module, sql, gate, code, tier] of gates) {
      if (sql) await one.psql(sql, [acme.id]);
      await other.app.gateway?.freshness.follower.poll();
      const told = await explain(other, id, module);
      expect(told).toMatchObject({ gate, code, route: null });
      expect([gate, code, told.tier]).toEqual([gate, code, tier]);
      expect(told.message).toBeTruthy();
      if (tier) expect((await explain(other, id, module)).tier).toBe('MEMORY');
    }
  });

  const subscriptionBecomes = (status: string) =>
    `UPDATE module_subscriptions SET status = '${status}' WHERE tenant_id = $1`;
  const tenantBecomes = (status: string) => `UPDATE tenants SET status = '${status}' WHERE id = $1`;
});

describe('/metrics', () => {
  let gateways: TwoGateways;
  beforeAll(async () => {
    gateways = await openTwoGateways();
  });
  afterAll(() => gateways?.close());

  test('counts hits and misses per tier', async () => {
    const { id } = await aTenant().subscribedTo('finance').at(gateways.one);
    const before = await metricsOf(gateways.other);
    for (let round = 0; round < 5; round++) await explain(gateways.other, id);
    const after = await metricsOf(gateways.other);
    const grown = (name: string) => (after(name) ?? 0) - (before(name) ?? 0);
    expect({
      memoryHits: grown('tenant_registry_cache_hits_total{tier="memory"}'),
      memoryMisses: grown('tenant_registry_cache_misses_total{tier="memory"}'),
      loads: grown('tenant_registry_cache_hits_total{tier="database"}'),
    }).toEqual({ memoryHits: 4, memoryMisses: 1, loads: 1 });
  });

  test('shows the remaining lease, which is zero for a gateway without news from the database', async () => {
    const lease = 'tenant_registry_lease_remaining_seconds';
    const left = (await metricsOf(gateways.other))(lease);
    expect(left).toBeGreaterThan(3);
    expect(left).toBeLessThanOrEqual(5);
    await gateways.whileOtherIsBlocked(async () => {
      await expect.poll(async () => (await metricsOf(gateways.other))(lease), { timeout: 6_000 }).toBe(0);
    });
    await expect.poll(async () => (await metricsOf(gateways.other))(lease)).toBeGreaterThan(3);
  });

  test('shows how many revisions the last poll was behind', async () => {
    const lag = 'tenant_registry_feed_lag_revisions';
    await expect.poll(async () => (await metricsOf(gateways.other))(lag)).toBe(0);
    let most = 0;
    // Reads the metric after each poll that returns: the next poll follows at once and finds no lag.
    let watch = setImmediate(function look() {
      most = Math.max(most, gateways.other.app.gateway?.freshness.follower.lagRevisions ?? 0);
      watch = setImmediate(look);
    });
    await gateways.whileOtherIsBlocked(async () => {
      // A poll that begins between the changes would see some of them, and the next one only the rest.
      const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      await expect.poll(() => gateways.one.psql(waiting)).toHaveLength(1);
      // In one round trip: a gateway without news for longer than its lease starts anew, and then has no lag.
      await gateways.one.psql(`DO $$ BEGIN FOR change IN 1..7 LOOP
        UPDATE modules SET description = change::text WHERE name = 'finance'; COMMIT; END LOOP; END $$`);
    });
    await expect.poll(() => most).toBe(7);
    clearImmediate(watch);
    await expect.poll(async () => (await metricsOf(gateways.other))(lag)).toBe(0);
  });

  test('counts resyncs, which clear the caches', async () => {
    const resyncs = 'tenant_registry_feed_resyncs_total';
    const { id } = await aTenant().subscribedTo('finance').at(gateways.one);
    await warm(gateways.other, id);
    expect((await metricsOf(gateways.other))(resyncs)).toBe(0);
    await gateways.one.psql(`ALTER TABLE registry_head DISABLE TRIGGER USER;
      UPDATE registry_head SET revision = revision + 1; ALTER TABLE registry_head ENABLE TRIGGER USER`);
    await expect.poll(async () => (await metricsOf(gateways.other))(resyncs), { timeout: 1_000 }).toBe(1);
    expect((await explain(gateways.other, id)).tier).toBe('DATABASE');
  });
});

describeWithRedis('with Redis', () => {
  let redis: RedisServer;
  let gateways: TwoGateways;
  beforeAll(async () => {
    redis = await openRedisServer();
    gateways = await openTwoGateways({ redisUrl: redis.url });
  });
  afterAll(async () => {
    await gateways?.close();
    await redis?.close();
  });

  test('an entry that one gateway has read is found in Redis by the other one, and then in its own memory', async () => {
    const { id } = await aTenant().subscribedTo('finance').at(gateways.one);
    const tiers = [(await explain(gateways.one, id)).tier];
    await expect.poll(() => redis.command('DBSIZE')).toBeGreaterThan(0);
    tiers.push((await explain(gateways.other, id)).tier, (await explain(gateways.other, id)).tier);
    expect(tiers).toEqual(['DATABASE', 'REDIS', 'MEMORY']);
  });

  test('an unreachable Redis shows as an open breaker and has no other effect', async () => {
    const breaker = 'tenant_registry_redis_breaker_open';
    expect((await metricsOf(gateways.other))(breaker)).toBe(0);
    await redis.kill();
    const { id } = await aTenant().subscribedTo('finance').at(gateways.one);
    expect(await explain(gateways.other, id)).toMatchObject({ code: null, tier: 'DATABASE' });
    expect((await metricsOf(gateways.other))(breaker)).toBe(1);
    await redis.start();
    await expect
      .poll(
        async () => {
          await explain(gateways.other, `asked-${Math.random().toString(36).slice(2, 8)}`);
          return (await metricsOf(gateways.other))(breaker);
        },
        { timeout: 10_000, interval: 100 },
      )
      .toBe(0);
  });
});
