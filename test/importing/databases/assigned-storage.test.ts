import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { migrateRegistry } from '../../../src/database/migrations/migrate.js';
import { aUser, queryOnce } from '../../database/support/temporary-databases.js';
import { urlTo } from '../../provisioning/support/catalog.js';
import { openGatewayWithModules } from '../../provisioning/support/gateway-with-own-modules.js';
import { createDatabase, uniqueName } from '../../setup/database.js';
import { openGateway } from '../../setup/gateway.js';
import { mutate, resolve } from '../../setup/graphql-calls.js';
import {
  actions,
  entryFor,
  legacyRegistry,
  legacySchema,
  revisionOf,
  takeOver,
} from '../support/legacy-story.js';

test('each of two modules in one database gets the schemas with its prefix, and the longer prefix wins', async () => {
  await using testbed = await openGatewayWithModules(
    { name: 'crm', schemaPrefix: 'crm_' },
    { name: 'calls', schemaPrefix: 'crm_calls_', sharing: 'crm' },
    { name: 'notes', schemaPrefix: 'crm_', sharing: 'crm' },
  );
  const { gateway } = testbed;
  await testbed.psql(
    'crm',
    legacySchema('crm_calls_acme') + legacySchema('crm_acme') + legacySchema('crmacme'),
  );
  const both = await takeOver(gateway, { modules: ['crm', 'calls', 'notes'] });
  expect(actions(both)).toEqual(['crm_acme: ambiguous', 'crm_calls_acme: register']);
  expect(entryFor(both, 'crm_acme').why).toBe(
    'modules crm and notes have this prefix: choose one with --module',
  );
  const chosen = await takeOver(gateway, { modules: ['crm'] });
  expect(actions(chosen)).toEqual(['crm_acme: subscribe']);
  expect(await resolve(gateway, 'acme', 'crm')).toBe('crm_acme');
  expect(await resolve(gateway, 'acme', 'calls')).toBe('crm_calls_acme');
  const repeated = await takeOver(gateway, { modules: ['crm', 'calls', 'notes'] });
  expect(actions(repeated)).toEqual(['crm_acme: unchanged', 'crm_calls_acme: unchanged']);
});

test('a table of tenants in a database of two modules is read once and assigns the schemas', async () => {
  await using testbed = await openGatewayWithModules(
    { name: 'ops2', schemaPrefix: 'tenant_' },
    { name: 'fin2', schemaPrefix: 'tenant_', sharing: 'ops2' },
  );
  const { gateway } = testbed;
  const id = randomUUID();
  await testbed.psql(
    'ops2',
    `${legacySchema('tenant_acme')} ${legacySchema('tenant_acme_books')}
     CREATE TABLE tenants (id uuid, slug text, fin2_schema text, ops2_schema_name text);
     INSERT INTO tenants VALUES ('${id}', 'acme', 'tenant_acme_books', 'tenant_acme')`,
  );
  const report = await takeOver(gateway, { modules: ['ops2', 'fin2'] });
  expect(report.tables).toHaveLength(1);
  expect(actions(report)).toEqual(['tenant_acme: register', 'tenant_acme_books: register']);
  expect(await resolve(gateway, id, 'fin2')).toBe('tenant_acme_books');
  expect(await resolve(gateway, id, 'ops2')).toBe('tenant_acme');
});

test('a database per tenant is found on the server and taken over unchanged', async () => {
  const prefix = `${uniqueName('v').slice(0, 18)}_`;
  await using testbed = await openGatewayWithModules({
    name: 'vault',
    isolation: 'DATABASE',
    schemaPrefix: prefix,
  });
  const { gateway } = testbed;
  const name = `${prefix}Acme-Corp_${uniqueName('t')}`;
  await testbed.psql('vault', `CREATE DATABASE ${pg.escapeIdentifier(name)}`);
  onTestFinished(async () => {
    await queryOnce(urlTo('postgres'), `DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
  });
  const map = `${name},,acme-corp,Acme`;
  const report = await takeOver(gateway, { modules: ['vault'], map });
  expect(report.entries).toEqual([
    expect.objectContaining({ database: name, schema: 'public', slug: 'acme-corp', action: 'register' }),
  ]);
  const { data } = await gateway.ask(
    '{ tenantSchema(id: "acme-corp", module: "vault") { schemaName databaseName isolation } }',
  );
  expect(data.tenantSchema).toEqual({ schemaName: 'public', databaseName: name, isolation: 'DATABASE' });
  expect(
    await queryOnce(urlTo(name), `SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace`),
  ).toEqual([]);
  const revision = await revisionOf(gateway);
  expect((await takeOver(gateway, { modules: ['vault'] })).entries[0]?.action).toBe('unchanged');
  expect(await revisionOf(gateway)).toBe(revision);
});

test('tenants of an earlier registry are read from the tables that the migration renamed', async () => {
  const legacy = await createDatabase();
  const [kept, numbered] = [randomUUID(), randomUUID()];
  await queryOnce(
    legacy.url,
    `CREATE TABLE tenants (id uuid PRIMARY KEY, slug text UNIQUE, name text, is_active boolean);
     INSERT INTO tenants VALUES ('${kept}', 'acme', 'Acme Ltd', true), ('${numbered}', 'quiet', 'Quiet', false)`,
  );
  await migrateRegistry(legacy.url, { renamesOldTables: true, warn: () => undefined });
  await using gateway = await openGateway({ config: { databaseUrl: legacy.url } });
  onTestFinished(() => legacy.drop());
  await gateway.psqlIn('finance', legacySchema('finance_acme') + legacySchema('finance_quiet'));
  const report = await takeOver(gateway);
  expect(report.tables).toEqual([
    expect.objectContaining({ table: 'public.tenants_before_registry', renamedTo: null, problem: null }),
  ]);
  expect(entryFor(report, 'finance_acme')).toMatchObject({
    tenantId: kept,
    name: 'Acme Ltd',
    idFrom: `tenants in ${legacy.name}`,
  });
  expect(await resolve(gateway, kept)).toBe('finance_acme');
  expect(await resolve(gateway, numbered)).toBe('TENANT_SUSPENDED');
  const { data } = await gateway.ask('query ($id: ID!) { tenant(id: $id) { suspendedReason } }', {
    id: numbered,
  });
  expect(data.tenant.suspendedReason).toBe(`inactive in tenants in ${legacy.name}`);
});

test('schemas that the registry made name their tenants even after the registry was lost', async () => {
  await using lost = await openGateway();
  const { result } = await mutate(lost, 'registerTenant', { name: 'Acme', slug: 'acme' }, 'tenant { id }');
  await mutate(lost, 'subscribeTenantToModule', { tenantId: 'acme', module: 'finance' });
  const urls = { FINANCE_DB_URL: lost.serviceUrl('finance') };
  await using fresh = await openGateway({ config: { serviceDatabaseUrls: urls } });
  const report = await takeOver(fresh, { modules: ['finance'] });
  expect(entryFor(report, 'finance_acme')).toMatchObject({
    tenantId: result.tenant.id,
    idFrom: 'schema_version',
  });
  expect(await resolve(fresh, result.tenant.id)).toBe('finance_acme');
  const rows = await fresh.psql('SELECT migration_version FROM module_subscriptions');
  expect(rows).toEqual([{ migration_version: 'finance/0002_invoice_numbering.sql' }]);
});

test('the map resolves two tables with different ids for one slug, without changing an id', async () => {
  await using gateway = await openGateway();
  const [one, two] = [randomUUID(), randomUUID()];
  await gateway.psqlIn(
    'operations',
    legacySchema('tenant_acme') + legacyRegistry([{ id: one, slug: 'acme' }]),
  );
  await gateway.psqlIn(
    'finance',
    legacySchema('finance_acme') + legacyRegistry([{ id: two, slug: 'acme', finance: 'finance_acme' }]),
  );
  const contradictory = await takeOver(gateway);
  expect(new Set(contradictory.entries.map(({ action }) => action))).toEqual(new Set(['conflict']));
  expect(await gateway.psql('SELECT FROM tenants')).toEqual([]);
  const invented = await takeOver(gateway, { map: `finance_acme,${randomUUID()},acme,` });
  expect(entryFor(invented, 'finance_acme').why).toContain('ids do not change');
  const corrected = await takeOver(gateway, { map: `finance_acme,${one},acme,` });
  expect(actions(corrected)).toEqual(['finance_acme: register', 'tenant_acme: register']);
  expect(await gateway.psql('SELECT id FROM tenants')).toEqual([{ id: one }]);
  expect(actions(await takeOver(gateway))).toEqual(['finance_acme: unchanged', 'tenant_acme: unchanged']);
});

test('missing rights of the database role are reported, and everything else is done', async () => {
  const user = await aUser();
  const service = await createDatabase();
  onTestFinished(() => service.drop());
  await queryOnce(
    service.url,
    `${legacySchema('finance_acme')} ${legacyRegistry([{ id: randomUUID(), slug: 'acme' }])}
     GRANT SELECT ON tenant_registry TO ${user.name}`,
  );
  onTestFinished(() => queryOnce(service.url, `DROP OWNED BY ${user.name}`).then(() => undefined));
  const url = new URL(user.url);
  url.pathname = service.name;
  await using gateway = await openGateway({ config: { serviceDatabaseUrls: { FINANCE_DB_URL: url.href } } });
  const report = await takeOver(gateway, { modules: ['finance'] });
  expect(report.tables).toEqual([
    expect.objectContaining({ renamedTo: null, problem: expect.stringContaining('must be owner of table') }),
  ]);
  expect(entryFor(report, 'finance_acme')).toMatchObject({
    action: 'conflict',
    why: expect.stringContaining(`permission denied for database ${service.name}`),
  });
  expect(await resolve(gateway, 'acme')).toBe('TENANT_NOT_READY');
  await queryOnce(service.url, `GRANT CREATE ON DATABASE ${service.name} TO ${user.name}`);
  expect(actions(await takeOver(gateway, { modules: ['finance'] }))).toEqual(['finance_acme: register']);
  expect(await resolve(gateway, 'acme')).toBe('finance_acme');
});
