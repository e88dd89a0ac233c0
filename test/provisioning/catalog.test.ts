import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { queryOnce } from '../database/support/temporary-databases.js';
import { aTenant } from '../setup/stories.js';
import { listSchemas, listTables, readSchemaOwners } from './support/catalog.js';
import { type GatewayWithModules, openGatewayWithModules } from './support/gateway-with-own-modules.js';
import { resolve, subscribe } from './support/provisioning-calls.js';

let testbed: GatewayWithModules;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'crm', migrations: {} },
    { name: 'hr', migrations: { '0001_people.sql': 'CREATE TABLE person (id int);' }, sharing: 'crm' },
    { name: 'bare' },
    { name: 'empty', migrations: {} },
  );
});
afterAll(() => testbed.close());

describe('provisioned storage', () => {
  test('is in the tenant’s schema and nowhere else, and belongs to the gateway’s role', async () => {
    await testbed.write(
      'crm/0001_everything.sql',
      `CREATE TYPE mood AS ENUM ('glad', 'sad');
       CREATE DOMAIN rating AS int CHECK (VALUE > 0);
       CREATE SEQUENCE ticket;
       CREATE TABLE contact (id serial PRIMARY KEY, mood mood, rating rating);
       CREATE MATERIALIZED VIEW happy AS SELECT id FROM contact WHERE mood = 'glad';
       CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
       CREATE TRIGGER touch BEFORE UPDATE ON contact FOR EACH ROW EXECUTE FUNCTION touch();`,
    );
    // The first tenant of a database installs the guard.
    await aTenant().subscribedTo('crm').at(testbed.gateway);
    const before = await objectsByPlace(testbed.url('crm'));
    const tenant = await aTenant().subscribedTo('crm').at(testbed.gateway);
    const after = await objectsByPlace(testbed.url('crm'));
    const schema = `crm_${tenant.slug}`;
    expect(after.filter(({ place }) => place !== schema)).toEqual(before);
    const [user] = await queryOnce<{ name: string }>(testbed.url('crm'), 'SELECT current_user::text AS name');
    const made = after.filter(({ place }) => place === schema);
    expect(new Set(made.map(({ owner }) => owner))).toEqual(new Set([user?.name]));
    expect(made.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['schema', 'class', 'function', 'type']),
    );
  });

  test('belongs to one tenant each when several are provisioned at once in one database', async () => {
    const tenants = await Promise.all(
      Array.from({ length: 5 }, () => aTenant().subscribedTo('crm').at(testbed.gateway)),
    );
    for (const { id, slug } of tenants)
      expect(await readSchemaOwners(testbed.url('crm'), `crm_${slug}`)).toEqual([
        { tenantId: id, module: 'crm' },
      ]);
  });

  test.each([
    ['bare', 'without a folder'],
    ['empty', 'with an empty folder'],
  ])('of a module %s (%s) has the tables that every tenant has', async (module) => {
    const tenant = await aTenant().subscribedTo(module).at(testbed.gateway);
    expect(await resolve(testbed.gateway, tenant.id, module)).toBe(`schema ${module}_${tenant.slug}`);
    expect(await listTables(testbed.url(module), `${module}_${tenant.slug}`)).toEqual([
      ...['activity_log', 'settings'],
    ]);
  });

  test('always has those tables: with a MODULES_DIR that lacks them no tenant is provisioned', async () => {
    await using odd = await openGatewayWithModules({ name: 'odd' });
    const tenant = await aTenant().at(odd.gateway);
    await odd.remove('_every');
    const { operation } = await subscribe(odd.gateway, { tenantId: tenant.id, module: 'odd' });
    expect(operation).toMatchObject({ status: 'FAILED', error: expect.stringContaining('_every') });
    expect(await listSchemas(odd.url('odd'))).toEqual([]);
  });
});

describe('connections that provisioning leaves in the pool', () => {
  test('have their original search_path and settings, whatever a migration set', async () => {
    // SET LOCAL could only leak into connections that have had a transaction.
    const settings = () =>
      inThePool(
        `SELECT name, setting FROM pg_settings WHERE source = 'session' AND name NOT LIKE 'transaction%'`,
      );
    const path = () => inThePool('SHOW search_path');
    const before = [await path(), await settings()];
    await testbed.write(
      'crm/0002_settings.sql',
      // The text of a file may set nothing; what a DO block does is seen only when it runs.
      `DO $$ BEGIN
         SET statement_timeout = 0; SET lock_timeout = 1234; SET ROLE pg_read_all_data; RESET ROLE;
         PERFORM pg_catalog.set_config('search_path', 'pg_catalog', false);
       END $$;`,
    );
    await aTenant().subscribedTo('crm').at(testbed.gateway);
    await testbed.remove('crm/0002_settings.sql');
    expect([await path(), await settings()]).toEqual(before);
  });

  test('keep no temporary table: a file that makes one is undone', async () => {
    onTestFinished(() => testbed.remove('crm/0002_staging.sql'));
    await testbed.write(
      'crm/0002_staging.sql',
      `DO $$ BEGIN
         CREATE TEMPORARY TABLE staging AS SELECT 'of one tenant' AS text;
         CREATE TABLE imported AS SELECT text FROM staging;
       END $$;`,
    );
    const subscribed = aTenant().subscribedTo('crm').at(testbed.gateway);
    await expect(subscribed).rejects.toThrow(/table pg_temp_\d+\.staging/);
    expect(await inThePool(`SELECT to_regclass('pg_temp.staging')::text AS found`)).toEqual(
      everyConnection([{ found: null }]),
    );
  });

  test('hold no lock', async () => {
    await aTenant().subscribedTo('crm').at(testbed.gateway);
    expect(
      await queryOnce(
        testbed.url('crm'),
        `SELECT objid FROM pg_locks JOIN pg_database AS here ON here.oid = pg_locks.database
         WHERE locktype = 'advisory' AND datname = current_database()`,
      ),
    ).toEqual([]);
  });
});

describe('two modules in one physical database', () => {
  test('one tenant does not get the name that another tenant has in the other module', async () => {
    const [first, second] = [await aTenant().at(testbed.gateway), await aTenant().at(testbed.gateway)];
    const schemaName = `house_${first.slug}`;
    await subscribe(testbed.gateway, { tenantId: first.id, module: 'crm', schemaName });
    const refused = await subscribe(testbed.gateway, { tenantId: second.id, module: 'hr', schemaName });
    expect(refused).toMatchObject({ code: 'CONFLICT', fields: ['schemaName'] });
    expect(await readSchemaOwners(testbed.url('crm'), schemaName)).toEqual([
      { tenantId: first.id, module: 'crm' },
    ]);
  });

  test('a tenant’s modules do not share a schema', async () => {
    const tenant = await aTenant().at(testbed.gateway);
    const schemaName = `house_${tenant.slug}`;
    await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm', schemaName });
    const refused = await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'hr', schemaName });
    expect(refused).toMatchObject({ code: 'CONFLICT', fields: ['schemaName'] });
    expect(await listTables(testbed.url('crm'), schemaName)).not.toContain('person');
    expect(await readSchemaOwners(testbed.url('crm'), schemaName)).toEqual([
      { tenantId: tenant.id, module: 'crm' },
    ]);

    const own = await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'hr' });
    expect(own.subscription).toMatchObject({ status: 'ACTIVE', schemaName: `hr_${tenant.slug}` });
    expect(await listTables(testbed.url('hr'), `hr_${tenant.slug}`)).toContain('person');
  });
});

const poolSize = 5;

/** The answers of all connections of the gateway's pool to the module's database. */
async function inThePool(sql: string): Promise<unknown[]> {
  const place = {
    databaseRef: 'CRM_DB_URL',
    databaseName: new URL(testbed.url('crm')).pathname.slice(1),
  };
  let arrived = 0;
  let allAreHere = () => {};
  const together = new Promise<void>((resolve) => {
    allAreHere = resolve;
  });
  return Promise.all(
    everyConnection(place).map((reference) =>
      testbed.gateway.app.serviceDatabases.withConnection(reference, async (client) => {
        arrived++;
        if (arrived === poolSize) allAreHere();
        await together;
        return (await client.query(sql)).rows;
      }),
    ),
  );
}

function everyConnection<T>(value: T): T[] {
  return Array.from({ length: poolSize }, () => value);
}

/** All schemas, relations, functions and types besides PostgreSQL’s own, with schema and owner. */
async function objectsByPlace(url: string) {
  return await queryOnce<{ kind: string; place: string; name: string; owner: string }>(
    url,
    `SELECT * FROM (
       SELECT 'schema' AS kind, nspname AS place, nspname AS name, nspowner::regrole::text AS owner FROM pg_namespace
       UNION ALL
       SELECT 'class', relnamespace::regnamespace::text, relname, relowner::regrole::text FROM pg_class
       UNION ALL
       SELECT 'function', pronamespace::regnamespace::text, proname, proowner::regrole::text FROM pg_proc
       UNION ALL
       SELECT 'type', typnamespace::regnamespace::text, typname, typowner::regrole::text FROM pg_type
       UNION ALL
       SELECT 'extension', extnamespace::regnamespace::text, extname, extowner::regrole::text FROM pg_extension
     ) AS objects
     WHERE place !~ ${pg.escapeLiteral('^(pg_|information_schema$)')} ORDER BY kind, place, name`,
  );
}
