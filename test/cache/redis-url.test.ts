import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openRedis } from '../../src/cache/redis-connection.js';
import { ConfigError, readConfig } from '../../src/config.js';
import { openRedisCluster, openRedisServer, openSentinel } from '../setup/redis.js';
import { until } from '../setup/until.js';
import { describeWithRedis } from '../setup/with-redis.js';
import { anEntry, look, openTierOn, patient } from './support/tiers.js';

/** A password of characters with a meaning in URLs. */
const password = 'p@ss:w/rd?#% ,';

/** Checks that a tier with this URL stores entries. */
async function keeps(url: string): Promise<void> {
  expect(readConfig({ REDIS_URL: url }).redisUrl).toBe(url);
  await using redis = await openTierOn(url);
  const entry = anEntry(`kept by ${url}`);
  await patient(redis).set([entry]);
  expect(await look(patient(redis), entry.key)).toEqual(entry);
}

describeWithRedis('REDIS_URL leads to', () => {
  const keysIn = async (server: { command(name: string, ...args: string[]): Promise<unknown> }) =>
    `${await server.command('INFO', 'keyspace')}`.match(/db\d+/g);

  test('one Redis, with a password, and to the database it names', async () => {
    await using server = await openRedisServer({ password });
    await keeps(server.url);
    expect(await keysIn(server)).toEqual(['db0']);
    await keeps(`${server.url}/5`);
    expect(await keysIn(server)).toEqual(['db0', 'db5']);
  });

  test('one Redis, with a user', async () => {
    await using server = await openRedisServer();
    await server.command('ACL', 'SETUSER', 'gate:way', 'on', `>${password}`, '~tenant-registry:*', '+@all');
    await server.command('ACL', 'SETUSER', 'default', 'off');
    await keeps(`redis://gate%3Away:${encodeURIComponent(password)}@127.0.0.1:${server.port}`);
  });

  test('a Sentinel’s master', async () => {
    await using master = await openRedisServer();
    await using sentinel = await openSentinel(master);
    await keeps(sentinel.url);
    expect(await keysIn(master)).toEqual(['db0']);
  });

  test('the database of a Sentinel’s master with a password, when one Sentinel is down', async () => {
    const plain = password.replace(/[ #]/g, '');
    await using master = await openRedisServer({ password: plain });
    await using sentinel = await openSentinel(master, { masterPassword: plain, database: 3 });
    await keeps(sentinel.url.replace('@', '@127.0.0.1:1,'));
    expect(await keysIn(master)).toEqual(['db3']);
  });

  test('a Sentinel’s master, when one Sentinel is frozen', async () => {
    await using master = await openRedisServer();
    await using sentinel = await openSentinel(master);
    await using frozen = await openSentinel(master);
    frozen.freeze();
    await keeps(sentinel.url.replace('//', `//127.0.0.1:${frozen.port},`));
    frozen.thaw();
  });

  test('the new master after a failover', async () => {
    await using master = await openRedisServer();
    await using replica = await openRedisServer({ args: ['--replicaof', '127.0.0.1', `${master.port}`] });
    await using sentinel = await openSentinel(master);
    await until(async () => /slaves=1/.test(`${await sentinel.command('INFO', 'sentinel')}`));
    await using redis = await openTierOn(sentinel.url);
    await patient(redis).set([anEntry('before')]);
    // The connection stays open: no event tells the gateway that its master is a replica now.
    master.freeze();
    await patient(redis).set([anEntry('after')]);
    expect(await replica.command('EXISTS', redis.nameOf('after'))).toBe(1);
    master.thaw();
  });

  test('a Cluster with a password, when one node is down', async () => {
    await using cluster = await openRedisCluster({ password });
    await keeps(cluster.url);
    await keeps(`redis://:${encodeURIComponent(password)}@127.0.0.1:1,${cluster.nodes[2].url}`);
  });
});

describe('readConfig', () => {
  test.each([
    'redis://localhost',
    'redis://localhost:6380/',
    'redis://:secret@localhost:6380/2',
    'redis://user:se%25cret@[::1]:6380',
    'rediss://redis.example',
    'redis-sentinel://one:26379,two/primary',
    'redis-sentinel://one',
    'redis-sentinel://user:se%40cret@one,[::1]:26380/primary/2',
    'redis://one:7000,redis://two:7001',
    'rediss://:secret@one,rediss://:secret@two,rediss://three',
  ])('takes %s, and it can be opened', (url) => {
    expect(readConfig({ REDIS_URL: ` ${url} ` }).redisUrl).toBe(url);
    openRedis(url, pino({ level: 'silent' })).disconnect();
  });

  test.each([
    'localhost:6379',
    'http://localhost:6379',
    'redis://',
    'redis:localhost',
    'redis://:secret@',
    'redis://localhost:port',
    'redis://localhost:70000',
    'redis://localhost/cache',
    'redis://localhost/0/1',
    'redis://:100%secret@localhost',
    'redis://:secret%ff@localhost',
    'redis://:se#cret@localhost',
    'redis://one,two',
    'redis://one,',
    'redis://one,http://two',
    'redis://one,rediss://two',
    'redis://one/2,redis://two/2',
    'redis://one,redis-sentinel://two',
    'redis-sentinel://',
    'redis-sentinel:///primary',
    'redis-sentinel://one:port/primary',
    'redis-sentinel://one,/primary',
    'redis-sentinel://one/primary/cache',
    'redis-sentinel://one/primary/0/1',
    'redis-sentinel://:100%secret@one/primary',
    'redis-sentinel://:se#cret@one/primary',
  ])('refuses %s in one line that shows no secret', (url) => {
    const read = () => readConfig({ REDIS_URL: url });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/^REDIS_URL has a wrong value, which is not shown .+: expected redis:\/\/.+$/);
    expect(read).not.toThrow(/secret|se#cret/);
  });
});

describeWithRedis('the log', () => {
  test.each(['wrong-secret', ''])(
    'says why Redis refuses the password %j, and not the password',
    async (given) => {
      await using server = await openRedisServer({ password: 'right-secret' });
      await using cluster = await openRedisCluster({ password: 'right-secret' });
      for (const { url } of [server, cluster]) {
        const lines: string[] = [];
        const log = pino({ level: 'trace' }, { write: (line) => void lines.push(line) });
        const connection = openRedis(url.replaceAll('right-secret', given), log);
        onTestFinished(() => connection.disconnect());
        await connection.set('key', 'value-secret').catch(() => undefined);
        const warnings = () => lines.filter((line) => line.includes('"level":40'));
        await until(() => warnings().length > 0);
        expect(warnings()).toEqual([
          expect.stringMatching(/Cannot use Redis at .+: correct the user and the password in REDIS_URL/),
        ]);
        expect(lines.join('')).not.toContain('secret');
      }
    },
  );
});
