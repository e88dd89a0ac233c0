import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { isRedisInstalled, openRedisServer } from '../setup/redis.js';
import { aTenant } from '../setup/stories.js';
import { openTwoGateways, type TwoGateways, warm } from './support/two-gateways.js';

/** What is cached under an external id is as current as what is cached under a slug. */

const tiers: [string, typeof openRedisServer | undefined][] = [
  ['memory', undefined],
  ...(isRedisInstalled
    ? ([['memory and Redis', openRedisServer]] as [string, typeof openRedisServer][])
    : []),
];

describe.each(tiers)('with %s', (_tiers, openRedis) => {
  let gateways: TwoGateways;
  let redis: Awaited<ReturnType<typeof openRedisServer>> | undefined;
  beforeAll(async () => {
    redis = await openRedis?.();
    gateways = await openTwoGateways({ redisUrl: redis?.url });
  });
  afterAll(async () => {
    await gateways?.close();
    await redis?.close();
  });

  const addId = (tenantId: string, externalId: string) =>
    mutate(gateways.one, 'addTenantExternalId', { tenantId, externalId });
  const removeId = (tenantId: string, externalId: string) =>
    mutate(gateways.one, 'removeTenantExternalId', { tenantId, externalId });
  /** A tenant with two external ids, of which one has the form of a slug. */
  async function aNamedTenant() {
    const tenant = await aTenant().subscribedTo('finance').at(gateways.one);
    const externalIds = [uniqueName('ext'), `Old-${uniqueName('Ext')}`];
    for (const externalId of externalIds) expect((await addId(tenant.id, externalId)).codes).toEqual([]);
    return { ...tenant, externalIds, schema: `finance_${tenant.slug}` };
  }
  const resolveAll = (references: readonly string[]) =>
    Promise.all(references.map((reference) => resolve(gateways.other, reference)));

  test('when a mutation answers, the other gateway already answers with its result under every external id', async () => {
    const { id, externalIds, schema } = await aNamedTenant();
    const life: [mutation: string, input: object, answer: string][] = [
      ['suspendTenant', { reason: 'unpaid' }, 'TENANT_SUSPENDED'],
      ['resumeTenant', {}, schema],
      ['deleteTenant', {}, 'TENANT_DELETED'],
      ['restoreTenant', {}, schema],
      ['unsubscribeTenantFromModule', { module: 'finance' }, 'MODULE_NOT_SUBSCRIBED'],
      ['subscribeTenantToModule', { module: 'finance' }, schema],
      ['suspendSubscription', { module: 'finance', reason: 'x' }, 'TENANT_SUSPENDED'],
      ['resumeSubscription', { module: 'finance' }, schema],
    ];
    for (let round = 0; round < 2; round++)
      for (const [mutation, input, answer] of life) {
        await warm(gateways.other, ...externalIds);
        // Each mutation names the tenant by an external id, too.
        const { codes } = await mutate(gateways.one, mutation, { tenantId: externalIds[round], ...input });
        expect([mutation, codes, await resolveAll(externalIds)]).toEqual([mutation, [], [answer, answer]]);
      }
    expect(
      (await gateways.one.ask('query ($id: ID!) { tenant(id: $id) { id } }', { id: externalIds[1] })).data,
    ).toEqual({ tenant: { id } });
  });

  test('an id that was cached as not found resolves once it is added, and no more once it is removed', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateways.one);
    for (const externalId of [uniqueName('ext'), `Old-${uniqueName('Ext')}`])
      for (let round = 0; round < 3; round++) {
        await warm(gateways.other, externalId);
        expect(await resolve(gateways.other, externalId)).toBe('TENANT_NOT_FOUND');
        expect((await addId(id, externalId)).codes).toEqual([]);
        expect(await resolve(gateways.other, externalId)).toBe(`finance_${slug}`);
        await warm(gateways.other, externalId);
        expect((await removeId(externalId, externalId)).codes).toEqual([]);
        expect(await resolve(gateways.other, externalId)).toBe('TENANT_NOT_FOUND');
      }
  });

  test('ids of a new tenant that were cached as not found', async () => {
    const externalIds = [uniqueName('ext'), uniqueName('Ext')];
    await warm(gateways.other, ...externalIds);
    const slug = uniqueName('t');
    const fields = { name: 'New', slug, externalIds };
    expect((await mutate(gateways.one, 'registerTenant', fields)).codes).toEqual([]);
    expect(await resolveAll(externalIds)).toEqual(Array(2).fill('MODULE_NOT_SUBSCRIBED'));
  });

  test('a change by hand that a gateway has read is in its answers under every external id', async () => {
    const { id, externalIds, schema } = await aNamedTenant();
    const [first] = externalIds as [string, string];
    const byHand: [statement: string, answers: string[]][] = [
      [`UPDATE tenants SET status = 'suspended' WHERE id = $1`, ['TENANT_SUSPENDED', 'TENANT_SUSPENDED']],
      [`UPDATE tenants SET status = 'active' WHERE id = $1`, [schema, schema]],
      [
        `UPDATE tenant_external_ids SET status = 'removed' WHERE tenant_id = $1 AND external_id = '${first}'`,
        ['TENANT_NOT_FOUND', schema],
      ],
      [`UPDATE tenant_external_ids SET status = 'active' WHERE tenant_id = $1`, [schema, schema]],
    ];
    for (const [statement, answers] of byHand) {
      await warm(gateways.other, ...externalIds);
      await gateways.one.psql(statement, [id]);
      await gateways.other.app.gateway?.freshness.follower.poll();
      expect([statement, await resolveAll(externalIds)]).toEqual([statement, answers]);
    }
  });

  test('a change that is read only after the id was removed ends what is cached under the id', async () => {
    const { id, externalIds } = await aNamedTenant();
    const [first] = externalIds as [string, string];
    await warm(gateways.other, ...externalIds);
    await gateways.whileOtherIsBlocked(async () => {
      await gateways.one.psql(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [id]);
      await gateways.one.psql(`UPDATE tenant_external_ids SET status = 'removed' WHERE external_id = $1`, [
        first,
      ]);
    });
    await gateways.other.app.gateway?.freshness.follower.poll();
    expect(await resolveAll(externalIds)).toEqual(['TENANT_NOT_FOUND', 'TENANT_SUSPENDED']);
  });

  test('upper and lower case differ, and the route tells by which external id it was requested', async () => {
    const { id, slug, externalIds } = await aNamedTenant();
    const [, upper] = externalIds as [string, string];
    expect(await resolve(gateways.other, upper.toLowerCase())).toBe('TENANT_NOT_FOUND');
    const { data } = await gateways.other.ask(
      `query ($keys: [TenantSchemaKey!]!) { tenantSchemas(keys: $keys) {
         ... on TenantSchema { tenantId tenantSlug externalId } } }`,
      { keys: [...externalIds, slug, id].map((one) => ({ id: one, module: 'finance' })) },
    );
    const route = { tenantId: id, tenantSlug: slug };
    expect(data.tenantSchemas).toEqual(
      [...externalIds, null, null].map((externalId) => ({ ...route, externalId })),
    );
  });
});
