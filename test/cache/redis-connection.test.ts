import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openRedis } from '../../src/cache/redis-connection.js';
import { openRedisHints } from '../../src/feed/redis-hints.js';
import { openLog } from '../../src/log.js';
import { queryOnce } from '../database/support/temporary-databases.js';
import { createRegistryDatabase } from '../setup/database.js';
import { openGateway } from '../setup/gateway.js';
import { openRedisCluster, openRedisServer } from '../setup/redis.js';
import { openTcpProxy } from '../setup/tcp-proxy.js';
import { until } from '../setup/until.js';
import { describeWithRedis } from '../setup/with-redis.js';
import { anEntry, openTierOn } from './support/tiers.js';

/** Any of them would end a gateway. */
function watchForUnhandledRejections(): unknown[] {
  const seen: unknown[] = [];
  const watch = (error: unknown) => void seen.push(error);
  process.on('unhandledRejection', watch);
  onTestFinished(() => void process.off('unhandledRejection', watch));
  return seen;
}

describeWithRedis('a connection to Redis', () => {
  test('that is reset while it subscribes again does not end the gateway, and delivers hints afterwards', async () => {
    const unhandled = watchForUnhandledRejections();
    await using server = await openRedisServer();
    await using proxy = await openTcpProxy(server.port);
    const open = () => {
      const connection = openRedis(`redis://127.0.0.1:${proxy.port}`, openLog('silent'));
      onTestFinished(() => connection.disconnect());
      return connection;
    };
    const [publisher, subscriber] = [open(), open()];
    let hints = 0;
    const sender = openRedisHints(publisher, subscriber, () => {
      hints++;
    });
    const isHeard = async () => {
      const before = hints;
      sender.send();
      await delay(50);
      return hints > before;
    };
    await until(isHeard);

    let resets = 0;
    subscriber.on('ready', () => {
      if (++resets <= 3) setTimeout(() => proxy.reset(), 15);
    });
    proxy.delay(30);
    proxy.reset();
    await until(() => resets > 3);
    await proxy.heal();
    await until(isHeard);
    expect(unhandled).toEqual([]);
  });

  test('that freezes while a Cluster moves a slot to it does not end the gateway', async () => {
    const unhandled = watchForUnhandledRejections();
    await using cluster = await openRedisCluster();
    await using redis = await openTierOn(cluster.url);
    const entry = anEntry('moving');
    const slot = Number(await cluster.nodes[0].command('CLUSTER', 'KEYSLOT', redis.nameOf(entry.key)));
    const owner = Math.floor(slot / Math.ceil(16_384 / 3));
    const from = cluster.nodes[owner];
    const to = cluster.nodes[(owner + 1) % 3];
    if (!from || !to) throw new Error(`no node for slot ${slot}`);
    await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', `${await from.command('CLUSTER', 'MYID')}`);
    await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', `${await to.command('CLUSTER', 'MYID')}`);
    to.freeze();
    await redis.tier.get([entry.key]);
    // Longer than the timeout of a command.
    await delay(1_500);
    to.thaw();
    expect(unhandled).toEqual([]);
  });

  test('is closed with its gateway, as its connections to PostgreSQL are', async () => {
    await using server = await openRedisServer();
    const registry = await createRegistryDatabase();
    onTestFinished(() => registry.drop());
    const toRedis = async () => `${await server.command('CLIENT', 'LIST')}`.trim().split('\n').length - 1;
    const toRegistry = async () => {
      const found = await queryOnce<{ name: string }>(
        registry.url,
        `SELECT application_name AS name FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
      return found.map(({ name }) => name);
    };
    const gateway = await openGateway({
      sharing: { registry, serviceUrl: () => registry.url },
      config: { redisUrl: server.url },
    });
    await until(async () => (await toRedis()) === 2);
    expect(await toRegistry()).toContain('tenant-registry feed');
    await gateway.close();
    await expect.poll(toRedis).toBe(0);
    await expect.poll(toRegistry).toEqual([]);
  });
});
