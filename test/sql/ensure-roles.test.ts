import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openServiceDatabases, type ServiceDatabases } from '../../src/database/service-databases.js';
import { openLog } from '../../src/log.js';
import { installCopy } from '../../src/provisioning/copies/migration-copy.js';
import { planGrants } from '../../src/provisioning/storage/grants.js';
import { queryOnce } from '../database/support/temporary-databases.js';
import { urlTo } from '../provisioning/support/catalog.js';
import { createDatabase, type TestDatabase, uniqueName } from '../setup/database.js';
import { codeOf } from './support/procedure-calls.js';

/** A database whose administrator has run what `grants` prints for two modules, and nothing else. */
let database: TestDatabase;
let databases: ServiceDatabases;
const [module, other] = [uniqueName('m').slice(0, 31), uniqueName('n').slice(0, 31)];
const provisioner = uniqueName('prov');
const reference = { databaseRef: 'SOME_DB_URL', databaseName: 'some' };
const migrations = [
  {
    name: 'x/1.sql',
    sql: `CREATE TABLE invoice (title text); INSERT INTO invoice VALUES (current_user);
          CREATE FUNCTION total() RETURNS bigint STABLE BEGIN ATOMIC SELECT count(*) FROM invoice; END`,
    checksum: '0'.repeat(64),
  },
];

const onServer = (sql: string) => queryOnce(urlTo('postgres'), sql);

function urlAs(role: string): string {
  const url = new URL(database.url);
  url.username = role;
  url.password = 'secret';
  return url.href;
}

const asService = (sql: string) => queryOnce(urlAs(`${module}_service`), sql);

beforeAll(async () => {
  database = await createDatabase();
  for (const name of [module, other]) {
    const [grants] = planGrants([
      { module: name, server: 'here:5432', database: database.name, provisioner, hasDatabases: false },
    ]);
    for (const statement of grants?.statements ?? []) await queryOnce(database.url, statement);
    await onServer(`ALTER ROLE ${name}_service PASSWORD 'secret'`);
  }
  await onServer(`ALTER ROLE ${provisioner} PASSWORD 'secret'`);
  databases = openServiceDatabases({
    urls: { SOME_DB_URL: urlAs(provisioner) },
    fallbackUrl: () => Promise.reject(new Error('not embedded')),
    log: openLog('error'),
  });
  for (const name of [module, other])
    await databases.withConnection(reference, (client) =>
      installCopy(client, { module: name, databaseName: 'some', migrations }),
    );
});
afterAll(async () => {
  await databases?.close();
  await database?.drop();
  for (const name of [module, other])
    await onServer(`DROP ROLE ${name}_service; DROP ROLE ${name}_access; DROP ROLE ${name}_tenants`);
  await onServer(`DROP ROLE ${provisioner}`);
});

describe('with the roles that grants prints', () => {
  test('a service makes a schema that belongs to the module’s role, though it may make none by itself', async () => {
    const schema = uniqueName('s');
    expect(await codeOf(asService(`CREATE SCHEMA ${schema}`))).toMatch(/^42501/);
    await asService(`CALL ensure_${module}_tenant_schema('${randomUUID()}', '${schema}')`);
    const owners = await queryOnce(
      database.url,
      `SELECT pg_get_userbyid(nspowner) AS owner FROM pg_namespace WHERE nspname = '${schema}'
       UNION SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = '${schema}'::regnamespace
       UNION SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE pronamespace = '${schema}'::regnamespace`,
    );
    expect(owners).toEqual([{ owner: `${module}_tenants` }]);
    // Migrations ran as that role and no mightier one.
    expect(await asService(`SELECT title FROM ${schema}.invoice`)).toEqual([{ title: `${module}_tenants` }]);
  });

  test('the provisioner makes the same', async () => {
    const schema = uniqueName('s');
    await queryOnce(
      urlAs(provisioner),
      `CALL ensure_${module}_tenant_schema('${randomUUID()}', '${schema}')`,
    );
    expect(await asService(`SELECT title FROM ${schema}.invoice`)).toEqual([{ title: `${module}_tenants` }]);
  });

  test('a service goes on as who it was, inside a transaction too', async () => {
    const rows = await asService(
      `DO $$ BEGIN CALL ensure_${module}_tenant_schema('${randomUUID()}', '${uniqueName('s')}');
         IF current_user <> session_user THEN RAISE 'still %', current_user; END IF; END $$`,
    );
    expect(rows).toEqual([]);
  });

  test('a service reaches no other module, no binding and no copy', async () => {
    const [tenantId, schema] = [randomUUID(), uniqueName('s')];
    const attempts = [
      `CALL ensure_${other}_tenant_schema('${tenantId}', '${schema}')`,
      `SELECT tenant_guard.ensure_schema('${other}', 'some', '${tenantId}', '${schema}')`,
      `SELECT tenant_guard.ensure_schema('${module}', 'some', '${tenantId}', '${schema}')`,
      `SELECT tenant_guard.run_${module}_file('${schema}', 'x', 'SELECT 1')`,
      `SELECT tenant_guard.run_file('${schema}', 'x', 'SELECT 1')`,
      `SELECT FROM tenant_guard.foreign_parts(ARRAY['public'], NULL)`,
      'SELECT FROM tenant_guard.migration',
      `UPDATE tenant_guard.binding SET state = 'active'`,
      'SELECT FROM tenant_guard.schema_version',
      `INSERT INTO tenant_guard.schema_version (migration) VALUES ('x/1.sql')`,
      `SET ROLE ${module}_tenants`,
      `CREATE OR REPLACE PROCEDURE ensure_${module}_tenant_schema(tenant_id uuid, schema text) LANGUAGE sql AS 'SELECT 1'`,
    ];
    for (const attempt of attempts) expect(await codeOf(asService(attempt))).toMatch(/^42501/);
  });

  test('a service gets data rights in the schema, and can neither change nor add definitions', async () => {
    const [tenantId, schema] = [randomUUID(), uniqueName('s')];
    await asService(`CALL ensure_${module}_tenant_schema('${tenantId}', '${schema}')`);
    await asService(
      `INSERT INTO ${schema}.invoice VALUES ('two'); UPDATE ${schema}.invoice SET title = 'three' WHERE title = 'two';
       DELETE FROM ${schema}.invoice WHERE title = 'three'; SELECT ${schema}.total()`,
    );
    const attempts = [
      `CREATE TABLE ${schema}.mine (id int)`,
      `CREATE FUNCTION ${schema}.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
      `CREATE TRIGGER mine AFTER INSERT ON ${schema}.invoice EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
      `CREATE RULE mine AS ON INSERT TO ${schema}.invoice DO NOTHING`,
      `CREATE POLICY mine ON ${schema}.invoice`,
      `ALTER TABLE ${schema}.invoice ALTER title SET DEFAULT 'mine'`,
      `TRUNCATE ${schema}.invoice`,
      `DROP SCHEMA ${schema} CASCADE`,
    ];
    for (const attempt of attempts) expect(await codeOf(asService(attempt)), attempt).toMatch(/^42501/);
    expect(
      await asService(
        `SELECT has_table_privilege('${schema}.invoice', 'REFERENCES, TRIGGER, TRUNCATE') AS may`,
      ),
    ).toEqual([{ may: false }]);
    expect(await codeOf(asService(`SELECT tenant_guard.enter('${tenantId}', '${schema}', 1)`))).toBe(
      'TR004 TENANT_NOT_READY',
    );
  });

  test('without the right to make procedures in public, the copy is refused with what to grant', async () => {
    await queryOnce(database.url, `REVOKE CREATE ON SCHEMA public FROM ${provisioner}`);
    const third = uniqueName('o').slice(0, 31);
    await expect(
      databases.withConnection(reference, (client) =>
        installCopy(client, { module: third, databaseName: 'some', migrations }),
      ),
    ).rejects.toThrow(`GRANT USAGE, CREATE ON SCHEMA public TO ${provisioner}`);
    await queryOnce(database.url, `GRANT CREATE ON SCHEMA public TO ${provisioner}`);
  });
});
