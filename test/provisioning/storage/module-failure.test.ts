import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { uniqueName } from '../../setup/database.js';
import { aTenant, type StoryTenant } from '../../setup/stories.js';
import { listSchemas, listTables, readSchemaContents } from '../support/catalog.js';
import {
  brokenMigration,
  contacts,
  correctedMigration,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import { readTenant, resolve, subscribe, unsubscribe } from '../support/provisioning-calls.js';

let testbed: GatewayWithModules;
let tenant: StoryTenant;
let schema: string;
beforeAll(async () => {
  testbed = await openGatewayWithModules({ name: 'crm', migrations: contacts });
});
afterAll(() => testbed.close());

beforeEach(async () => {
  tenant = await aTenant({ slug: uniqueName('t') }).at(testbed.gateway);
  schema = `crm_${tenant.slug}`;
});

const toCrm = () => subscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm' });

describe('a migration that fails in the middle', () => {
  beforeEach(async () => {
    await testbed.write('crm/0003_half.sql', brokenMigration);
    return () => testbed.remove('crm/0003_half.sql');
  });

  test('leaves no schema, no table and no route, and names the file in operation and history', async () => {
    const { code, operation, subscription } = await toCrm();
    expect(code).toBeUndefined();
    expect(operation.status).toBe('FAILED');
    expect(operation.error).toBe('Migration crm/0003_half.sql failed: broken on purpose');
    expect(operation.finishedAt).not.toBeNull();
    expect(operation.steps).toEqual([
      { name: 'CREATE_SCHEMA', module: 'crm', status: 'FAILED', error: operation.error },
      { name: 'ACTIVATE_ROUTE', module: null, status: 'CANCELLED', error: null },
    ]);
    expect(subscription).toMatchObject({ status: 'FAILED', schemaName: schema });
    expect(await listSchemas(testbed.url('crm'))).not.toContain(schema);
    expect(await everywhere('half')).toEqual([]);
    expect(await resolve(testbed.gateway, tenant.id, 'crm')).toBe('TENANT_NOT_READY');

    const seen = await readTenant(testbed.gateway, tenant.id);
    expect(seen.status).toBe('ACTIVE');
    expect(seen.subscriptions[0]?.history).toEqual([operation]);
  });

  test('is undone for this tenant only; the others keep resolving', async () => {
    await testbed.remove('crm/0003_half.sql');
    const neighbour = await aTenant().subscribedTo('crm').at(testbed.gateway);
    const before = await readSchemaContents(testbed.url('crm'), `crm_${neighbour.slug}`);
    await testbed.write('crm/0003_half.sql', brokenMigration);
    expect((await toCrm()).operation.status).toBe('FAILED');
    expect(await readSchemaContents(testbed.url('crm'), `crm_${neighbour.slug}`)).toEqual(before);
    expect(await resolve(testbed.gateway, neighbour.id, 'crm')).toBe(`schema crm_${neighbour.slug}`);
  });

  test('once corrected, the same call succeeds under the same name, and the history keeps both attempts', async () => {
    const failed = await toCrm();
    await testbed.write('crm/0003_half.sql', correctedMigration);
    const { operation, subscription } = await toCrm();
    expect(operation).toMatchObject({ status: 'SUCCEEDED', error: null });
    expect(operation.steps.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    expect(subscription).toMatchObject({
      ...failed.subscription,
      status: 'ACTIVE',
      migrationVersion: 'crm/0003_half.sql',
    });
    expect(await resolve(testbed.gateway, tenant.id, 'crm')).toBe(`schema ${schema}`);
    expect(await listTables(testbed.url('crm'), schema)).toEqual([
      ...['activity_log', 'contact', 'note', 'settings', 'whole'],
    ]);
    const seen = await readTenant(testbed.gateway, tenant.id);
    expect(seen.subscriptions[0]?.history).toEqual([operation, failed.operation]);
  });

  test('fails again until it is corrected, and can be retried any number of times', async () => {
    for (let attempt = 0; attempt < 3; attempt++) expect((await toCrm()).operation.status).toBe('FAILED');
    const seen = await readTenant(testbed.gateway, tenant.id);
    expect(seen.subscriptions).toHaveLength(1);
    expect(seen.subscriptions[0]?.history).toHaveLength(3);
    expect(await listSchemas(testbed.url('crm'))).not.toContain(schema);
  });
});

describe('a file that would end or split the transaction', () => {
  const tricks = {
    'COMMIT between two statements': 'CREATE TABLE kept (id int); COMMIT; CREATE TABLE more (id int);',
    'COMMIT and BEGIN': 'CREATE TABLE kept (id int); COMMIT; BEGIN; SELECT 1 / 0;',
    ROLLBACK: 'ROLLBACK; CREATE TABLE kept (id int);',
    ABORT: 'ABORT; CREATE TABLE kept (id int);',
    SAVEPOINT: 'SAVEPOINT here; CREATE TABLE kept (id int); ROLLBACK TO here;',
    'COMMIT AND CHAIN': 'CREATE TABLE kept (id int); COMMIT AND CHAIN;',
    'PREPARE TRANSACTION': `CREATE TABLE kept (id int); PREPARE TRANSACTION 'kept';`,
    'COMMIT in a DO block': 'CREATE TABLE kept (id int); DO $$ BEGIN COMMIT; END $$;',
    'COMMIT in a procedure': `CREATE TABLE kept (id int);
      CREATE PROCEDURE finish() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$; CALL finish();`,
    'the end of the string it runs in': `CREATE TABLE kept (id int); ' ; END $$; COMMIT; --`,
    'a dollar quote that closes another': 'CREATE TABLE kept (id int); END $$; COMMIT; DO $$ BEGIN NULL;',
  };
  test.each(Object.entries(tricks))('%s is refused, and nothing is left', async (_name, sql) => {
    await testbed.write('crm/0003_trick.sql', sql);
    const { operation } = await toCrm();
    await testbed.remove('crm/0003_trick.sql');
    expect(operation).toMatchObject({
      status: 'FAILED',
      error: expect.stringContaining('crm/0003_trick.sql'),
    });
    expect(await listSchemas(testbed.url('crm'))).not.toContain(schema);
    expect(await everywhere('kept')).toEqual([]);
    expect(await resolve(testbed.gateway, tenant.id, 'crm')).toBe('TENANT_NOT_READY');
    expect((await toCrm()).operation.status).toBe('SUCCEEDED');
  });
});

describe('constraints that a file defers to the end of the transaction', () => {
  test('a violated deferred constraint fails its file, not the commit', async () => {
    await testbed.write(
      'crm/0003_deferred.sql',
      `CREATE TABLE child (parent int REFERENCES contact (id) DEFERRABLE INITIALLY DEFERRED);
       INSERT INTO child VALUES (404);`,
    );
    const { operation } = await toCrm();
    await testbed.remove('crm/0003_deferred.sql');
    expect(operation.status).toBe('FAILED');
    expect(operation.error).toMatch(/^Migration crm\/0003_deferred\.sql failed: .*violates foreign key/);
    expect(await listSchemas(testbed.url('crm'))).not.toContain(schema);
  });
});

describe('a file that was edited after it ran', () => {
  test('is refused when the tenant subscribes again, and the data is unchanged', async () => {
    expect((await toCrm()).operation.status).toBe('SUCCEEDED');
    await testbed.psql('crm', `INSERT INTO ${schema}.contact VALUES (1, 'Ada')`);
    await unsubscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm' });
    expect(await resolve(testbed.gateway, tenant.id, 'crm')).toBe('MODULE_NOT_SUBSCRIBED');
    const before = await readSchemaContents(testbed.url('crm'), schema);

    await testbed.write('crm/0002_notes.sql', 'CREATE TABLE note (body text);');
    const refused = await toCrm();
    await testbed.write('crm/0002_notes.sql', contacts['0002_notes.sql']);
    expect(refused.operation.status).toBe('FAILED');
    expect(refused.operation.error).toContain('crm/0002_notes.sql was changed after it ran');
    expect(await readSchemaContents(testbed.url('crm'), schema)).toEqual(before);
    expect(await resolve(testbed.gateway, tenant.id, 'crm')).toBe('TENANT_NOT_READY');

    expect((await toCrm()).operation.status).toBe('SUCCEEDED');
    expect(await readSchemaContents(testbed.url('crm'), schema)).toEqual(before);
    expect(await resolve(testbed.gateway, tenant.id, 'crm')).toBe(`schema ${schema}`);
  });

  test('beside a new file that fails: neither the file nor its error changes the existing schema', async () => {
    expect((await toCrm()).operation.status).toBe('SUCCEEDED');
    await testbed.psql('crm', `INSERT INTO ${schema}.contact VALUES (1, 'Ada')`);
    await unsubscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm' });
    const before = await readSchemaContents(testbed.url('crm'), schema);
    await testbed.write('crm/0003_half.sql', `DELETE FROM contact; ${brokenMigration}`);
    const { operation } = await toCrm();
    await testbed.remove('crm/0003_half.sql');
    expect(operation.status).toBe('FAILED');
    expect(await readSchemaContents(testbed.url('crm'), schema)).toEqual(before);
  });
});

/** The schemas of the module's database that have a table of this name. */
async function everywhere(table: string): Promise<string[]> {
  const rows = await testbed.psql<{ schema: string }>(
    'crm',
    `SELECT relnamespace::regnamespace::text AS schema FROM pg_class WHERE relname = '${table}'`,
  );
  return rows.map(({ schema }) => schema);
}
