import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Tier } from '../../src/cache/tier.js';
import { openRedisServer, type RedisServer } from '../setup/redis.js';
import { describeWithRedis } from '../setup/with-redis.js';
import { anEntry, look, type Note, openTierOn, patient, type RedisTier } from './support/tiers.js';

/** Commands that put a wrong value under a key's name, given the name and the right text of the entry. */
type Lie = (name: string, text: string) => (string | number)[][];

const rewrite =
  (change: (text: string) => string): Lie =>
  (name, text) => [['SET', name, change(text)]];

/** The body of an entry, changed. The body follows the signature. */
const rewriteBody = (change: (body: Record<string, unknown>) => unknown) =>
  rewrite((text) => {
    const at = text.lastIndexOf('\n') + 1;
    return text.slice(0, at) + JSON.stringify(change(JSON.parse(text.slice(at))));
  });

const lies: [what: string, lie: Lie][] = [
  ['nothing', rewrite(() => '')],
  ['garbage', rewrite(() => 'garbage')],
  [
    'bytes that are not a text',
    (name) => [['EVAL', `redis.call('SET', KEYS[1], '\\255\\254\\0\\1')`, 1, name]],
  ],
  ['half an entry', rewrite((text) => text.slice(0, text.length / 2))],
  ['an entry without its first line', rewrite((text) => text.slice(text.indexOf('\n') + 1))],
  ['garbage that claims to be from the future', rewrite((text) => `9${text.replace(/\n.*/s, '\ngarbage')}`)],
  ['a revision that is not a number', rewrite((text) => text.replace(/^\d+/, 'newest'))],
  ['a revision below zero', rewrite((text) => `-${text}`)],
  ['a revision with a fraction', rewrite((text) => text.replace(' ', '.5 '))],
  ['a revision of thirty digits', rewrite((text) => text.replace(/^\d+/, '9'.repeat(30)))],
  ['JSON of another shape', rewriteBody(() => ['another', { shape: true }])],
  ['null', rewriteBody(() => null)],
  ['a value of another shape', rewriteBody((body) => ({ ...body, value: { text: 7 } }))],
  ['no value', rewriteBody(({ value, ...body }) => body)],
  ['an impossible time', rewriteBody((body) => ({ ...body, readAt: 0 }))],
  ['a prototype', rewrite((text) => text.replace('"value":', '"__proto__":'))],
  ['another key’s entry', rewriteBody((body) => ({ ...body, key: 'somebody-else/finance' }))],
  ['another key’s entry from the future', rewrite((text) => `9${text.replace('"key":"', '"key":"not-')}`)],
  ['a list', (name) => [['RPUSH', name, 'one', 'two']]],
  ['a hash', (name) => [['HSET', name, 'epoch', 'e', 'asOf', '999', 'entry', '{}']]],
  ['a set', (name) => [['SADD', name, 'member']]],
  ['a stream', (name) => [['XADD', name, '*', 'field', 'value']]],
  ['100 MB', (name) => [['SETRANGE', name, 100_000_000, 'end']]],
  [
    '100 MB behind the first line of an entry from the future',
    (name, text) => [
      ['SET', name, `9${text}`],
      ['SETRANGE', name, 100_000_000, 'end'],
    ],
  ],
];

describeWithRedis('a wrong value in Redis is never used', () => {
  let server: RedisServer;
  let redis: RedisTier;
  let tier: Tier<Note>;
  beforeAll(async () => {
    server = await openRedisServer();
    redis = await openTierOn(server.url);
    tier = patient(redis);
  });
  afterAll(async () => {
    redis?.connection.disconnect();
    await server?.close();
  });

  test.each(lies)('%s counts as not there, and the next entry replaces it', async (what, lie) => {
    const { nameOf } = redis;
    const [entry, neighbour] = [anEntry(`under-lie/${what}`), anEntry(`beside-lie/${what}`)];
    await tier.set([entry, neighbour]);
    const text = `${await server.command('GET', nameOf(entry.key))}`;
    await server.command('DEL', nameOf(entry.key));
    for (const [command, ...args] of lie(nameOf(entry.key), text))
      await server.command(`${command}`, ...args);

    expect(await tier.get([neighbour.key, entry.key])).toEqual([neighbour, undefined]);
    await tier.set([entry]);
    expect(await look(tier, entry.key)).toEqual(entry);
  });

  test.each(lies)('%s is replaced by who never looked at it', async (what, lie) => {
    const { nameOf } = redis;
    const entry = anEntry(`unseen-lie/${what}`);
    await tier.set([entry]);
    const text = `${await server.command('GET', nameOf(entry.key))}`;
    await server.command('DEL', nameOf(entry.key));
    for (const [command, ...args] of lie(nameOf(entry.key), text))
      await server.command(`${command}`, ...args);

    await tier.set([entry]);
    // At the latest with the second write: a wrong entry with a newer revision is recognised when it is read.
    if (!(await look(tier, entry.key))) await tier.set([entry]);
    expect(await look(tier, entry.key)).toEqual(entry);
  });

  test('an entry too large to be read back is not stored', async () => {
    const entry = anEntry('large', { value: { text: 'x'.repeat(2_000_000) } });
    await tier.set([entry]);
    expect(await server.command('EXISTS', redis.nameOf(entry.key))).toBe(0);
  });

  test('entries expire in Redis even if they are not read', async () => {
    const brief = await openTierOn(server.url, { ttlMs: 5_000 });
    const entry = anEntry('brief');
    await patient(brief).set([entry]);
    const remainingMs = Number(await server.command('PTTL', brief.nameOf(entry.key)));
    expect(remainingMs).toBeGreaterThan(1_000);
    expect(remainingMs).toBeLessThanOrEqual(5_000);
    brief.connection.disconnect();
  });
});
