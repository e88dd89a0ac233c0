import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openFeedSource } from '../../src/feed/registry-feed.js';
import { loadTenantConfigs } from '../../src/registry/resolution/queries.js';
import { queryOnce } from '../database/support/temporary-databases.js';
import { openGateway, recordQueries, type TestGateway } from '../setup/gateway.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';
import {
  aLogin,
  createOwnedDatabase,
  createOwnedRegistry,
  grantRegistryRoles,
  groupRoles,
  refusalOf,
  urlAs,
} from './support/registry-roles.js';

/** A gateway whose role owns the registry's database and is no superuser: its own policies are forced on it. */
let registry: Awaited<ReturnType<typeof createOwnedRegistry>>;
let gateway: TestGateway;
beforeAll(async () => {
  registry = await createOwnedRegistry();
  gateway = await openGateway({ config: { databaseUrl: urlAs(registry.owner, registry) } });
});
afterAll(async () => {
  await gateway?.close();
  await registry?.drop();
});

const ask = <Row extends pg.QueryResultRow>(login: string, sql: string) =>
  queryOnce<Row>(urlAs(login, registry), sql);
const asSuperuser = (sql: string) => queryOnce(registry.url, sql);

async function attributes() {
  const sql = `SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user`;
  return (await ask(registry.owner, sql))[0];
}

describe('a gateway without superuser', () => {
  test('provisions, resolves, suspends, and sees changes that registry_admin makes in psql', async () => {
    expect(await attributes()).toEqual({ rolsuper: false, rolbypassrls: false });
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    expect(await resolve(gateway, id)).toBe(`finance_${slug}`);
    await mutate(gateway, 'suspendTenant', { tenantId: id, reason: 'unpaid' });
    expect(await resolve(gateway, id)).toBe('TENANT_SUSPENDED');
    const admin = await aLogin('registry_admin');
    await ask(admin, `UPDATE tenants SET status = 'active', suspended_reason = NULL WHERE slug = '${slug}'`);
    await expect.poll(() => resolve(gateway, id)).toBe(`finance_${slug}`);
    const [entry] = await ask(
      admin,
      `SELECT actor, database_role FROM registry_change WHERE tenant_id = '${id}' ORDER BY revision DESC LIMIT 1`,
    );
    expect(entry).toEqual({ actor: `role:${admin}`, database_role: admin });
  });

  test('lets a service call the procedures, which run with the rights of the owner', async () => {
    const login = await aLogin('registry_service');
    await asSuperuser(`GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA public TO ${login}`);
    onTestFinished(async () => void (await asSuperuser(`DROP OWNED BY ${login}`)));
    const slug = login.replaceAll('_', '-').slice(0, 40);
    await ask(login, `CALL register_tenant('${slug}', 'By SQL')`);
    await ask(login, `CALL subscribe_tenant_to_module('${slug}', 'finance', '${login}')`);
    await ask(login, `CALL mark_module_provisioned('${slug}', 'finance', 'success')`);
    const asked = `SELECT finance_schema FROM tenant_registry WHERE tenant_slug = '${slug}' AND 'finance' = ANY(modules_subscribed)`;
    expect(await ask(login, asked)).toEqual([{ finance_schema: login }]);
  });

  test('has the plans of a registry without policies', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    const [operation = { id: '' }] = await ask<{ id: string }>(
      registry.owner,
      'SELECT id FROM operations LIMIT 1',
    );
    const url = urlAs(registry.owner, registry);
    const pool = new pg.Pool({ connectionString: url, application_name: 'plans' });
    const source = openFeedSource(pool, { stalenessMs: 5_000 });
    const sent = await recordQueries(async () => {
      await resolve(gateway, id);
      await resolve(gateway, slug, 'inventory');
      await gateway.ask(
        '{ tenants(first: 10) { totalCount edges { node { slug subscriptions { status } } } } }',
      );
      await gateway.ask(`query ($id: ID!) { operation(id: $id) { steps { name } } }`, { id: operation.id });
      await gateway.ask('{ auditLog(first: 10) { edges { node { kind actor } } } }');
      await gateway.ask('{ modules { name } }');
      await loadTenantConfigs(pool, [id], 1_000);
      const epoch = await source.register();
      await source.poll({
        position: { epoch, revision: 1n, hash: '' },
        isSettled: true,
        clientsRevision: undefined,
      });
      await source.unregister(epoch);
    });
    await pool.end();
    const explained = sent.filter(({ text }) => /^\s*(SELECT|WITH|DELETE|INSERT|UPDATE)/i.test(text));
    for (const part of [
      'registry_head',
      '"tenants"',
      'module_subscriptions',
      'operation_steps',
      'registry_change',
      'replicas',
      '"modules"',
    ])
      expect(explained.map(({ text }) => text).join()).toContain(part);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const plans = async () => {
      const found = [];
      for (const { text, values } of explained)
        found.push(
          (await client.query(`EXPLAIN (COSTS OFF) ${text}`, values)).rows.map((row) => row['QUERY PLAN']),
        );
      return found;
    };
    await client.query('BEGIN');
    try {
      const forced = await plans();
      const tables = await client.query<{ name: string }>(
        `SELECT oid::regclass AS name FROM pg_class WHERE relforcerowsecurity AND relnamespace = 'public'::regnamespace`,
      );
      for (const { name } of tables.rows)
        await client.query(`ALTER TABLE ${name} DISABLE ROW LEVEL SECURITY`);
      expect(forced).toEqual(await plans());
    } finally {
      await client.query('ROLLBACK');
      await client.end();
    }
  });

  test('keeps working, and so do the views, when the database belongs to another role than the tables', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    await asSuperuser(`ALTER DATABASE ${registry.name} OWNER TO CURRENT_USER`);
    onTestFinished(
      async () => void (await asSuperuser(`ALTER DATABASE ${registry.name} OWNER TO ${registry.owner}`)),
    );
    await mutate(gateway, 'suspendTenant', { tenantId: id, reason: 'unpaid' });
    await mutate(gateway, 'resumeTenant', { tenantId: id });
    expect(await resolve(gateway, id)).toBe(`finance_${slug}`);
    const asked = `SELECT tenant_slug FROM tenant_registry WHERE tenant_slug = '${slug}'`;
    expect(await ask(await aLogin('registry_service'), asked)).toHaveLength(1);
    const reader = await aLogin('registry_reader');
    expect(await ask(reader, asked)).toHaveLength(0);
    await asSuperuser(`ALTER ROLE ${reader} SET app.tenant_id = '${slug}'`);
    expect(await ask(reader, asked)).toHaveLength(1);
  });
});

test('the roles may be created after the migration', async () => {
  const login = await aLogin();
  await aTenant({ slug: 'later' }).at(gateway);
  const client = new pg.Client({ connectionString: registry.url });
  await client.connect();
  await client.query('BEGIN');
  try {
    // Before: no role of these names exists, and members of others have no name that a policy looks for.
    for (const role of groupRoles) await client.query(`ALTER ROLE ${role} RENAME TO ${role}_of_before`);
    await client.query(`SET LOCAL ROLE ${registry.owner}`);
    expect((await client.query(`SELECT slug FROM tenants WHERE slug = 'later'`)).rowCount).toBe(1);
    await client.query(`RESET ROLE; GRANT EXECUTE ON FUNCTION registry_visible_tenant() TO registry_admin_of_before;
      SET LOCAL ROLE registry_admin_of_before`);
    expect((await client.query('SELECT slug FROM tenants')).rowCount).toBe(0);
    await client.query('RESET ROLE');
    for (const role of groupRoles) await client.query(`CREATE ROLE ${role}`);
    await client.query(`GRANT SELECT ON tenants TO registry_reader;
      GRANT EXECUTE ON FUNCTION registry_sees_everything(), registry_sees_routes(), registry_visible_tenant() TO registry_reader;
      GRANT registry_reader TO ${login}; SET LOCAL app.tenant_id = 'later'; SET LOCAL ROLE ${login}`);
    expect((await client.query('SELECT slug FROM tenants')).rows).toEqual([{ slug: 'later' }]);
  } finally {
    await client.query('ROLLBACK');
    await client.end();
  }
});

test('what README granted before is taken back, and a role with rights of its own is refused', async () => {
  const database = await createOwnedDatabase();
  onTestFinished(database.drop);
  const login = await aLogin();
  const url = urlAs(database.owner, database);
  const folder = new URL('../../prisma/migrations/', import.meta.url);
  const scripts = [];
  for (const name of (await readdir(folder)).filter((entry) => /^\d/.test(entry)).sort())
    scripts.push({ name, sql: await readFile(new URL(`${name}/migration.sql`, folder), 'utf8') });
  const isNew = ({ name }: { name: string }) => name >= '20261129000007';
  for (const { sql } of scripts.filter((script) => !isNew(script))) await queryOnce(url, sql);
  await queryOnce(
    url,
    `GRANT SELECT ON tenant_registry, tenant_module_log, operations TO ${login};
     GRANT SELECT (id, slug, name, status) ON tenants TO ${login}; GRANT SELECT ON modules TO PUBLIC`,
  );
  for (const { sql } of scripts.filter(isNew)) await queryOnce(url, sql);
  const tables = ['tenant_registry', 'tenant_module_log', 'operations', 'tenants', 'modules'];
  const granted = `SELECT DISTINCT relname AS name FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
      AND EXISTS (SELECT FROM aclexplode(relacl || attacl) WHERE grantee <> relowner)`;
  expect(await queryOnce(database.url, granted)).toEqual([]);
  // An error and not an empty answer, which would look like a registry without tenants.
  for (const table of tables) {
    await queryOnce(url, `GRANT SELECT ON ${table} TO ${login}`);
    expect(await refusalOf(queryOnce(urlAs(login, database), `SELECT FROM ${table}`))).toMatch(
      /^permission denied for function registry_/,
    );
  }
});

test('the printed statements can be repeated', async () => {
  await grantRegistryRoles(registry);
  await grantRegistryRoles(registry);
});
