import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { recordStatements } from '../setup/gateway.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { isRedisInstalled, openRedisCluster, openRedisServer } from '../setup/redis.js';
import { aTenant } from '../setup/stories.js';
import { openTwoGateways, type TwoGateways, warm } from './support/two-gateways.js';

type OpenRedis = () => Promise<{ url: string; close(): Promise<void> }>;

const tiers: [string, OpenRedis | undefined][] = [
  ['memory', undefined],
  ...(isRedisInstalled
    ? ([
        ['memory and Redis', openRedisServer],
        ['memory and a Cluster of three', openRedisCluster],
      ] as [string, OpenRedis][])
    : []),
];

let gateways: TwoGateways;
let redis: Awaited<ReturnType<OpenRedis>> | undefined;

function openAndClose(openRedis?: OpenRedis): void {
  beforeAll(async () => {
    redis = await openRedis?.();
    gateways = await openTwoGateways({ redisUrl: redis?.url });
  });
  afterAll(async () => {
    await gateways?.close();
    await redis?.close();
  });
}

describe.each(tiers)(
  'with %s: when a mutation answers, the other gateway already answers with its result',
  (_tiers, openRedis) => {
    openAndClose(openRedis);

    test('suspend, resume, delete, restore, unsubscribe and subscribe, at either gateway', async () => {
      const { one, other } = gateways;
      const { id, slug } = await aTenant().subscribedTo('finance').at(one);
      const schema = `finance_${slug}`;
      const life: [mutation: string, input: object, answer: string][] = [
        ['suspendTenant', { reason: 'unpaid' }, 'TENANT_SUSPENDED'],
        ['resumeTenant', {}, schema],
        ['deleteTenant', {}, 'TENANT_DELETED'],
        ['restoreTenant', {}, schema],
        ['unsubscribeTenantFromModule', { module: 'finance' }, 'MODULE_NOT_SUBSCRIBED'],
        ['subscribeTenantToModule', { module: 'finance' }, schema],
      ];
      for (let round = 0; round < 4; round++) {
        const [here, there] = round % 2 === 0 ? [one, other] : [other, one];
        for (const [mutation, input, answer] of life) {
          await warm(there, id, slug);
          const { codes } = await mutate(here, mutation, { tenantId: id, ...input });
          const answers = await Promise.all([
            resolve(there, id),
            resolve(there, slug),
            resolve(there, id.toUpperCase()),
            resolve(here, id),
          ]);
          expect([mutation, codes, answers]).toEqual([mutation, [], [answer, answer, answer, answer]]);
        }
      }
    });

    test('updateTenant', async () => {
      const { one, other } = gateways;
      const { id, slug } = await aTenant().subscribedTo('finance').at(one);
      for (const name of ['Acme one', 'Acme two', 'Acme three']) {
        await warm(other, id);
        const { codes } = await mutate(one, 'updateTenant', { tenantId: id, name });
        const { data } = await other.ask('query ($id: ID!) { tenant(id: $id) { name } }', { id });
        expect([codes, data.tenant.name, await resolve(other, slug)]).toEqual([[], name, `finance_${slug}`]);
      }
    });

    test('a new tenant that was cached as not found, by id and by slug', async () => {
      const { one, other } = gateways;
      for (let round = 0; round < 5; round++) {
        const [id, slug] = [randomUUID(), uniqueName('t')];
        await warm(other, id, slug);
        expect([await resolve(other, id), await resolve(other, slug)]).toEqual(
          Array(2).fill('TENANT_NOT_FOUND'),
        );
        const { codes } = await mutate(one, 'registerTenant', { id, name: 'New', slug });
        expect(codes).toEqual([]);
        expect([await resolve(other, id), await resolve(other, slug)]).toEqual(
          Array(2).fill('MODULE_NOT_SUBSCRIBED'),
        );
      }
    });

    test('provisionTenant', async () => {
      const { one, other } = gateways;
      const slug = uniqueName('t');
      await warm(other, slug);
      const tenant = { name: 'Whole', slug, adminEmail: 'a@example.com', modules: ['finance'] };
      const { result } = await mutate(one, 'provisionTenant', tenant, 'tenant { id }');
      expect([await resolve(other, slug), await resolve(other, result.tenant.id)]).toEqual(
        Array(2).fill(`finance_${slug}`),
      );
    });

    test('a new module that was cached as not found', async () => {
      const { one, other } = gateways;
      const { id } = await aTenant().at(one);
      const name = `m${randomUUID().slice(0, 8)}`;
      expect(await resolve(other, id, name)).toBe('MODULE_NOT_FOUND');
      const { codes } = await mutate(one, 'registerModule', { name, databaseRef: 'FINANCE_DB_URL' });
      expect([codes, await resolve(other, id, name)]).toEqual([[], 'MODULE_NOT_SUBSCRIBED']);
    });

    test('a revoked API key is refused, and a new one is accepted', async () => {
      const { one, other } = gateways;
      const { id, slug } = await aTenant().subscribedTo('finance').at(one);
      for (let round = 0; round < 3; round++) {
        const created = await mutate(
          one,
          'createApiKey',
          { name: 'brief', scopes: ['resolve:*'] },
          'secret apiKey { id }',
        );
        const { secret: key, apiKey } = created.result;
        expect(await resolve(other, id, 'finance', { key })).toBe(`finance_${slug}`);
        expect(await recordStatements(() => resolve(other, id, 'finance', { key }))).toEqual([]);
        const { codes } = await mutate(one, 'revokeApiKey', { id: apiKey.id });
        const { status, codes: refusal } = await other.ask('{ __typename }', {}, { key });
        expect([codes, status, refusal]).toEqual([[], 401, ['UNAUTHENTICATED']]);
      }
    });
  },
);

describe('without Redis', () => {
  openAndClose();

  test('a configuration is answered from memory while nothing has changed', async () => {
    const { one, other } = gateways;
    const { id } = await aTenant().at(one);
    const ask = () => other.ask('query ($id: ID!) { tenant(id: $id) { config } }', { id });
    await ask();
    const statements = await recordStatements(ask);
    expect(statements.filter((statement) => statement.includes('WITH ORDINALITY'))).toEqual([]);
  });

  describe('a change by SQL, which waits for no acknowledgement, is visible within a second', () => {
    const within = { timeout: 1_000, interval: 20 };

    test('a status', async () => {
      const { one, other } = gateways;
      const { id, slug } = await aTenant().subscribedTo('finance').at(one);
      for (const [status, answer] of [
        ['suspended', 'TENANT_SUSPENDED'],
        ['active', `finance_${slug}`],
      ]) {
        await warm(other, id, slug);
        await one.psql('UPDATE tenants SET status = $2::tenant_status WHERE id = $1', [id, status]);
        await expect.poll(() => resolve(other, id), within).toBe(answer);
        await expect.poll(() => resolve(other, slug), within).toBe(answer);
      }
    });

    test('a subscription, and a configuration', async () => {
      const { one, other } = gateways;
      const { id, slug } = await aTenant().subscribedTo('finance').at(one);
      const config = async () =>
        (await other.ask('query ($id: ID!) { tenant(id: $id) { config } }', { id })).data.tenant.config;
      await warm(other, slug);
      expect(await config()).toEqual({});
      await one.psql(`UPDATE module_subscriptions SET status = 'suspended' WHERE tenant_id = $1`, [id]);
      await one.psql(`UPDATE tenants SET tenant_config = '{"theme": "dark"}' WHERE id = $1`, [id]);
      await expect.poll(() => resolve(other, slug), within).toBe('TENANT_SUSPENDED');
      await expect.poll(config, within).toEqual({ theme: 'dark' });
    });
  });
});
