import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { openRedisServer, type RedisServer } from '../setup/redis.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { until } from '../setup/until.js';
import { describeWithRedis } from '../setup/with-redis.js';
import { aStranger, isShared, tierOf } from './support/gateways-sharing-redis.js';

/** An entry as the gateway stores it: "<asOf> <epoch>", signature, JSON. */
interface Stored {
  asOf: string;
  epoch: string;
  signature: string;
  body: { key: string; readAt: number; value: Record<string, unknown> };
}

/**
 * Makes the entry that an attacker with write access to Redis stores under the name of `target`, from existing
 * entries.
 */
type Forgery = (entries: { target: Stored; other: Stored; before: Stored }) => Stored | string;

const farAhead = '9000000000000000000';
const guess = (text: string, secret: string) => createHmac('sha256', secret).update(text).digest('base64url');
const withValue = (stored: Stored, value: Record<string, unknown>): Stored => ({
  ...stored,
  body: { ...stored.body, value: { ...stored.body.value, ...value } },
});
const revived = { tenantStatus: 'active', subscriptionStatus: 'active', suspendedReason: null };

/** Under the names of which tenants it would be a lie; all of them unless it says so. */
const forgeries: [form: string, forgery: Forgery, names?: string[]][] = [
  ['the entry of another tenant', ({ other }) => other],
  [
    'the entry of another tenant with this key',
    ({ target, other }) => ({ ...other, body: { ...other.body, key: target.body.key } }),
  ],
  ['the value of another tenant in this entry', ({ target, other }) => withValue(target, other.body.value)],
  [
    'the value of another tenant, signature of this one, far ahead',
    ({ target, other }) => ({ ...withValue(target, other.body.value), asOf: farAhead }),
  ],
  [
    'the schema of another tenant',
    ({ target, other }) => withValue(target, { ...revived, schemaName: other.body.value.schemaName }),
  ],
  [
    'the database of another module',
    ({ target }) => withValue(target, { ...revived, databaseName: 'operations' }),
  ],
  ['a schema of PostgreSQL', ({ target }) => withValue(target, { ...revived, schemaName: 'pg_catalog' })],
  [
    'a schema name with SQL in it',
    ({ target }) => withValue(target, { ...revived, schemaName: 'a", public, "b' }),
  ],
  ['an active status', ({ target }) => withValue(target, revived), ['suspended', 'unknown']],
  ['an active status, far ahead', ({ target }) => ({ ...withValue(target, revived), asOf: farAhead })],
  ['another generation', ({ target }) => withValue(target, { ...revived, generation: 7 })],
  [
    'a suspension',
    ({ target }) => withValue(target, { tenantStatus: 'suspended', suspendedReason: 'a lie' }),
  ],
  [
    'an unknown tenant',
    ({ target }) => withValue(target, { tenantId: null, tenantSlug: null, tenantStatus: null }),
    ['active', 'suspended'],
  ],
  ['itself, far ahead', ({ target }) => ({ ...target, asOf: farAhead })],
  ['itself, one revision ahead', ({ target }) => ({ ...target, asOf: `${BigInt(target.asOf) + 1n}` })],
  ['itself in another epoch', ({ target }) => ({ ...target, epoch: 'another-epoch' })],
  ['itself in no epoch', ({ target }) => ({ ...target, epoch: '' })],
  ['itself without a signature', ({ target }) => ({ ...target, signature: '' })],
  ['itself with half a signature', ({ target }) => ({ ...target, signature: target.signature.slice(0, 20) })],
  [
    'itself with the signature of another',
    ({ target, other }) => ({ ...target, signature: other.signature }),
  ],
  [
    'a signature with a guessed secret',
    ({ target }) => ({ ...target, signature: guess(textOf(target), 'secret') }),
  ],
  ['a signature with an empty secret', ({ target }) => ({ ...target, signature: guess(textOf(target), '') })],
  [
    'the form of before there were signatures',
    ({ target }) => `${target.asOf} ${target.epoch}\n${JSON.stringify(withValue(target, revived).body)}`,
  ],
  ['two signatures', ({ target }) => textOf(target).replace('\n', `\n${target.signature}\n`)],
  ['an authentic entry from before the last change', ({ before }) => before, ['active', 'suspended']],
  ['an authentic entry from before, far ahead', ({ before }) => ({ ...before, asOf: farAhead })],
];

const textOf = ({ asOf, epoch, signature, body }: Stored) =>
  `${asOf} ${epoch}\n${signature}\n${JSON.stringify(body)}`;

function readStored(text: string): Stored {
  const [head = '', signature = '', json = ''] = text.split('\n');
  const [asOf = '', epoch = ''] = head.split(' ');
  return { asOf, epoch, signature, body: JSON.parse(json) };
}

describeWithRedis('entries that a person with write access to Redis forges', () => {
  let redis: RedisServer;
  let writer: TestGateway;
  let reader: TestGateway;
  const tenants = new Map<string, StoryTenant>();
  /** The correct answer by the name of the case. */
  const truth = new Map<string, string>();
  const stranger = aStranger();
  /** An authentic entry of each case from before its last change. */
  const before = new Map<string, Stored>();

  const nameOf = (id: string) => `tenant-registry:route:${id}/finance`;
  /** Has the gateway put what is true now into Redis. A busy machine may make it give Redis up for a while, so it asks again. */
  const share = async (id: string): Promise<Stored> => {
    await redis.command('DEL', nameOf(id));
    await until(async () => {
      writer.app.gateway?.caches.clear();
      await resolve(writer, id);
      return (await redis.command('EXISTS', nameOf(id))) === 1;
    });
    return readStored(`${await redis.command('GET', nameOf(id))}`);
  };
  const openReader = async () => {
    const gateway = await openGateway({ sharing: writer, config: { redisUrl: redis.url } });
    await until(() => gateway.app.gateway?.freshness.redis?.status === 'ready');
    return gateway;
  };
  const idOf = (name: string) => tenants.get(name)?.slug ?? stranger;

  beforeAll(async () => {
    redis = await openRedisServer();
    writer = await openGateway({ config: { redisUrl: redis.url } });
    reader = await openReader();
    await isShared({ one: writer, two: reader });
    for (const name of ['active', 'suspended', 'other'])
      tenants.set(name, await aTenant().subscribedTo('finance').at(writer));
    for (const name of ['active', 'suspended', 'unknown']) before.set(name, await share(idOf(name)));
    await mutate(writer, 'suspendTenant', { tenantId: idOf('suspended'), reason: 'unpaid' });
    await mutate(writer, 'updateTenant', { tenantId: idOf('active'), name: 'renamed' });
    truth.set('active', `finance_${idOf('active').replaceAll('-', '_')}`);
    truth.set('suspended', 'TENANT_SUSPENDED');
    truth.set('unknown', 'TENANT_NOT_FOUND');
  });
  afterAll(async () => {
    await reader?.close();
    await writer?.close();
    await redis?.close();
  });

  const cases = ['active', 'suspended', 'unknown'].flatMap((name) =>
    forgeries
      .filter(([, , names]) => names?.includes(name) ?? true)
      .map(([form, forge]) => ({ name, form, forge })),
  );

  const plant = async (name: string, forge: Forgery) => {
    const id = idOf(name);
    const target = await share(id);
    const forged = forge({ target, other: await share(idOf('other')), before: before.get(name) as Stored });
    await redis.command('SET', nameOf(id), typeof forged === 'string' ? forged : textOf(forged));
    return id;
  };

  test.each(cases)(
    '$form is not served under the name of a tenant that is $name',
    async ({ name, forge }) => {
      const id = await plant(name, forge);
      reader.app.gateway?.caches.clear();
      expect(await tierOf(reader, id)).toBe('DATABASE');
      expect(await resolve(reader, id)).toBe(truth.get(name));
    },
  );

  test.each(cases.filter(({ form }) => form.startsWith('an authentic')))(
    '$form is not served by a gateway that starts afterwards: $name',
    async ({ name, forge }) => {
      const id = await plant(name, forge);
      await using fresh = await openReader();
      expect(await tierOf(fresh, id)).toBe('DATABASE');
      expect(await resolve(fresh, id)).toBe(truth.get(name));
    },
  );

  test('authentic entries are still served, so the cases above prove something', async () => {
    for (const name of ['active', 'suspended', 'unknown']) {
      await share(idOf(name));
      await using fresh = await openReader();
      expect(await tierOf(fresh, idOf(name))).toBe('REDIS');
      expect(await resolve(fresh, idOf(name))).toBe(truth.get(name));
    }
  });

  test('a configuration that was forged is not served', async () => {
    const { id = '' } = tenants.get('other') ?? {};
    const name = `tenant-registry:stored-config:${id}`;
    const ask = (gateway: TestGateway) =>
      gateway.ask('query ($id: ID!) { tenant(id: $id) { config } }', { id });
    await ask(writer);
    await until(async () => (await redis.command('EXISTS', name)) === 1);
    const authentic = readStored(`${await redis.command('GET', name)}`);
    const forged = withValue(authentic, { config: { email: { smtp: { host: 'mail.attacker.example' } } } });
    await redis.command('SET', name, textOf(forged));
    await using fresh = await openReader();
    expect((await ask(fresh)).data.tenant.config).toEqual({});
  });

  test('hints of any content and number change no answer', async () => {
    for (let sent = 0; sent < 300; sent++)
      await redis.command('PUBLISH', 'tenant-registry:changed', `{"revision":"${farAhead}","epoch":"x"}`);
    expect(await resolve(writer, idOf('active'))).toBe(truth.get('active'));
    expect(await resolve(writer, idOf('suspended'))).toBe('TENANT_SUSPENDED');
  });
});
