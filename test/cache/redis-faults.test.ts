import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { openRedisTier } from '../../src/cache/redis-tier.js';
import { createSeal } from '../../src/cache/seal.js';
import { openRedisServer, type RedisServer } from '../setup/redis.js';
import { openTcpProxy, type TcpProxy } from '../setup/tcp-proxy.js';
import { until } from '../setup/until.js';
import { describeWithRedis } from '../setup/with-redis.js';
import { anEntry, look, openTierOn, type RedisTier } from './support/tiers.js';

/**
 * The timeout of 50 ms, and a reserve for a busy machine; without the timeout each fault here takes a second or never
 * ends.
 */
const promptMs = 350;
/** The breaker sends a sample at least every 5 seconds, and a connection is retried every second. */
const recoveryMs = 15_000;

interface Place extends RedisTier {
  server: RedisServer;
  proxy: TcpProxy;
}

/** A tier behind a proxy, with one entry. */
async function aTier(): Promise<Place> {
  const server = await openRedisServer();
  const proxy = await openTcpProxy(server.port);
  const redis = await openTierOn(server.url.replace(`:${server.port}`, `:${proxy.port}`));
  const close = async () => {
    redis.connection.disconnect();
    await proxy.close();
    await server.close();
  };
  const place = { ...redis, server, proxy, [Symbol.asyncDispose]: close };
  await isBack(place);
  return place;
}

const known = anEntry('known');

/** Repeats until Redis returns stored entries. */
async function isBack({ tier, breaker }: RedisTier): Promise<void> {
  await until(async () => {
    await tier.set([known]);
    return (await look(tier, known.key)) !== undefined;
  }, recoveryMs);
  expect(breaker.at(-1) ?? false).toBe(false);
  breaker.length = 0;
}

/**
 * Fails when a timer that starts with the work goes off first. Timers go off in their order however busy the machine is, so this
 * tells one timeout of the tier from two, and not a fast machine from a slow one.
 */
function promptly<T>(work: T | Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = delay(promptMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`The tier waits longer than one timeout: ${promptMs} ms`);
  });
  return Promise.race([work, late]).finally(() => {
    timer.abort();
    late.catch(() => undefined);
  });
}

/** Checks that a tier with a failed Redis costs one timeout, then nothing, and never throws. */
async function costsOneTimeout({ tier, breaker }: RedisTier): Promise<void> {
  expect(await promptly(tier.get([known.key, 'other']))).toEqual([undefined, undefined]);
  expect(breaker).toEqual([true]);
  const waitsForNothing = async () => {
    for (let round = 0; round < 100; round++) {
      expect(await tier.get([known.key])).toEqual([undefined]);
      await tier.set([known]);
    }
    return true;
  };
  expect(await beforeTheNextEvent(waitsForNothing())).toBe(true);
}

/** Undefined when the work waits for a timer or for the network. */
function beforeTheNextEvent<T>(work: T | Promise<T>): Promise<T | undefined> {
  return Promise.race([work, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))]);
}

type Fault = [what: string, begin: (place: Place) => unknown, end: (place: Place) => unknown];

const faults: Fault[] = [
  ['refuses', ({ server }) => server.stop(), ({ server }) => server.start()],
  ['is killed', ({ server }) => server.kill(), ({ server }) => server.start()],
  ['freezes', ({ server }) => server.freeze(), ({ server }) => server.thaw()],
  ['is 2 s slow', ({ proxy }) => proxy.delay(2_000), ({ proxy }) => proxy.heal()],
  ['is cut off', ({ proxy }) => proxy.cut(), ({ proxy }) => proxy.heal()],
  ['is behind a network that swallows all', ({ proxy }) => proxy.blackhole(), ({ proxy }) => proxy.heal()],
];

describeWithRedis('a Redis that', () => {
  // Longer than the lifetime of a connection without answers.
  const outageMs = 2_500;
  test.concurrent.for(faults)(
    '%s costs one timeout and no error, and is used again afterwards',
    async ([, begin, end]) => {
      await using place = await aTier();
      await begin(place);
      await costsOneTimeout(place);
      for (const until = Date.now() + outageMs; Date.now() < until; await delay(50)) {
        expect(await promptly(look(place.tier, known.key))).toBeUndefined();
      }
      expect(place.breaker).toEqual([true]);
      await end(place);
      await isBack(place);
    },
  );

  test('resets all connections costs no error, and is used again afterwards', async () => {
    await using place = await aTier();
    const { tier, proxy } = place;
    for (const until = Date.now() + 1_500; Date.now() < until; await delay(10)) {
      const both = promptly(Promise.all([look(tier, known.key), tier.set([known])]));
      proxy.reset();
      await both;
    }
    await isBack(place);
  });

  test('dies in the middle of many answers leaves no request open', async () => {
    await using place = await aTier();
    const { tier, server } = place;
    const entries = Array.from({ length: 500 }, (_, at) =>
      anEntry(`many/${at}`, { value: { text: 'x'.repeat(10_000) } }),
    );
    await tier.set(entries);
    const both = promptly(
      Promise.all([
        tier.get(entries.map(({ key }) => key)),
        tier.set(entries.map((entry) => ({ ...entry, asOf: 8n }))),
      ]),
    );
    setImmediate(() => server.kill());
    const [result] = await both;
    expect(result).toHaveLength(500);
    await until(() => place.connection.status !== 'ready');
    await server.start();
    await isBack(place);
  });

  test('starts after the gateway is used as soon as it runs', async () => {
    await using server = await openRedisServer();
    await server.stop();
    await using redis = await openTierOn(server.url, { isConnected: false });
    await costsOneTimeout(redis);
    await server.start();
    await isBack(redis);
  });

  test('demands another password costs no error, and is used when it accepts this one', async () => {
    await using server = await openRedisServer({ password: 'right' });
    await using redis = await openTierOn(server.url.replace('right', 'wrong'), { isConnected: false });
    await costsOneTimeout(redis);
    await server.command('ACL', 'SETUSER', 'default', '>wrong');
    await isBack(redis);
  });

  test('is full is not used until it accepts entries again', async () => {
    await using place = await aTier();
    const { server, tier, breaker } = place;
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await server.command('CONFIG', 'SET', 'maxmemory', '1mb');
    await tier.set([anEntry('more')]);
    await costsOneTimeout(place);
    for (const until = Date.now() + 1_000; Date.now() < until; await delay(50)) await look(tier, known.key);
    expect(breaker).toEqual([true]);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    await isBack(place);
  });

  test('became a replica is not used, and its host name is resolved again', async () => {
    await using place = await aTier();
    await using primary = await openRedisServer();
    const { server, tier, connection } = place;
    await server.command('REPLICAOF', '127.0.0.1', primary.port);
    const closed = new Promise((resolve) => connection.once('close', resolve));
    await tier.set([{ ...known, asOf: 8n }]);
    await closed;
    await costsOneTimeout(place);
    await server.command('REPLICAOF', 'NO', 'ONE');
    await isBack(place);
  });

  test('is still loading its dump costs no error, and is used afterwards', async () => {
    await using place = await aTier();
    const { server } = place;
    const fill = `for at = 1, 300 do redis.call('SET', 'ballast' .. at, string.rep('x', 2000)) end`;
    await server.command('EVAL', fill, 0);
    await server.command('SAVE');
    await server.kill();
    // 10 ms per key, and it serves clients after each key.
    await server.start('--key-load-delay', '10000', '--loading-process-events-interval-bytes', '1024');
    await costsOneTimeout(place);
    expect(`${await server.command('INFO', 'persistence')}`).toContain('loading:1');
    await isBack(place);
  });

  test('fails for one tier is not used by all tiers on its connection, and is reported once', async () => {
    await using place = await aTier();
    const { server, tier, breaker, connection } = place;
    const another = openRedisTier<string>(connection, {
      namespace: 'another',
      ttlMs: 60_000,
      value: z.string(),
      clock: () => performance.now(),
      loadSeal: async () => createSeal(Buffer.alloc(32)),
      onBreaker: (isOpen) => void breaker.push(isOpen),
    });
    server.freeze();
    await tier.get([known.key]);
    expect(await beforeTheNextEvent(another.get([known.key]))).toEqual([undefined]);
    expect(breaker).toEqual([true]);
    server.thaw();
    await isBack(place);
  });

  test('answers while this process is busy does not count as late', async () => {
    await using server = await openRedisServer();
    await using redis = await openTierOn(server.url);
    await isBack(redis);
    const asked = look(redis.tier, known.key);
    for (const until = performance.now() + 300; performance.now() < until; );
    expect(await asked).toEqual(known);
    expect(redis.breaker).toEqual([]);
  });
});
