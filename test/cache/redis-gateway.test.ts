import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGateway } from '../setup/gateway.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { openRedisCluster, openRedisServer } from '../setup/redis.js';
import { aTenant } from '../setup/stories.js';
import { until } from '../setup/until.js';
import { describeWithRedis } from '../setup/with-redis.js';
import {
  aStranger,
  type GatewaysSharingRedis,
  isBreakerOpen,
  isShared,
  load,
  metricsOf,
  openGatewaysSharingRedis,
  tierOf,
} from './support/gateways-sharing-redis.js';

const kinds = [
  { kind: 'one Redis', open: openRedisServer },
  { kind: 'a Cluster of three', open: openRedisCluster },
];

/** With a reserve for a busy machine. A request that waits for a failed Redis takes at least a second. */
const promptMs = 700;

describeWithRedis.each(kinds)('two gateways that share $kind', ({ open }) => {
  let redis: Awaited<ReturnType<typeof open>>;
  let sharing: GatewaysSharingRedis;
  beforeAll(async () => {
    redis = await open();
    sharing = await openGatewaysSharingRedis(redis.url);
    await isShared(sharing);
  });
  afterAll(async () => {
    await sharing?.[Symbol.asyncDispose]();
    await redis?.close();
  });

  test('the second gateway finds in Redis what the first has read', async () => {
    const { one, two, acme } = sharing;
    expect(await resolve(one, acme.slug)).toBe(`finance_${acme.slug}`);
    await until(async () => (await tierOf(two, acme.slug)) === 'REDIS');
    expect(await resolve(two, acme.slug)).toBe(`finance_${acme.slug}`);
    expect(await tierOf(two, acme.slug)).toBe('MEMORY');
  });

  test('a new gateway finds in Redis what others have read before', async () => {
    const { one, acme } = sharing;
    expect(await resolve(one, acme.id)).toBe(`finance_${acme.slug}`);
    const three = await openGateway({ sharing: one, config: { redisUrl: redis.url } });
    try {
      await isShared({ one, two: three });
      expect(await tierOf(three, acme.id)).toBe('REDIS');
    } finally {
      await three.close();
    }
  });

  test('an entry that a change has made stale is not used from Redis', async () => {
    const { one, two } = sharing;
    const tenant = await aTenant().subscribedTo('finance').at(one);
    for (let round = 0; round < 3; round++) {
      await mutate(one, 'suspendTenant', { tenantId: tenant.id, reason: 'unpaid' });
      expect(await resolve(two, tenant.slug)).toBe('TENANT_SUSPENDED');
      expect(await resolve(one, tenant.slug)).toBe('TENANT_SUSPENDED');
      await mutate(two, 'resumeTenant', { tenantId: tenant.id });
      expect(await resolve(one, tenant.slug)).toBe(`finance_${tenant.slug}`);
      expect(await resolve(two, tenant.slug)).toBe(`finance_${tenant.slug}`);
    }
  });

  test('a tenant that was cached as not found is found after its registration', async () => {
    const { one, two } = sharing;
    const slug = aStranger();
    expect(await resolve(one, slug)).toBe('TENANT_NOT_FOUND');
    await until(async () => (await tierOf(two, slug)) === 'MEMORY');
    await aTenant({ slug }).at(one);
    expect(await resolve(two, slug)).toBe('MODULE_NOT_SUBSCRIBED');
    expect(await resolve(one, slug)).toBe('MODULE_NOT_SUBSCRIBED');
  });

  test('hits and misses of each tier are counted', async () => {
    const { one, two } = sharing;
    await isShared(sharing);
    const strangers = Array.from({ length: 20 }, aStranger);
    for (const stranger of strangers) await resolve(one, stranger);
    await delay(50);
    const before = await metricsOf(two);
    for (const stranger of [...strangers, ...strangers]) await resolve(two, stranger);
    const after = await metricsOf(two);
    const grown = (what: string, tier: string) => {
      const name = `tenant_registry_cache_${what}_total{tier="${tier}"}`;
      return (after[name] ?? 0) - (before[name] ?? 0);
    };
    expect([grown('hits', 'memory'), grown('misses', 'memory')]).toEqual([20, 20]);
    expect([grown('hits', 'redis'), grown('misses', 'redis')]).toEqual([20, 0]);
    expect([grown('hits', 'database'), grown('misses', 'database')]).toEqual([0, 0]);
  });

  const faults: [what: string, begin: () => unknown, end: () => unknown][] = [
    ['is killed and comes back empty', () => redis.kill(), () => redis.start()],
    ['freezes', () => redis.freeze(), () => redis.thaw()],
  ];

  test.each(faults)(
    'while it %s every answer is right and prompt, and after that it is used again',
    async (_what, begin, end) => {
      const { one, two, acme } = sharing;
      const gateways = [one, two];
      await begin();
      const outage = await load(gateways, acme, 1_000);
      const areOpen = await Promise.all(gateways.map(isBreakerOpen));
      await end();
      expect(outage.wrong).toEqual([]);
      expect(outage.medianMs).toBeLessThan(promptMs);
      expect(areOpen).toEqual([true, true]);
      expect((await load(gateways, acme, 300)).wrong).toEqual([]);
      await isShared(sharing);
      expect(await Promise.all(gateways.map(isBreakerOpen))).toEqual([false, false]);
    },
  );

  test('a change while Redis is frozen is visible at once, and stays visible when Redis continues', async () => {
    const { one, two } = sharing;
    const tenant = await aTenant().subscribedTo('finance').at(one);
    expect(await resolve(two, tenant.slug)).toBe(`finance_${tenant.slug}`);
    redis.freeze();
    const suspended = await mutate(one, 'suspendTenant', { tenantId: tenant.id, reason: 'unpaid' });
    const during = [await resolve(two, tenant.slug), await resolve(one, tenant.slug)];
    redis.thaw();
    expect(suspended.codes).toEqual([]);
    expect(during).toEqual(['TENANT_SUSPENDED', 'TENANT_SUSPENDED']);
    await isShared(sharing);
    expect(await resolve(one, tenant.slug)).toBe('TENANT_SUSPENDED');
    expect(await resolve(two, tenant.slug)).toBe('TENANT_SUSPENDED');
  });

  test('a gateway that starts while Redis is frozen works, and uses Redis when it continues', async () => {
    const { one, acme } = sharing;
    redis.freeze();
    const three = await openGateway({ sharing: one, config: { redisUrl: redis.url } });
    try {
      const { wrong } = await load([three], acme, 300);
      const { status } = await fetch(`${three.url}/ready`);
      redis.thaw();
      expect(wrong).toEqual([]);
      expect(status).toBe(200);
      await isShared({ one: three, two: one });
    } finally {
      redis.thaw();
      await three.close();
    }
  });
});
