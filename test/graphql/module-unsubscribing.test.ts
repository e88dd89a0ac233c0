import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const facts = 'subscription { schemaName databaseName status generation cancelledAt version } revision';

const subscribe = (tenantId: string, module = 'finance', more: object = {}) =>
  mutate(gateway, 'subscribeTenantToModule', { tenantId, module, ...more }, facts, {
    accept: graphqlResponse,
  });
const unsubscribe = (tenantId: string, module = 'finance', more: object = {}) =>
  mutate(gateway, 'unsubscribeTenantFromModule', { tenantId, module, ...more }, facts, {
    accept: graphqlResponse,
  });

describe('unsubscribing', () => {
  test('ends the route and keeps the data: subscribing again restores both with the next generation', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    const schema = `finance_${slug}`;
    await gateway.psqlIn('finance', `INSERT INTO ${schema}.activity_log (action) VALUES ('kept')`);

    const cancelled = await unsubscribe(slug);
    expect(cancelled.result.subscription).toMatchObject({
      schemaName: schema,
      status: 'CANCELLED',
      generation: 1,
      cancelledAt: expect.any(String),
    });
    expect(await resolve(gateway, id)).toBe('MODULE_NOT_SUBSCRIBED');
    expect((await unsubscribe(id)).codes).toEqual(['MODULE_NOT_SUBSCRIBED']);

    const again = await subscribe(id);
    expect(again.result.subscription).toMatchObject({
      schemaName: schema,
      status: 'ACTIVE',
      generation: 2,
      cancelledAt: null,
    });
    expect(await resolve(gateway, id)).toBe(schema);
    const rows = await gateway.psqlIn('finance', `SELECT action FROM ${schema}.activity_log`);
    expect(rows).toEqual([{ action: 'kept' }]);
  });

  test('keeps the name reserved', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    await unsubscribe(id);
    const other = await aTenant().at(gateway);
    const taken = await subscribe(other.id, 'finance', { schemaName: `finance_${slug}` });
    expect(taken.errors[0]?.extensions).toMatchObject({
      code: 'CONFLICT',
      fields: [{ field: 'schemaName' }],
    });
  });

  test('leaves the data in its location: subscribing again to another location is refused', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    await unsubscribe(id);
    for (const elsewhere of [{ schemaName: `other_${slug}` }, { isolation: 'DATABASE' }])
      expect((await subscribe(id, 'finance', elsewhere)).codes).toEqual(['CONFLICT']);
    expect((await subscribe(id, 'finance', { schemaName: `finance_${slug}` })).codes).toEqual([]);
  });

  test('with an expectedVersion does not overwrite a concurrent change', async () => {
    const { id } = await aTenant().subscribedTo('finance').at(gateway);
    const { data } = await gateway.ask(`query ($id: ID!) { tenant(id: $id) { subscriptions { version } } }`, {
      id,
    });
    const { version } = data.tenant.subscriptions[0];
    const late = await unsubscribe(id, 'finance', { expectedVersion: version - 1 });
    expect([late.status, late.codes]).toEqual([412, ['VERSION_CONFLICT']]);
    const inTime = await unsubscribe(id, 'finance', { expectedVersion: version });
    expect(inTime.result.subscription.version).toBe(version + 1);
  });

  test.each(['provisioning', 'deprovisioning', 'migrating'])(
    'is refused with OPERATION_IN_PROGRESS while the subscription is %s',
    async (status) => {
      const { id } = await aTenant().subscribedTo('finance').at(gateway);
      await gateway.psql('UPDATE module_subscriptions SET status = $1 WHERE tenant_id = $2', [status, id]);
      const refused = await unsubscribe(id);
      expect([refused.status, refused.codes]).toEqual([423, ['OPERATION_IN_PROGRESS']]);
      expect((await subscribe(id)).codes).toEqual(['OPERATION_IN_PROGRESS']);
    },
  );
});

describe('a subscription is refused', () => {
  test.each([
    ['pending', 'TENANT_NOT_READY'],
    ['provisioning', 'TENANT_NOT_READY'],
    ['failed', 'TENANT_NOT_READY'],
    ['suspended', 'TENANT_SUSPENDED'],
    ['deleted', 'TENANT_DELETED'],
    ['purged', 'TENANT_NOT_FOUND'],
  ])('for a tenant that is %s with %s, and so are the steps after it', async (status, code) => {
    const { id } = await aTenant().at(gateway);
    await subscribe(id, 'operations', { provision: false });
    await gateway.psql('UPDATE tenants SET status = $1 WHERE id = $2', [status, id]);
    expect((await subscribe(id)).codes).toEqual([code]);
    for (const name of ['provisionModule', 'markModuleProvisioned'])
      expect((await mutate(gateway, name, { tenantId: id, module: 'operations' })).codes).toEqual([code]);
    const rows = await gateway.psql('SELECT module, status FROM module_subscriptions WHERE tenant_id = $1', [
      id,
    ]);
    expect(rows).toEqual([{ module: 'operations', status: 'pending' }]);
  });

  test('for an unknown tenant or module', async () => {
    const { id } = await aTenant().at(gateway);
    expect((await subscribe('nobody')).codes).toEqual(['TENANT_NOT_FOUND']);
    expect((await subscribe(id, 'no_such_module')).codes).toEqual(['MODULE_NOT_FOUND']);
    expect((await subscribe(id, 'No Module')).codes).toEqual(['VALIDATION_ERROR']);
  });

  test('when the tenant is subscribed already', async () => {
    const { id } = await aTenant().subscribedTo('finance').at(gateway);
    for (const more of [{}, { provision: false }, { schemaName: 'elsewhere' }]) {
      const { status, codes } = await subscribe(id, 'finance', more);
      expect([status, codes]).toEqual([409, ['CONFLICT']]);
    }
  });
});

describe('the history of a subscription', () => {
  test('contains kind, actor, times and result of each attempt, newest first', async () => {
    const { id } = await aTenant().at(gateway);
    const key = await gateway.createKey('provision');
    await subscribe(id, 'finance', { provision: false });
    await mutate(gateway, 'markModuleProvisioned', {
      tenantId: id,
      module: 'finance',
      status: 'FAILED',
      error: 'no luck',
    });
    await mutate(gateway, 'provisionModule', { tenantId: id, module: 'finance' }, 'revision', { key });
    await subscribe(id, 'operations');
    const { data } = await gateway.ask(
      `query ($id: ID!) { tenant(id: $id) { subscriptions {
         module { name } history { edges { node { kind status error actor startedAt finishedAt steps { name } } } }
       } } }`,
      { id },
    );
    const [finance, operations] = data.tenant.subscriptions;
    const nodesOf = ({
      history,
    }: {
      history: { edges: { node: { startedAt: string; finishedAt: string } }[] };
    }) => history.edges.map(({ node }) => node);
    expect(nodesOf(finance)).toMatchObject([
      {
        kind: 'PROVISION_MODULE',
        status: 'SUCCEEDED',
        error: null,
        actor: expect.stringMatching(/^api-key:/),
      },
      { kind: 'MARK_MODULE_PROVISIONED', status: 'FAILED', error: 'no luck', actor: 'developer' },
    ]);
    expect(nodesOf(operations)).toMatchObject([{ kind: 'SUBSCRIBE_TENANT', status: 'SUCCEEDED' }]);
    for (const { startedAt, finishedAt } of nodesOf(finance))
      expect(Date.parse(finishedAt)).toBeGreaterThanOrEqual(Date.parse(startedAt));
  });

  test('contains ids by which operations can be queried', async () => {
    const { id } = await aTenant().subscribedTo('finance').at(gateway);
    const { data } = await gateway.ask(
      `query ($id: ID!) { tenant(id: $id) { subscriptions { history { edges { node { operation { id } } } } } } }`,
      { id },
    );
    const [
      {
        node: { operation },
      },
    ] = data.tenant.subscriptions[0].history.edges;
    const ask = async (operationId: string) =>
      (
        await gateway.ask(`query ($id: ID!) { operation(id: $id) { kind steps { name } } }`, {
          id: operationId,
        })
      ).data;
    const expected = {
      kind: 'SUBSCRIBE_TENANT',
      steps: [{ name: 'CREATE_SCHEMA' }, { name: 'ACTIVATE_ROUTE' }],
    };
    expect(await ask(operation.id)).toEqual({ operation: expected });
    expect(await ask(operation.id.toUpperCase())).toEqual({ operation: expected });
    for (const nothing of ['00000000-0000-4000-8000-000000000000', 'nothing'])
      expect(await ask(nothing)).toEqual({ operation: null });
  });
});
