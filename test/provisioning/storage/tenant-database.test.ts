import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { uniqueName } from '../../setup/database.js';
import { aTenant } from '../../setup/stories.js';
import { databasesLike, ownersOf, photograph, schemasAt, tablesOf, urlTo } from '../support/catalog.js';
import {
  brokenMigration,
  contacts,
  mendedMigration,
  openWorkshop,
  type Workshop,
} from '../support/gateway-with-own-modules.js';
import { lookAt, provision, resolve, subscribe, unsubscribe } from '../support/provisioning-calls.js';

let workshop: Workshop;
let slug: string;
let database: string;
beforeAll(async () => {
  workshop = await openWorkshop(
    { name: 'alpha', migrations: contacts },
    { name: 'vault', migrations: contacts, isolation: 'DATABASE' },
  );
});
afterAll(() => workshop.close());
beforeEach(() => {
  slug = uniqueName('t');
  database = `vault_${slug}`;
  onTestFinished(async () => {
    for (const name of await databasesLike(`${database}%`))
      await onServer(`DROP DATABASE ${name} WITH (FORCE)`);
  });
});

const toVault = (more: object = {}) =>
  subscribe(workshop.gateway, { tenantId: slug, module: 'vault', ...more });
const onServer = (sql: string) => queryOnce(urlTo('postgres'), sql);

async function next(sql: string): Promise<void> {
  await workshop.write('vault/0003_next.sql', sql);
  onTestFinished(() => workshop.remove('vault/0003_next.sql').catch(() => undefined));
}

/** The name under which a database is made before it gets its own, from the lips of a migration. */
async function nameWhileBuilding(): Promise<string> {
  await next(`DO $$ BEGIN RAISE EXCEPTION 'here: %', current_database(); END $$`);
  const { operation } = await toVault();
  await workshop.remove('vault/0003_next.sql');
  const name = /here: (\w+)$/.exec(operation.error ?? '')?.[1];
  if (!name) throw new Error(`no name in: ${operation.error}`);
  return name;
}

describe('a database of the tenant’s own', () => {
  test('holds all tables in public, and the module’s own database gets nothing', async () => {
    await aTenant({ slug }).at(workshop.gateway);
    const { subscription, operation } = await toVault();
    expect(operation.steps[0]).toMatchObject({ name: 'create_database', status: 'SUCCEEDED' });
    expect(subscription).toMatchObject({
      ...{ databaseName: database, schemaName: 'public', isolation: 'DATABASE', status: 'ACTIVE' },
    });
    expect(await resolve(workshop.gateway, slug, 'vault')).toBe('schema public');
    expect(await tablesOf(urlTo(database), 'public')).toEqual([
      ...['activity_log', 'contact', 'note', 'schema_version', 'settings'],
    ]);
    expect(await schemasAt(urlTo(database))).toEqual([]);
    expect(await tablesOf(workshop.url('vault'), 'public')).toEqual([]);
  });

  test('keeps its data over unsubscribing and subscribing again', async () => {
    await aTenant({ slug }).subscribedTo('vault').at(workshop.gateway);
    await queryOnce(urlTo(database), `INSERT INTO contact VALUES (1, 'Ada')`);
    await unsubscribe(workshop.gateway, { tenantId: slug, module: 'vault' });
    expect((await toVault()).subscription.status).toBe('ACTIVE');
    expect(await queryOnce(urlTo(database), 'SELECT name FROM contact')).toEqual([{ name: 'Ada' }]);
  });

  test('can be had from a module that makes schemas, and a schema from one that makes databases', async () => {
    await aTenant({ slug }).at(workshop.gateway);
    expect((await toVault({ isolation: 'SCHEMA' })).subscription).toMatchObject({
      ...{ schemaName: database, isolation: 'SCHEMA', status: 'ACTIVE' },
    });
    expect(await databasesLike(database)).toEqual([]);
    expect(await schemasAt(workshop.url('vault'))).toContain(database);
  });

  test.each(['postgres', 'template0', 'template1', 'registry'])('is never named %s', async (schemaName) => {
    await aTenant({ slug }).at(workshop.gateway);
    expect(await toVault({ schemaName })).toMatchObject({ code: 'CONFLICT', fields: ['schemaName'] });
  });

  test('is never a module’s own database', async () => {
    await aTenant({ slug }).at(workshop.gateway);
    const schemaName = new URL(workshop.url('alpha')).pathname.slice(1);
    expect(await toVault({ schemaName })).toMatchObject({ code: 'CONFLICT', fields: ['schemaName'] });
  });
});

describe('a migration that fails in a database of the tenant’s own', () => {
  test('leaves no database, neither under the tenant’s name nor under the one it is built as', async () => {
    await aTenant({ slug }).at(workshop.gateway);
    const building = await nameWhileBuilding();
    await next(brokenMigration);
    const { operation, subscription } = await toVault();
    expect(operation).toMatchObject({
      ...{ status: 'FAILED', error: 'Migration vault/0003_next.sql failed: division by zero' },
    });
    expect(subscription).toMatchObject({ status: 'FAILED', databaseName: database });
    expect(await databasesLike(`${database}%`)).toEqual([]);
    expect(await databasesLike(building)).toEqual([]);
    expect(await resolve(workshop.gateway, slug, 'vault')).toBe('TENANT_NOT_READY');

    await next(mendedMigration);
    const mended = await toVault();
    expect(mended.subscription).toMatchObject({ status: 'ACTIVE', databaseName: database });
    expect(await tablesOf(urlTo(database), 'public')).toContain('whole');
    expect(await databasesLike(building)).toEqual([]);
  });

  test('does not mind what a killed attempt left behind, somebody’s open connection to it included', async () => {
    const tenant = await aTenant({ slug }).at(workshop.gateway);
    const building = await nameWhileBuilding();
    await onServer(`CREATE DATABASE ${building}`);
    const lingering = new pg.Client({ connectionString: urlTo(building) });
    lingering.on('error', () => undefined); // is cut off
    await lingering.connect();
    await lingering.query('CREATE TABLE contact (half int); CREATE TABLE rubbish (id int)');
    expect((await toVault()).subscription.status).toBe('ACTIVE');
    expect(await databasesLike(building)).toEqual([]);
    expect(await tablesOf(urlTo(database), 'public')).not.toContain('rubbish');
    expect(await ownersOf(urlTo(database), 'public')).toEqual([{ tenantId: tenant.id, module: 'vault' }]);
  });

  test('takes a provisioned tenant’s other storage away, and the other way round', async () => {
    await next(brokenMigration);
    const failed = await provision(workshop.gateway, { slug, modules: ['alpha', 'vault'] });
    expect(failed.operation.status).toBe('COMPENSATED');
    expect(await schemasAt(workshop.url('alpha'))).not.toContain(`alpha_${slug}`);

    await workshop.remove('vault/0003_next.sql');
    await using late = await openWorkshop(
      { name: 'vault', migrations: contacts, isolation: 'DATABASE' },
      { name: 'zeta', migrations: { '0001_next.sql': brokenMigration } },
    );
    const undone = await provision(late.gateway, { slug, modules: ['vault', 'zeta'] });
    expect(undone.operation.steps.map(({ status }) => status)).toEqual([
      ...['COMPENSATED', 'FAILED', 'CANCELLED'],
    ]);
    expect(await databasesLike(database)).toEqual([]);
    expect((await lookAt(late.gateway, slug)).status).toBe('FAILED');
  });
});

test('a database that stands under the name already is not touched', async () => {
  await onServer(`CREATE DATABASE ${database}`);
  await queryOnce(urlTo(database), `CREATE TABLE treasure AS SELECT 'gold' AS worth`);
  const before = await photograph(urlTo(database), 'public');
  await aTenant({ slug }).at(workshop.gateway);
  const { operation } = await toVault();
  expect(operation).toMatchObject({
    ...{ status: 'FAILED', error: expect.stringContaining(`Database ${database} exists already`) },
  });
  expect(await photograph(urlTo(database), 'public')).toEqual(before);
  expect(await resolve(workshop.gateway, slug, 'vault')).toBe('TENANT_NOT_READY');
  const helped = await toVault({ schemaName: `${database}_own` });
  expect(helped.subscription).toMatchObject({ status: 'ACTIVE', databaseName: `${database}_own` });
});

test('ten tenants at once get ten databases', async () => {
  const slugs = Array.from({ length: 10 }, (_, at) => `${slug}${String.fromCharCode(97 + at)}`);
  await Promise.all(slugs.map((slug) => aTenant({ slug }).subscribedTo('vault').at(workshop.gateway)));
  expect(await databasesLike(`${database}%`)).toEqual(slugs.map((slug) => `vault_${slug}`));
});
