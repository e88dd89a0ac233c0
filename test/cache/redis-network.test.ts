import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGateway } from '../setup/gateway.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { openRedisServer, type RedisServer } from '../setup/redis.js';
import { aTenant } from '../setup/stories.js';
import { openTcpProxy, type TcpProxy } from '../setup/tcp-proxy.js';
import { until } from '../setup/until.js';
import { describeWithRedis } from '../setup/with-redis.js';
import {
  type GatewaysSharingRedis,
  isBreakerOpen,
  isShared,
  load,
  openGatewaysSharingRedis,
} from './support/gateways-sharing-redis.js';

/** With a reserve for a busy machine. A request that waits for a failed Redis takes at least a second. */
const promptMs = 700;

describeWithRedis('gateways with a network to Redis', () => {
  let redis: RedisServer;
  let proxy: TcpProxy;
  let sharing: GatewaysSharingRedis;
  beforeAll(async () => {
    redis = await openRedisServer();
    proxy = await openTcpProxy(redis.port);
    sharing = await openGatewaysSharingRedis(`redis://127.0.0.1:${proxy.port}`);
    await isShared(sharing);
  });
  afterAll(async () => {
    await sharing?.[Symbol.asyncDispose]();
    await proxy?.close();
    await redis?.close();
  });

  test.each([
    ['is 2 s slower', () => proxy.delay(2_000)],
    ['loses all packets', () => proxy.blackhole()],
    ['is cut', () => proxy.cut()],
  ])('that %s: every answer is right and fast, and Redis is used again afterwards', async (_what, begin) => {
    const { one, two, acme } = sharing;
    await begin();
    const outage = await load([one, two], acme, 1_000);
    const areOpen = [await isBreakerOpen(one), await isBreakerOpen(two)];
    await proxy.heal();
    expect(outage.wrong).toEqual([]);
    expect(outage.medianMs).toBeLessThan(promptMs);
    expect(areOpen).toEqual([true, true]);
    await isShared(sharing);
  });

  test('that resets all connections: every answer is right and fast, and Redis is used again afterwards', async () => {
    const { one, two, acme } = sharing;
    const resetting = setInterval(() => proxy.reset(), 100);
    const outage = await load([one, two], acme, 1_500);
    clearInterval(resetting);
    expect(outage.wrong).toEqual([]);
    expect(outage.medianMs).toBeLessThan(promptMs);
    await isShared(sharing);
  });

  test('an old entry that arrives late, after Redis lost the new one, is not used', async () => {
    const { one, two } = sharing;
    const tenant = await aTenant().subscribedTo('finance').at(one);
    const held = async () => `${await redis.command('GET', `tenant-registry:route:${tenant.slug}/finance`)}`;
    await isShared(sharing);
    proxy.delay(1_500);
    // Read from the database while Redis is not used; the write to Redis takes longer than the gateway waits.
    const { data } = await one.ask(
      'query ($id: ID!) { tenantSchema(id: $id, module: "finance", consistency: STRONG) { schemaName } }',
      { id: tenant.slug },
    );
    expect(data.tenantSchema.schemaName).toBe(`finance_${tenant.slug}`);
    await mutate(two, 'suspendTenant', { tenantId: tenant.id, reason: 'unpaid' });
    await redis.flush();
    await until(async () => (await held()).includes('"tenantStatus":"active"'));
    await proxy.heal();

    const three = await openGateway({ sharing: one, config: { redisUrl: redis.url } });
    try {
      for (const gateway of [one, two, three])
        expect(await resolve(gateway, tenant.slug)).toBe('TENANT_SUSPENDED');
      await delay(50);
      await until(async () => {
        await resolve(three, tenant.id);
        return !(await held()).includes('"tenantStatus":"active"');
      });
    } finally {
      await three.close();
    }
  });
});
