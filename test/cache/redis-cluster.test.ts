import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRedis, type RedisConnection } from '../../src/cache/redis-connection.js';
import { openRedisHints } from '../../src/feed/redis-hints.js';
import { openLog } from '../../src/log.js';
import { openRedisCluster, type RedisCluster } from '../setup/redis.js';
import { until } from '../setup/until.js';
import { describeWithRedis } from '../setup/with-redis.js';
import { isShared, load, openGatewaysSharingRedis, recoveryMs } from './support/gateways-sharing-redis.js';
import { anEntry, look, openTierOn, patient, type RedisTier } from './support/tiers.js';

describeWithRedis('a Cluster of three nodes', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await openRedisCluster();
  });
  afterAll(() => cluster?.close());

  const entries = Array.from({ length: 60 }, (_, at) => anEntry(`spread/${at}`));
  const keys = entries.map(({ key }) => key);

  async function knowsAll({ tier, breaker }: RedisTier): Promise<void> {
    await until(async () => (await tier.get(keys)).every(Boolean), recoveryMs);
    expect(breaker.at(-1) ?? false).toBe(false);
    breaker.length = 0;
  }

  test('stores entries on all nodes and reads them in one call', async () => {
    await using redis = await openTierOn(cluster.url);
    await patient(redis).set(entries);
    const counts = await Promise.all(cluster.nodes.map((node) => node.command('DBSIZE')));
    expect(counts.every((count) => Number(count) > 0)).toBe(true);
    expect(await patient(redis).get(keys)).toEqual(entries);
  });

  test('is connected before the first request, so that this is not slow', async () => {
    await using redis = await openTierOn(cluster.url);
    const { connection } = redis;
    await until(() => 'slots' in connection && connection.nodes().every(({ status }) => status === 'ready'));
    expect(await patient(redis).get(keys)).toEqual(entries);
  });

  test.each([
    ['freezes', () => cluster.nodes[1].freeze(), () => cluster.nodes[1].thaw()],
    ['is killed', () => cluster.nodes[1].kill(), () => cluster.nodes[1].start()],
  ])('of which one %s is left alone as a whole until that one is back', async (_what, begin, end) => {
    await using redis = await openTierOn(cluster.url);
    await patient(redis).set(entries);
    await knowsAll(redis);
    await begin();
    expect((await redis.tier.get(keys)).filter(Boolean)).toEqual([]);
    // Working nodes do not close the breaker, otherwise requests would wait for the failed node again and again.
    for (const until = Date.now() + 1_500; Date.now() < until; await delay(20))
      expect(await look(redis.tier, keys[0] ?? '')).toBeUndefined();
    expect(redis.breaker).toEqual([true]);
    await end();
    await patient(redis).set(entries);
    await knowsAll(redis);
  });

  test('is used correctly after its slots have moved', async () => {
    await using redis = await openTierOn(cluster.url);
    const [from, to] = cluster.nodes;
    const entry = anEntry('moving');
    const slot = Number(await from.command('CLUSTER', 'KEYSLOT', redis.nameOf(entry.key)));
    const owners = await Promise.all(cluster.nodes.map((node) => node.command('CLUSTER', 'MYID')));
    await patient(redis).set([entry]);
    const holds = await Promise.all(
      cluster.nodes.map((node) => node.command('CLUSTER', 'COUNTKEYSINSLOT', slot)),
    );
    const target = Number(holds[0]) > 0 ? to : from;
    const newOwner = `${owners[cluster.nodes.indexOf(target)]}`;
    // The key is not migrated with its slot; a cache may lose entries.
    for (const node of cluster.nodes)
      await node.command('DEL', redis.nameOf(entry.key)).catch(() => undefined);
    for (const node of [target, ...cluster.nodes])
      await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', newOwner);
    await patient(redis).set([entry]);
    expect(await look(patient(redis), entry.key)).toEqual(entry);
    expect(Number(await target.command('CLUSTER', 'COUNTKEYSINSLOT', slot))).toBe(1);
  });

  test('delivers hints, even after the node of a gateway’s subscription was killed', async () => {
    const log = openLog('silent');
    const connections: RedisConnection[] = [];
    const open = () => {
      const connection = openRedis(cluster.url, log);
      connections.push(connection);
      return connection;
    };
    let hints = 0;
    const sender = openRedisHints(open(), open(), () => undefined);
    openRedisHints(open(), open(), () => {
      hints++;
    });
    const isHeard = async () => {
      const before = hints;
      sender.send();
      await delay(100);
      return hints > before;
    };
    try {
      await until(isHeard);
      for (const node of cluster.nodes) {
        await node.kill();
        await delay(100);
        await node.start();
        await until(isHeard, recoveryMs);
      }
    } finally {
      for (const connection of connections) connection.disconnect();
    }
  });

  test.each([
    ['freezes', () => cluster.nodes[2].freeze(), () => cluster.nodes[2].thaw()],
    ['is killed', () => cluster.nodes[2].kill(), () => cluster.nodes[2].start()],
  ])('while one of them %s gateways answer right, and share it again after', async (_what, begin, end) => {
    await using sharing = await openGatewaysSharingRedis(cluster.url);
    const { one, two, acme } = sharing;
    await isShared(sharing);
    await begin();
    const outage = await load([one, two], acme, 1_000);
    await end();
    expect(outage.wrong).toEqual([]);
    await isShared(sharing);
  });
});
