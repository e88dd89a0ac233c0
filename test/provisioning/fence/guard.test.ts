import { createHash } from 'node:crypto';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { installGuard } from '../../../src/provisioning/fence/guard.js';
import { guardSql, guardVersion } from '../../../src/provisioning/fence/guard-sql.js';
import { aDatabase, aUser, type TemporaryDatabase } from '../../database/support/temporary-databases.js';

/** Change it together with guardVersion: databases are upgraded only when the version is higher. */
const knownText = { version: 3, hash: '0658b7763c1f9219' };

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

async function installedIn(database: TemporaryDatabase, role?: string): Promise<pg.Client> {
  const client = await connect(database.url);
  await installGuard(client, role);
  return client;
}

/** Everything the guard's schema holds, with definitions and rights. */
function readGuardObjects(database: TemporaryDatabase) {
  return database.query(`
    SELECT oid, xmin::text, relname::text AS name, relacl::text AS rights FROM pg_class WHERE relnamespace = 'tenant_guard'::regnamespace
    UNION ALL
    SELECT oid, xmin::text, proname, proacl::text || prosrc FROM pg_proc WHERE pronamespace = 'tenant_guard'::regnamespace
    UNION ALL
    SELECT oid, xmin::text, nspname, nspacl::text FROM pg_namespace WHERE nspname = 'tenant_guard' ORDER BY name, oid`);
}

const describedVersion = `SELECT obj_description('tenant_guard'::regnamespace, 'pg_namespace') AS text`;

describe('the guard', () => {
  test('has a new version when its SQL changes', () => {
    const hash = createHash('sha256').update(guardSql).digest('hex').slice(0, 16);
    expect({ version: guardVersion, hash }).toEqual(knownText);
  });

  test('is created in its own schema, with a comment on every object, and changes nothing in public', async () => {
    const database = await aDatabase();
    await installedIn(database);
    expect(
      await database.query(`
        SELECT 1 AS found FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT 1 FROM pg_proc WHERE pronamespace = 'public'::regnamespace`),
    ).toEqual([]);
    expect(
      await database.query(`
        SELECT attname::text AS undescribed FROM pg_attribute
        WHERE attrelid = 'tenant_guard.binding'::regclass AND attnum > 0 AND col_description(attrelid, attnum) IS NULL
        UNION ALL
        SELECT proname FROM pg_proc
        WHERE pronamespace = 'tenant_guard'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL
        UNION ALL
        SELECT relname FROM pg_class WHERE oid = 'tenant_guard.binding'::regclass AND obj_description(oid, 'pg_class') IS NULL`),
    ).toEqual([]);
  });

  test('is not changed when it is installed again, which costs one query', async () => {
    const database = await aDatabase();
    const client = await installedIn(database);
    const before = await readGuardObjects(database);
    let queries = 0;
    const query = client.query.bind(client);
    client.query = ((...given: Parameters<typeof query>) => {
      queries++;
      return query(...given);
    }) as typeof client.query;
    await installGuard(client);
    expect(queries).toBe(1);
    expect(await readGuardObjects(database)).toEqual(before);
  });

  test('is created once by ten concurrent installations', async () => {
    const database = await aDatabase();
    const { name: role } = await aUser();
    onTestFinished(async () => void (await database.query(`DROP OWNED BY ${role}`)));
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect(database.url)));
    await Promise.all(clients.map((client) => installGuard(client, role)));
    const [{ count } = { count: 0 }] = await database.query<{ count: number }>(
      `SELECT count(*)::int FROM pg_proc WHERE pronamespace = 'tenant_guard'::regnamespace AND proname = 'enter'`,
    );
    expect(count).toBe(1);
  });

  test('of an older version is upgraded and keeps its bindings; a newer one is not changed', async () => {
    const database = await aDatabase();
    const client = await installedIn(database);
    await database.query(`
      INSERT INTO tenant_guard.binding VALUES ('old', 1, gen_random_uuid(), 'finance', 1, 'active', 'e', 1);
      CREATE OR REPLACE FUNCTION tenant_guard.enter(tenant uuid, schema_name text, generation int) RETURNS text
        LANGUAGE sql AS 'SELECT ''public''';
      COMMENT ON SCHEMA tenant_guard IS 'The tenant registry''s fence, version 0: before the first'`);
    await installGuard(client);
    const enters = `SELECT prosecdef AS "isGuarded" FROM pg_proc WHERE proname = 'enter'`;
    expect(await database.query(enters)).toEqual([{ isGuarded: true }]);
    expect(await database.query('SELECT schema_name FROM tenant_guard.binding')).toHaveLength(1);

    await database.query(
      `COMMENT ON SCHEMA tenant_guard IS 'The tenant registry''s fence, version 9999: much later'`,
    );
    const before = await readGuardObjects(database);
    await installGuard(client);
    expect(await readGuardObjects(database)).toEqual(before);
    expect(await database.query(describedVersion)).toEqual([
      { text: expect.stringContaining('version 9999') },
    ]);
  });

  test('grants PUBLIC nothing, whatever the default privileges are, and the role nothing but enter', async () => {
    const database = await aDatabase();
    const { name: role } = await aUser();
    const { name: stranger } = await aUser();
    onTestFinished(async () => void (await database.query(`DROP OWNED BY ${role}, ${stranger}`)));
    await database.query(`
      ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO ${role}, ${stranger}, PUBLIC;
      ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC`);
    await installedIn(database, role);
    const rights = (name: string) =>
      database.query(`
        SELECT has_schema_privilege('${name}', 'tenant_guard', 'USAGE') AS "mayUse",
               has_schema_privilege('${name}', 'tenant_guard', 'CREATE') AS "mayCreate",
               has_table_privilege('${name}', 'tenant_guard.binding', 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER') AS "mayTouch",
               (SELECT coalesce(string_agg(proname, ' '), '') FROM pg_proc
                WHERE pronamespace = 'tenant_guard'::regnamespace AND has_function_privilege('${name}', oid, 'EXECUTE')) AS "mayCall"`);
    expect(await rights(role)).toEqual([
      { mayUse: true, mayCreate: false, mayTouch: false, mayCall: 'enter' },
    ]);
    expect(await rights(stranger)).toEqual([
      { mayUse: false, mayCreate: false, mayTouch: false, mayCall: '' },
    ]);
  });

  test('is not installed into a schema of its name that belongs to another role', async () => {
    const database = await aDatabase();
    const owner = await aUser();
    const other = await aUser();
    onTestFinished(async () => void (await database.query(`DROP OWNED BY ${owner.name}, ${other.name}`)));
    await database.query(`
      GRANT CREATE ON DATABASE ${new URL(database.url).pathname.slice(1)} TO ${owner.name}, ${other.name};
      CREATE SCHEMA tenant_guard AUTHORIZATION ${owner.name}`);
    const url = new URL(other.url);
    url.pathname = new URL(database.url).pathname;
    const client = await connect(url.href);
    await expect(installGuard(client)).rejects.toThrow(`belongs to role ${owner.name}`);
    expect(await readGuardObjects(database)).toHaveLength(1);
  });
});
