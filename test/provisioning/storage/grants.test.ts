import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openServiceDatabases, type ServiceDatabases } from '../../../src/database/service-databases.js';
import { openLog } from '../../../src/log.js';
import { bindStorage } from '../../../src/provisioning/storage/bind-storage.js';
import { planGrants } from '../../../src/provisioning/storage/grants.js';
import { createStorage, dropStorage } from '../../../src/provisioning/storage/storage.js';
import type { StorageTarget } from '../../../src/provisioning/storage/storage-location.js';
import { aUser, queryOnce } from '../../database/support/temporary-databases.js';
import { createDatabase, type TestDatabase, uniqueName } from '../../setup/database.js';
import { listDatabases, listSchemas, listTables, urlTo } from '../support/catalog.js';
import { enter, readInvoices, refusalOf } from '../support/guarded-schemas.js';

/** A new database in which an administrator has run the printed statements and nothing else. */
let database: TestDatabase;
let databases: ServiceDatabases;
const module = uniqueName('m');
const [provisioner, owner, service] = [uniqueName('prov'), `${module}_tenants`, `${module}_service`];
const reference = { databaseRef: 'SOME_DB_URL', databaseName: 'some' };

const onServer = (sql: string) => queryOnce(urlTo('postgres'), sql);

function urlAs(role: string, name: string): string {
  const url = new URL(urlTo(name));
  url.username = role;
  url.password = 'secret';
  return url.href;
}

beforeAll(async () => {
  database = await createDatabase();
  const [grants] = planGrants([
    { module, server: 'here:5432', database: database.name, provisioner, hasDatabases: true },
  ]);
  // Twice, because the statements can be repeated.
  for (const statement of [...(grants?.statements ?? []), ...(grants?.statements ?? [])])
    await queryOnce(database.url, statement);
  await onServer(`ALTER ROLE ${provisioner} PASSWORD 'secret'; ALTER ROLE ${service} PASSWORD 'secret'`);
  databases = openServiceDatabases({
    urls: { SOME_DB_URL: urlAs(provisioner, database.name) },
    fallbackUrl: () => Promise.reject(new Error('not embedded')),
    log: openLog('error'),
  });
});
afterAll(async () => {
  await databases?.close();
  await database?.drop();
  await onServer(
    `DROP ROLE ${service}; DROP ROLE ${provisioner}; DROP ROLE ${owner}; DROP ROLE ${module}_access`,
  );
});

function aPlace(isolation: 'SCHEMA' | 'DATABASE'): StorageTarget {
  const name = uniqueName('own');
  return {
    owner: { tenantId: randomUUID(), module },
    isolation,
    reference,
    ...(isolation === 'SCHEMA'
      ? { databaseName: database.name, schemaName: name }
      : { databaseName: name, schemaName: 'public' }),
    generation: 1,
    migrations: [
      {
        name: 'x/1.sql',
        sql: `CREATE TABLE invoice (title text); INSERT INTO invoice VALUES ('one');
              CREATE FUNCTION total() RETURNS bigint STABLE BEGIN ATOMIC SELECT count(*) FROM invoice; END`,
        checksum: '0'.repeat(64),
      },
    ],
    requireHeld: async () => undefined,
  };
}

const told = (state: 'active' | 'suspended', revision: bigint) => async () => ({
  ...{ generation: 1, state, epoch: 'one', revision, began: 0n },
});

const keyOf = (place: StorageTarget) => ({
  ...{ id: place.owner.tenantId, schema: place.schemaName, generation: place.generation },
});

async function connectAs(role: string, place: StorageTarget): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: urlAs(role, place.databaseName) });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  return client;
}

/** The owners of a schema and of everything in it. */
async function ownersIn(place: StorageTarget): Promise<string[]> {
  const rows = await queryOnce<{ owner: string }>(
    urlTo(place.databaseName),
    `SELECT DISTINCT pg_get_userbyid(owner) AS owner FROM (
       SELECT relowner AS owner FROM pg_class WHERE relnamespace = '"${place.schemaName}"'::regnamespace
       UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace = '"${place.schemaName}"'::regnamespace
       UNION ALL SELECT nspowner FROM pg_namespace WHERE nspname = '${place.schemaName}'
     ) AS things ORDER BY 1`,
  );
  return rows.map((row) => row.owner);
}

test('the provisioner is no superuser and cannot create roles', async () => {
  expect(
    await onServer(
      `SELECT rolsuper, rolcreaterole, rolbypassrls, rolreplication FROM pg_roles WHERE rolname = '${provisioner}'`,
    ),
  ).toEqual([{ rolsuper: false, rolcreaterole: false, rolbypassrls: false, rolreplication: false }]);
});

test('without the right to create schemas, creating storage names the SQL that grants it, and makes nothing', async () => {
  const bare = await aUser();
  const url = new URL(bare.url);
  url.pathname = `/${database.name}`;
  const asBare = openServiceDatabases({ urls: { SOME_DB_URL: url.href }, log: openLog('error') });
  const place = aPlace('SCHEMA');
  try {
    await expect(createStorage(asBare, place)).rejects.toMatchObject({
      code: 'TENANT_NOT_READY',
      message: `The module’s database cannot be used: Role ${bare.name} may not create schemas in database ${database.name}: GRANT CREATE ON DATABASE "${database.name}" TO "${bare.name}"`,
    });
    expect(await listSchemas(database.url)).not.toContain(place.schemaName);
  } finally {
    await asBare.close();
  }
});

describe.each(['SCHEMA', 'DATABASE'] as const)(
  'with the printed grants and a %s per tenant,',
  (isolation) => {
    test('storage can be created and dropped, and belongs to the module’s role', async () => {
      const place = aPlace(isolation);
      expect(await createStorage(databases, place)).toMatchObject({ created: true });
      expect(await ownersIn(place)).toEqual(
        isolation === 'SCHEMA' ? [owner] : [owner, 'pg_database_owner'].sort(),
      );
      if (isolation === 'DATABASE')
        expect(
          await onServer(
            `SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = '${place.databaseName}'`,
          ),
        ).toEqual([{ owner }]);
      expect(await createStorage(databases, place)).toMatchObject({ created: false });
      await dropStorage(databases, place);
      expect(await listSchemas(database.url)).not.toContain(place.schemaName);
      expect(await listDatabases(place.databaseName)).toEqual(isolation === 'SCHEMA' ? [database.name] : []);
    });

    test('a service enters and reads its tenant until the registry ends its session', async () => {
      const place = aPlace(isolation);
      onTestFinished(async () => void (await dropStorage(databases, place)));
      await createStorage(databases, place);
      await bindStorage(databases, place, told('active', 1n));
      const client = await connectAs(service, place);
      await client.query('BEGIN');
      await enter(client, keyOf(place));
      expect(await readInvoices(client)).toEqual(['one']);
      expect((await client.query('SELECT total()::int')).rows).toEqual([{ total: 1 }]);
      expect(await bindStorage(databases, place, told('suspended', 2n), { deadlineMs: 0 })).toMatchObject({
        ended: 1,
      });
      await expect(readInvoices(client)).rejects.toThrow();
      const again = await connectAs(service, place);
      expect(await refusalOf(enter(again, keyOf(place)))).toBe('TR002 TENANT_SUSPENDED');
      for (const sql of [
        'SELECT FROM tenant_guard.binding',
        `UPDATE tenant_guard.binding SET state = 'active'`,
      ])
        expect(await refusalOf(again.query(sql))).toMatch(/^42501 /);
    });

    test('a role outside the module can neither enter nor read', async () => {
      const place = aPlace(isolation);
      onTestFinished(async () => void (await dropStorage(databases, place)));
      await createStorage(databases, place);
      await bindStorage(databases, place, told('active', 1n));
      const { name } = await aUser();
      await onServer(`ALTER ROLE ${name} PASSWORD 'secret'`);
      const stranger = await connectAs(name, place);
      expect(await refusalOf(enter(stranger, keyOf(place)))).toMatch(/^42501 /);
      expect(await refusalOf(stranger.query(`SELECT FROM "${place.schemaName}".invoice`))).toMatch(/^42501 /);
      expect(await refusalOf(stranger.query('CREATE TABLE public.mine (id int)'))).toMatch(/^42501 /);
      await stranger.end();
    });
  },
);

test('a schema that is older than the module’s role stays the provisioner’s and is migrated as that role', async () => {
  const place = aPlace('SCHEMA');
  onTestFinished(async () => void (await dropStorage(databases, place)));
  await onServer(`REVOKE ${owner} FROM ${provisioner}`);
  await createStorage(databases, place);
  expect(await ownersIn(place)).toEqual([provisioner]);
  await onServer(`GRANT ${owner} TO ${provisioner}`);
  const later = { name: 'x/2.sql', sql: 'CREATE TABLE later (id int)', checksum: '1'.repeat(64) };
  await createStorage(databases, { ...place, migrations: [...place.migrations, later] });
  expect(await listTables(database.url, place.schemaName)).toContain('later');
  expect(await ownersIn(place)).toEqual([provisioner]);
});

test('two modules in one database need its grants once, two databases need one set each', () => {
  const place = {
    module: 'finance',
    server: 'a:5432',
    database: 'one',
    provisioner: 'p',
    hasDatabases: false,
  };
  const grants = planGrants([
    place,
    { ...place, module: 'crm', hasDatabases: true },
    { ...place, module: 'hr', server: 'b:5432' },
  ]);
  expect(grants.map(({ server, modules }) => [server, modules])).toEqual([
    ['a:5432', ['finance', 'crm']],
    ['b:5432', ['hr']],
  ]);
  const [shared, own] = grants.map(({ statements }) => statements);
  expect(shared?.filter((statement) => statement.includes('CONNECT, CREATE'))).toHaveLength(1);
  expect(shared).toContain('ALTER ROLE "p" CREATEDB;');
  expect(own?.join()).not.toContain('CREATEDB');
});

test('a name cannot break out of its quotes', () => {
  const [grants] = planGrants([
    { module: 'm', server: 's', database: `d"; DROP`, provisioner: `p'"; DROP`, hasDatabases: false },
  ]);
  const text = grants?.statements.join('\n') ?? '';
  expect(text).toContain('DATABASE "d""; DROP" TO "p\'""; DROP"');
  expect(text).toContain(`rolname = ''p''''"; DROP''`);
});
