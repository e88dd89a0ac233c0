import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let crm: TestDatabase;
let gateway: TestGateway;
beforeAll(async () => {
  crm = await createDatabase();
  // All modules of this test share one database and differ by their prefixes.
  const names = ['CRM', 'FINANCE', 'OPERATIONS', 'INVENTORY', 'DBTOOLS', 'LEDGER', 'TWIN'];
  const serviceDatabaseUrls = Object.fromEntries(names.map((name) => [`${name}_DB_URL`, crm.url]));
  serviceDatabaseUrls.UNREACHABLE_DB_URL = 'postgres://127.0.0.1:1/unreachable';
  gateway = await openGateway({ config: { serviceDatabaseUrls } });
});
afterAll(async () => {
  await gateway?.close();
  await crm?.drop();
});

const facts =
  'module { name description databaseRef databaseName schemaPrefix isolation migrationsFolder version } revision';
const register = (input: object) =>
  mutate(gateway, 'registerModule', input, facts, { accept: graphqlResponse });
const update = (input: object) => mutate(gateway, 'updateModule', input, facts, { accept: graphqlResponse });
const subscribe = (tenantId: string, module: string) =>
  mutate(
    gateway,
    'subscribeTenantToModule',
    { tenantId, module },
    'subscription { schemaName databaseName status }',
  );

async function inCrm(sql: string) {
  const client = new pg.Client({ connectionString: crm.url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('a module registered at run time', () => {
  test('needs only a name, and everything works for it', async () => {
    const { result } = await register({ name: 'crm' });
    expect(result.module).toEqual({
      name: 'crm',
      description: null,
      databaseRef: 'CRM_DB_URL',
      databaseName: crm.name,
      schemaPrefix: 'crm_',
      isolation: 'SCHEMA',
      migrationsFolder: 'crm',
      version: 1,
    });
    const { id, slug } = await aTenant().at(gateway);
    expect(await resolve(gateway, id, 'crm')).toBe('MODULE_NOT_SUBSCRIBED');
    const subscribed = await subscribe(id, 'crm');
    expect(subscribed.result.subscription).toEqual({
      schemaName: `crm_${slug}`,
      databaseName: crm.name,
      status: 'ACTIVE',
    });
    expect(await resolve(gateway, slug, 'crm')).toBe(`crm_${slug}`);
    expect(await inCrm(`SELECT count(*)::int AS entries FROM crm_${slug}.activity_log`)).toEqual([
      { entries: 0 },
    ]);
    const { data } = await gateway.ask(`query ($id: ID!) { tenant(id: $id) { modulesSubscribed } }`, { id });
    expect(data.tenant.modulesSubscribed).toEqual(['crm']);
    const key = await gateway.createKey('resolve:crm');
    expect(await resolve(gateway, id, 'crm', { key })).toBe(`crm_${slug}`);
  });

  test('has the given prefix, isolation, database and migrations folder', async () => {
    const given = {
      name: 'ledger',
      description: 'General ledger',
      databaseRef: 'CRM_DB_URL',
      schemaPrefix: 'gl_',
      isolation: 'DATABASE',
      migrationsFolder: 'finance',
    };
    const { result } = await register(given);
    expect(result.module).toMatchObject(given);
    const { id, slug } = await aTenant().at(gateway);
    const subscribed = await subscribe(id, 'ledger');
    expect(subscribed.result.subscription).toEqual({
      schemaName: 'public',
      databaseName: `gl_${slug}`,
      status: 'ACTIVE',
    });
  });

  test('with the prefix of another module in one database never shares a schema with it', async () => {
    await register({ name: 'twin', schemaPrefix: 'finance_' });
    const { id, slug } = await aTenant().at(gateway);
    await subscribe(id, 'finance');
    await subscribe(id, 'twin');
    expect(await resolve(gateway, id, 'finance')).toBe(`finance_${slug}`);
    expect(await resolve(gateway, id, 'twin')).toBe(`finance_${slug}_2`);
  });

  test('is in the list of modules, by name', async () => {
    await register({ name: 'aaa' });
    const { data } = await gateway.ask('{ modules { name } }');
    const names = data.modules.map(({ name }: { name: string }) => name);
    expect(names).toEqual(names.toSorted());
    expect(names).toEqual(expect.arrayContaining(['aaa', 'dbtools', 'finance', 'inventory', 'operations']));
  });

  test('is refused with CONFLICT the second time', async () => {
    const { status, errors } = await register({ name: 'finance' });
    expect(status).toBe(409);
    expect(errors[0]?.extensions).toMatchObject({ code: 'CONFLICT', fields: [{ field: 'name' }] });
  });

  test('whose server does not answer has no route, and the answer contains the reason', async () => {
    await register({ name: 'unreachable' });
    const { id } = await aTenant().at(gateway);
    const { result } = await mutate(
      gateway,
      'subscribeTenantToModule',
      { tenantId: id, module: 'unreachable' },
      'subscription { status } operation { status error }',
    );
    expect(result).toMatchObject({
      subscription: { status: 'FAILED' },
      operation: { status: 'FAILED', error: expect.stringContaining('ECONNREFUSED') },
    });
    expect(await resolve(gateway, id, 'unreachable')).toBe('TENANT_NOT_READY');
  });
});

describe('a module is refused with VALIDATION_ERROR', () => {
  test.each(['', 'Crm', '1crm', 'c rm', 'crm-x', 'x'.repeat(32), 'crм', 'crm\u0000'])(
    'for the name %j',
    async (name) => {
      const { status, codes } = await register({ name });
      expect([status, codes]).toEqual([400, ['VALIDATION_ERROR']]);
    },
  );

  test.each([
    ['name', 'postgres'],
    ['name', 'template0'],
    ['name', 'template1'],
    ['name', 'registry'],
    ['name', 'pg_catalog'],
    ['databaseRef', 'DATABASE_URL'],
    ['databaseRef', 'REDIS_URL'],
    ['databaseRef', 'PATH'],
    ['databaseRef', 'crm_db_url'],
    ['databaseRef', 'postgres://user:secret@host/db'],
    ['schemaPrefix', ''],
    ['schemaPrefix', 'pg_'],
    ['schemaPrefix', 'x'.repeat(21)],
    ['schemaPrefix', 'Crm_'],
    ['schemaPrefix', '"; drop schema public; --'],
    ['migrationsFolder', '../finance'],
    ['migrationsFolder', '/etc'],
    ['migrationsFolder', 'no-such-folder'],
    ['description', 'a\u0000'],
    ['description', 'x'.repeat(501)],
  ])('for the %s %j, in registerModule and updateModule', async (field, value) => {
    const refused = { code: 'VALIDATION_ERROR', fields: [{ field }] };
    const registered = await register({ name: 'refused', [field]: value });
    expect(registered.status).toBe(400);
    expect(registered.errors[0]?.extensions).toMatchObject(refused);
    if (field === 'name') return;
    const updated = await update({ name: 'inventory', [field]: value });
    expect(updated.errors[0]?.extensions).toMatchObject(refused);
  });
});

describe('updateModule', () => {
  test('keeps omitted fields', async () => {
    const { result: before } = await register({ name: 'changing', description: 'Old' });
    const { result } = await update({ name: 'changing', description: 'New' });
    expect(result.module).toEqual({
      ...before.module,
      description: 'New',
      version: before.module.version + 1,
    });
  });

  test('applies prefix and isolation to later subscriptions; earlier ones keep their names', async () => {
    await register({ name: 'moving', databaseRef: 'CRM_DB_URL' });
    const [early, late] = [await aTenant().at(gateway), await aTenant().at(gateway)];
    await subscribe(early.id, 'moving');
    await update({ name: 'moving', schemaPrefix: 'moved_', isolation: 'DATABASE' });
    const subscribed = await subscribe(late.id, 'moving');
    expect(subscribed.result.subscription.databaseName).toBe(`moved_${late.slug}`);
    expect(await resolve(gateway, early.id, 'moving')).toBe(`moving_${early.slug}`);
    await mutate(gateway, 'unsubscribeTenantFromModule', { tenantId: early.id, module: 'moving' });
    expect((await subscribe(early.id, 'moving')).result.subscription.schemaName).toBe(`moving_${early.slug}`);
  });

  test('changes the database only while the module has never had a subscription', async () => {
    const { result } = await register({ name: 'settling' });
    expect(result.module.databaseName).toBe('settling');
    const moved = await update({ name: 'settling', databaseRef: 'CRM_DB_URL' });
    expect(moved.result.module).toMatchObject({ databaseRef: 'CRM_DB_URL', databaseName: crm.name });
    const { id } = await aTenant().at(gateway);
    await subscribe(id, 'settling');
    await mutate(gateway, 'unsubscribeTenantFromModule', { tenantId: id, module: 'settling' });
    const refused = await update({ name: 'settling', databaseRef: 'FINANCE_DB_URL' });
    expect(refused.status).toBe(409);
    expect(refused.errors[0]?.extensions).toMatchObject({
      code: 'CONFLICT',
      fields: [{ field: 'databaseRef' }],
    });
    const same = await update({ name: 'settling', databaseRef: 'CRM_DB_URL', description: 'Stays' });
    expect(same.codes).toEqual([]);
  });

  test('does not overwrite a concurrent change', async () => {
    const { result } = await register({ name: 'versioned' });
    await gateway.psql(`UPDATE modules SET description = 'by hand' WHERE name = 'versioned'`);
    const late = await update({
      name: 'versioned',
      description: 'late',
      expectedVersion: result.module.version,
    });
    expect([late.status, late.codes]).toEqual([412, ['VERSION_CONFLICT']]);
    const inTime = await update({
      name: 'versioned',
      description: 'in time',
      expectedVersion: result.module.version + 1,
    });
    expect(inTime.result.module).toMatchObject({
      description: 'in time',
      version: result.module.version + 2,
    });
  });

  test('refuses an unknown module', async () => {
    const { status, codes } = await update({ name: 'no_such_module', description: 'x' });
    expect([status, codes]).toEqual([404, ['MODULE_NOT_FOUND']]);
  });
});

test('a module is read by its name, with whether this gateway can reach its database', async () => {
  const read = async (name: string) =>
    (await gateway.ask(`query ($name: ModuleName!) { module(name: $name) { name isConfigured } }`, { name }))
      .data.module;
  await register({ name: 'unset' });
  expect(await read('finance')).toEqual({ name: 'finance', isConfigured: true });
  expect(await read('unset')).toEqual({ name: 'unset', isConfigured: false });
  expect(await read('no_such_module')).toBeNull();
});

test('a module shows the connections of the gateway to its database, once it was used', async () => {
  const read = async (name: string) => {
    const { data, errors } = await gateway.ask(
      `query ($name: ModuleName!) { module(name: $name) { pools { role busy idle waiting } } }`,
      { name },
    );
    expect(errors).toEqual([]);
    return data.module.pools;
  };
  await register({ name: 'never_used' });
  expect(await read('never_used')).toEqual([]);
  await aTenant().subscribedTo('finance').at(gateway);
  const [pool, ...others] = await read('finance');
  expect(others).toEqual([]);
  expect(pool).toEqual({ role: 'provisioner', busy: 0, idle: expect.any(Number), waiting: 0 });
  expect(pool.idle).toBeGreaterThan(0);
});
