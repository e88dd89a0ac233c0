import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const facts = `subscription {
    module { name } schemaName databaseName isolation status generation migrationVersion provisionedAt cancelledAt version
  }
  revision`;
const withOperation = `${facts} operation { id kind status error actor steps { name module status error } startedAt finishedAt }`;

const subscribe = (tenantId: string, module: string, more: object = {}) =>
  mutate(gateway, 'subscribeTenantToModule', { tenantId, module, ...more }, withOperation, {
    accept: graphqlResponse,
  });
const unsubscribe = (tenantId: string, module: string, more: object = {}) =>
  mutate(gateway, 'unsubscribeTenantFromModule', { tenantId, module, ...more }, facts, {
    accept: graphqlResponse,
  });

async function tablesOf(module: string, schema: string): Promise<string[]> {
  const rows = await gateway.psqlIn<{ name: string }>(
    module,
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1 AND table_type = 'BASE TABLE'`,
    [schema],
  );
  return rows.map(({ name }) => name);
}

describe('the four steps one by one', () => {
  test('register, subscribe, provision, mark: only the last makes the route visible', async () => {
    const { id, slug } = await aTenant().at(gateway);
    const schema = `finance_${slug}`;
    expect(await resolve(gateway, id)).toBe('MODULE_NOT_SUBSCRIBED');

    const subscribed = await subscribe(slug, 'finance', { provision: false });
    expect(subscribed.result).toMatchObject({
      subscription: {
        module: { name: 'finance' },
        schemaName: schema,
        status: 'PENDING',
        provisionedAt: null,
      },
      operation: null,
    });
    expect(await tablesOf('finance', schema)).toEqual([]);
    expect(await resolve(gateway, id)).toBe('TENANT_NOT_READY');

    const provisioned = await mutate(
      gateway,
      'provisionModule',
      { tenantId: id, module: 'finance' },
      withOperation,
    );
    expect(provisioned.result).toMatchObject({
      subscription: { status: 'PENDING', migrationVersion: 'finance/0002_invoice_numbering.sql' },
      operation: {
        kind: 'PROVISION_MODULE',
        status: 'SUCCEEDED',
        error: null,
        steps: [{ name: 'CREATE_SCHEMA', module: 'finance', status: 'SUCCEEDED', error: null }],
      },
    });
    expect(await tablesOf('finance', schema)).toEqual(
      expect.arrayContaining(['settings', 'activity_log', 'ar_invoice', 'ar_customer']),
    );
    expect(await resolve(gateway, id)).toBe('TENANT_NOT_READY');

    const marked = await mutate(
      gateway,
      'markModuleProvisioned',
      { tenantId: id, module: 'finance' },
      withOperation,
    );
    expect(marked.result).toMatchObject({
      subscription: { status: 'ACTIVE', provisionedAt: expect.any(String) },
      operation: { kind: 'MARK_MODULE_PROVISIONED', status: 'SUCCEEDED', actor: 'developer' },
    });
    expect(await resolve(gateway, id)).toBe(schema);
  });

  test('a module marked as failed does not resolve and its history has the reason, until it is marked again', async () => {
    const { id, slug } = await aTenant().at(gateway);
    await subscribe(id, 'finance', { provision: false });
    const failed = await mutate(
      gateway,
      'markModuleProvisioned',
      { tenantId: id, module: 'finance', status: 'FAILED', error: 'the disk was full' },
      withOperation,
    );
    expect(failed.result).toMatchObject({
      subscription: { status: 'FAILED' },
      operation: { status: 'FAILED', error: 'the disk was full' },
    });
    expect(await resolve(gateway, id)).toBe('TENANT_NOT_READY');
    await mutate(gateway, 'markModuleProvisioned', { tenantId: id, module: 'finance' });
    expect(await resolve(gateway, id)).toBe(`finance_${slug}`);
  });

  test('the last two steps are refused with CONFLICT when they were done already', async () => {
    const { id } = await aTenant().subscribedTo('finance').at(gateway);
    for (const name of ['provisionModule', 'markModuleProvisioned'])
      expect((await mutate(gateway, name, { tenantId: id, module: 'finance' })).codes).toEqual(['CONFLICT']);
  });

  test('the last two steps are refused with MODULE_NOT_SUBSCRIBED without a subscription', async () => {
    const { id } = await aTenant().at(gateway);
    for (const name of ['provisionModule', 'markModuleProvisioned', 'unsubscribeTenantFromModule'])
      expect((await mutate(gateway, name, { tenantId: id, module: 'finance' })).codes).toEqual([
        'MODULE_NOT_SUBSCRIBED',
      ]);
  });
});

describe('subscribing', () => {
  test.each([
    ['operations', 'tenant_', 'party'],
    ['finance', 'finance_', 'ar_invoice'],
    ['inventory', 'inventory_', 'stock_movement'],
  ])('to %s creates a schema %s<slug> with %s in it and resolves at once', async (module, prefix, table) => {
    const { id, slug } = await aTenant().at(gateway);
    const { result } = await subscribe(id, module);
    expect(result.subscription).toMatchObject({
      schemaName: prefix + slug,
      databaseName: new URL(gateway.serviceUrl(module)).pathname.slice(1),
      isolation: 'SCHEMA',
      status: 'ACTIVE',
      generation: 1,
    });
    expect(result.operation).toMatchObject({
      kind: 'SUBSCRIBE_TENANT',
      status: 'SUCCEEDED',
      steps: [
        { name: 'CREATE_SCHEMA', module, status: 'SUCCEEDED' },
        { name: 'ACTIVATE_ROUTE', module: null, status: 'SUCCEEDED' },
      ],
    });
    expect(await tablesOf(module, prefix + slug)).toEqual(
      expect.arrayContaining(['settings', 'activity_log', table]),
    );
    expect(await resolve(gateway, id, module)).toBe(prefix + slug);
  });

  test('is visible in the tenant’s modules and schemas', async () => {
    const { id, slug } = await aTenant().subscribedTo('operations', 'finance').at(gateway);
    const ask = async () =>
      (
        await gateway.ask(
          `query ($id: ID!) { tenant(id: $id) {
             modulesSubscribed operationsSchema financeSchema inventorySchema subscriptions { status module { name } }
           } }`,
          { id },
        )
      ).data.tenant;
    expect(await ask()).toEqual({
      modulesSubscribed: ['finance', 'operations'],
      operationsSchema: `tenant_${slug}`,
      financeSchema: `finance_${slug}`,
      inventorySchema: null,
      subscriptions: [
        { status: 'ACTIVE', module: { name: 'finance' } },
        { status: 'ACTIVE', module: { name: 'operations' } },
      ],
    });
    await unsubscribe(id, 'finance');
    expect(await ask()).toMatchObject({ modulesSubscribed: ['operations'], financeSchema: null });
  });

  test('lists the modules by name, whatever the order of subscribing', async () => {
    const { id } = await aTenant().subscribedTo('operations', 'inventory', 'finance').at(gateway);
    const { data } = await gateway.ask(`query ($id: ID!) { tenant(id: $id) { modulesSubscribed } }`, { id });
    expect(data.tenant.modulesSubscribed).toEqual(['finance', 'inventory', 'operations']);
  });

  test('by isolation DATABASE shows the module and no schema, as the view tenant_registry does', async () => {
    const { id } = await aTenant().at(gateway);
    await subscribe(id, 'finance', { isolation: 'DATABASE' });
    const { data } = await gateway.ask(
      'query ($id: ID!) { tenant(id: $id) { modulesSubscribed financeSchema } }',
      { id },
    );
    expect(data.tenant).toEqual({ modulesSubscribed: ['finance'], financeSchema: null });
    const view = 'SELECT modules_subscribed, finance_schema FROM tenant_registry WHERE tenant_id = $1';
    expect(await gateway.psql(view, [id])).toEqual([
      { modules_subscribed: ['finance'], finance_schema: null },
    ]);
  });

  test('by isolation DATABASE gives the tenant a database of its own', async () => {
    const { id, slug } = await aTenant().at(gateway);
    const { result } = await subscribe(id, 'dbtools');
    expect(result.subscription).toMatchObject({
      isolation: 'DATABASE',
      databaseName: `dbtools_tenant_${slug}`,
      schemaName: 'public',
      status: 'ACTIVE',
    });
    const { data } = await gateway.ask(
      `query ($id: ID!) { tenantSchema(id: $id, module: "dbtools") { databaseName searchPath isolation } }`,
      { id },
    );
    expect(data.tenantSchema).toEqual({
      databaseName: `dbtools_tenant_${slug}`,
      searchPath: '"public"',
      isolation: 'DATABASE',
    });
    const [found] = await gateway.psql(
      `SELECT count(*)::int AS databases FROM pg_database WHERE datname = $1`,
      [`dbtools_tenant_${slug}`],
    );
    expect(found).toEqual({ databases: 1 });
  });

  test('can choose the other isolation for one subscription', async () => {
    const { id, slug } = await aTenant().at(gateway);
    const finance = await subscribe(id, 'finance', { isolation: 'DATABASE' });
    expect(finance.result.subscription).toMatchObject({
      isolation: 'DATABASE',
      databaseName: `finance_${slug}`,
      schemaName: 'public',
      status: 'ACTIVE',
    });
    expect(await tablesOf('finance', `finance_${slug}`)).toEqual([]);
    const dbtools = await subscribe(id, 'dbtools', { isolation: 'SCHEMA' });
    expect(dbtools.result.subscription).toMatchObject({
      isolation: 'SCHEMA',
      schemaName: `dbtools_tenant_${slug}`,
      status: 'ACTIVE',
    });
    const other = await aTenant().subscribedTo('finance').at(gateway);
    expect(await resolve(gateway, other.id)).toBe(`finance_${other.slug}`);
  });

  test('can name the schema', async () => {
    const { id, slug } = await aTenant().at(gateway);
    const { result } = await subscribe(id, 'finance', { schemaName: `books_${slug}` });
    expect(result.subscription.schemaName).toBe(`books_${slug}`);
    expect(await tablesOf('finance', `books_${slug}`)).toContain('ar_invoice');
    expect(await resolve(gateway, id)).toBe(`books_${slug}`);
  });

  test('under a name of another tenant is refused, and no storage is created', async () => {
    const taker = await aTenant().subscribedTo('finance').at(gateway);
    const { id } = await aTenant().at(gateway);
    for (const module of ['finance', 'operations']) {
      const { status, errors } = await subscribe(id, module, { schemaName: `finance_${taker.slug}` });
      expect(status).toBe(409);
      expect(errors[0]?.extensions).toMatchObject({ code: 'CONFLICT', fields: [{ field: 'schemaName' }] });
      expect(errors[0]?.message).toContain(taker.id);
      expect(await resolve(gateway, id, module)).toBe('MODULE_NOT_SUBSCRIBED');
    }
  });

  test.each([
    '',
    'pg_mine',
    'public',
    'information_schema',
    'Mine',
    'a b',
    'a"b',
    'a,b',
    'a\u0000b',
    'select',
    'x'.repeat(64),
    'mïne',
  ])('under the name %j is refused with VALIDATION_ERROR', async (schemaName) => {
    const { id } = await aTenant().at(gateway);
    const { status, errors } = await subscribe(id, 'finance', { schemaName });
    expect(status).toBe(400);
    expect(errors[0]?.extensions).toMatchObject({
      code: 'VALIDATION_ERROR',
      fields: [{ field: 'schemaName' }],
    });
  });

  test('for slugs with the same schema name creates different schemas', async () => {
    const [dashed, underscored] = [
      await aTenant({ slug: 'col-li-de' }).subscribedTo('finance').at(gateway),
      await aTenant({ slug: 'col_li_de' }).subscribedTo('finance').at(gateway),
    ];
    expect(await resolve(gateway, dashed.id)).toBe('finance_col_li_de');
    expect(await resolve(gateway, underscored.id)).toBe('finance_col_li_de_2');
  });
});

test('a subscription has its tenant, its time and its author; the tenant only for those who may read it', async () => {
  const tenant = await aTenant().at(gateway);
  const selection = 'subscription { createdAt createdBy tenant { slug } }';
  const input = { tenantId: tenant.id, module: 'inventory' };
  const { result } = await mutate(gateway, 'subscribeTenantToModule', input, selection);
  expect(result.subscription).toEqual({
    createdAt: expect.stringMatching(/Z$/),
    createdBy: 'developer',
    tenant: { slug: tenant.slug },
  });
  const key = await gateway.createKey('registry:write', 'provision');
  const { codes } = await mutate(gateway, 'unsubscribeTenantFromModule', input, selection, { key });
  expect(codes).toEqual(['FORBIDDEN']);
});
