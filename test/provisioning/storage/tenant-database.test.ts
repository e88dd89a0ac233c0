import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { uniqueName } from '../../setup/database.js';
import { aTenant } from '../../setup/stories.js';
import {
  listDatabases,
  listSchemas,
  listTables,
  readSchemaContents,
  readSchemaOwners,
  urlTo,
} from '../support/catalog.js';
import {
  brokenMigration,
  contacts,
  correctedMigration,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import { provision, readTenant, resolve, subscribe, unsubscribe } from '../support/provisioning-calls.js';

let testbed: GatewayWithModules;
let slug: string;
let database: string;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'alpha', migrations: contacts },
    { name: 'vault', migrations: contacts, isolation: 'DATABASE' },
  );
});
afterAll(() => testbed.close());
beforeEach(() => {
  slug = uniqueName('t');
  database = `vault_${slug}`;
  onTestFinished(async () => {
    for (const name of await listDatabases(`${database}%`))
      await onServer(`DROP DATABASE ${name} WITH (FORCE)`);
  });
});

const toVault = (more: object = {}) =>
  subscribe(testbed.gateway, { tenantId: slug, module: 'vault', ...more });
const onServer = (sql: string) => queryOnce(urlTo('postgres'), sql);

async function next(sql: string): Promise<void> {
  await testbed.write('vault/0003_next.sql', sql);
  onTestFinished(() => testbed.remove('vault/0003_next.sql').catch(() => undefined));
}

/** Reads the building name of a database, by a migration that fails with it. */
async function nameWhileBuilding(): Promise<string> {
  await next(`DO $$ BEGIN RAISE EXCEPTION 'here: %', current_database(); END $$`);
  const { operation } = await toVault();
  await testbed.remove('vault/0003_next.sql');
  const name = /here: (\w+)$/.exec(operation.error ?? '')?.[1];
  if (!name) throw new Error(`no name in: ${operation.error}`);
  return name;
}

describe('a tenant’s own database', () => {
  test('holds all tables in public, and the module’s database gets none', async () => {
    await aTenant({ slug }).at(testbed.gateway);
    const { subscription, operation } = await toVault();
    expect(operation.steps[0]).toMatchObject({ name: 'CREATE_DATABASE', status: 'SUCCEEDED' });
    expect(subscription).toMatchObject({
      ...{ databaseName: database, schemaName: 'public', isolation: 'DATABASE', status: 'ACTIVE' },
    });
    expect(await resolve(testbed.gateway, slug, 'vault')).toBe('schema public');
    expect(await listTables(urlTo(database), 'public')).toEqual([
      ...['activity_log', 'contact', 'note', 'settings'],
    ]);
    expect(await listSchemas(urlTo(database))).toEqual([]);
    expect(await listTables(testbed.url('vault'), 'public')).toEqual([]);
  });

  test('is made while a monitor is connected to template1', async () => {
    await aTenant({ slug }).at(testbed.gateway);
    const monitor = new pg.Client({ connectionString: urlTo('template1') });
    await monitor.connect();
    try {
      expect((await toVault()).subscription.status).toBe('ACTIVE');
    } finally {
      await monitor.end();
    }
  });

  test('keeps its data when the tenant unsubscribes and subscribes again', async () => {
    await aTenant({ slug }).subscribedTo('vault').at(testbed.gateway);
    await queryOnce(urlTo(database), `INSERT INTO contact VALUES (1, 'Ada')`);
    await unsubscribe(testbed.gateway, { tenantId: slug, module: 'vault' });
    expect((await toVault()).subscription.status).toBe('ACTIVE');
    expect(await queryOnce(urlTo(database), 'SELECT name FROM contact')).toEqual([{ name: 'Ada' }]);
  });

  test('can be requested from a module with schemas, and a schema from a module with databases', async () => {
    await aTenant({ slug }).at(testbed.gateway);
    expect((await toVault({ isolation: 'SCHEMA' })).subscription).toMatchObject({
      ...{ schemaName: database, isolation: 'SCHEMA', status: 'ACTIVE' },
    });
    expect(await listDatabases(database)).toEqual([]);
    expect(await listSchemas(testbed.url('vault'))).toContain(database);
  });

  test.each(['postgres', 'template0', 'template1', 'registry'])('is never named %s', async (schemaName) => {
    await aTenant({ slug }).at(testbed.gateway);
    expect(await toVault({ schemaName })).toMatchObject({ code: 'CONFLICT', fields: ['schemaName'] });
  });

  test('is never a module’s own database', async () => {
    await aTenant({ slug }).at(testbed.gateway);
    const schemaName = new URL(testbed.url('alpha')).pathname.slice(1);
    expect(await toVault({ schemaName })).toMatchObject({ code: 'CONFLICT', fields: ['schemaName'] });
  });
});

describe('a migration that fails in a tenant’s own database', () => {
  test('leaves no database, neither under its name nor under its building name', async () => {
    await aTenant({ slug }).at(testbed.gateway);
    const building = await nameWhileBuilding();
    await next(brokenMigration);
    const { operation, subscription } = await toVault();
    expect(operation).toMatchObject({
      ...{
        status: 'FAILED',
        error: 'Migration vault/0003_next.sql failed: broken on purpose',
      },
    });
    expect(subscription).toMatchObject({ status: 'FAILED', databaseName: database });
    expect(await listDatabases(`${database}%`)).toEqual([]);
    expect(await listDatabases(building)).toEqual([]);
    expect(await resolve(testbed.gateway, slug, 'vault')).toBe('TENANT_NOT_READY');

    await next(correctedMigration);
    const mended = await toVault();
    expect(mended.subscription).toMatchObject({ status: 'ACTIVE', databaseName: database });
    expect(await listTables(urlTo(database), 'public')).toContain('whole');
    expect(await listDatabases(building)).toEqual([]);
  });

  test('succeeds after an attempt that was killed, even if a session is still connected to the unfinished database', async () => {
    const tenant = await aTenant({ slug }).at(testbed.gateway);
    const building = await nameWhileBuilding();
    await onServer(`CREATE DATABASE ${building}`);
    const lingering = new pg.Client({ connectionString: urlTo(building) });
    lingering.on('error', () => undefined); // is cut off
    await lingering.connect();
    await lingering.query('CREATE TABLE contact (half int); CREATE TABLE rubbish (id int)');
    expect((await toVault()).subscription.status).toBe('ACTIVE');
    expect(await listDatabases(building)).toEqual([]);
    expect(await listTables(urlTo(database), 'public')).not.toContain('rubbish');
    expect(await readSchemaOwners(urlTo(database), 'public')).toEqual([
      { tenantId: tenant.id, module: 'vault' },
    ]);
  });

  test('undoes the tenant’s other storage, and a failure there undoes the database', async () => {
    await next(brokenMigration);
    const failed = await provision(testbed.gateway, { slug, modules: ['alpha', 'vault'] });
    expect(failed.operation.status).toBe('COMPENSATED');
    expect(await listSchemas(testbed.url('alpha'))).not.toContain(`alpha_${slug}`);

    await testbed.remove('vault/0003_next.sql');
    await using late = await openGatewayWithModules(
      { name: 'vault', migrations: contacts, isolation: 'DATABASE' },
      { name: 'zeta', migrations: { '0001_next.sql': brokenMigration } },
    );
    const undone = await provision(late.gateway, { slug, modules: ['vault', 'zeta'] });
    expect(undone.operation.steps.map(({ status }) => status)).toEqual([
      ...['COMPENSATED', 'FAILED', 'CANCELLED'],
    ]);
    expect(await listDatabases(database)).toEqual([]);
    expect((await readTenant(late.gateway, slug)).status).toBe('FAILED');
  });
});

test('an existing database of the name is not changed', async () => {
  await onServer(`CREATE DATABASE ${database}`);
  await queryOnce(urlTo(database), `CREATE TABLE treasure AS SELECT 'gold' AS worth`);
  const before = await readSchemaContents(urlTo(database), 'public');
  await aTenant({ slug }).at(testbed.gateway);
  const { operation } = await toVault();
  expect(operation).toMatchObject({
    ...{ status: 'FAILED', error: expect.stringContaining(`Database ${database} exists already`) },
  });
  expect(await readSchemaContents(urlTo(database), 'public')).toEqual(before);
  expect(await resolve(testbed.gateway, slug, 'vault')).toBe('TENANT_NOT_READY');
  const helped = await toVault({ schemaName: `${database}_own` });
  expect(helped.subscription).toMatchObject({ status: 'ACTIVE', databaseName: `${database}_own` });
});

test('ten concurrent tenants get ten databases', async () => {
  const slugs = Array.from({ length: 10 }, (_, at) => `${slug}${String.fromCharCode(97 + at)}`);
  await Promise.all(slugs.map((slug) => aTenant({ slug }).subscribedTo('vault').at(testbed.gateway)));
  expect(await listDatabases(`${database}%`)).toEqual(slugs.map((slug) => `vault_${slug}`));
});
