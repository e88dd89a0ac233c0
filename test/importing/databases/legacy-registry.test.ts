import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { migrateRegistry } from '../../../src/database/migrations/migrate.js';
import { registryMigrationsDir } from '../../../src/database/migrations/migration-folder.js';
import { aDatabase } from '../../database/support/temporary-databases.js';
import { run } from '../../setup/process.js';

const legacy = `
  CREATE TYPE tenant_status AS ENUM ('active', 'inactive');
  CREATE TABLE tenants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), slug text NOT NULL UNIQUE, name text NOT NULL,
    status tenant_status NOT NULL DEFAULT 'active', number serial);
  CREATE INDEX tenants_status_idx ON tenants (status);
  CREATE TABLE tenant_module_log (tenant_id uuid REFERENCES tenants (id), module text);
  CREATE FUNCTION registry_touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE TRIGGER touch BEFORE UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION registry_touch();
  CREATE TABLE customers (id int);
  INSERT INTO tenants (id, slug, name) VALUES ('0198f000-0000-7000-8000-000000000001', 'acme', 'Acme');
  INSERT INTO tenant_module_log SELECT id, 'finance' FROM tenants;`;

const contents = `
  SELECT (SELECT json_agg(t) FROM tenants_before_registry t) AS tenants,
         (SELECT count(*)::int FROM customers) AS customers,
         (SELECT count(*)::int FROM tenants) AS registered`;

test('the tables of an earlier registry are renamed with their data, and the migration continues', async () => {
  const database = await aDatabase();
  await database.query(legacy);
  const warnings: string[] = [];
  const applied = await migrateRegistry(database.url, {
    renamesOldTables: true,
    warn: (message) => warnings.push(message),
  });
  expect(applied.length).toBeGreaterThan(0);
  expect(warnings).toEqual([
    'Renamed tables from before this registry, for "import databases": tenant_module_log_before_registry, tenants_before_registry',
  ]);
  expect(await database.query(contents)).toEqual([
    {
      tenants: [
        {
          id: '0198f000-0000-7000-8000-000000000001',
          slug: 'acme',
          name: 'Acme',
          status: 'active',
          number: 1,
        },
      ],
      customers: 0,
      registered: 0,
    },
  ]);
  // The trigger, sequence and references of the renamed tables still work.
  await database.query(`
    INSERT INTO tenants_before_registry (slug, name) VALUES ('later', 'Later');
    UPDATE tenants_before_registry SET status = 'inactive';
    INSERT INTO tenant_module_log_before_registry SELECT id, 'finance' FROM tenants_before_registry`);
  expect(await migrateRegistry(database.url, { warn: (message) => warnings.push(message) })).toEqual([]);
  expect(warnings).toHaveLength(1);
});

test('objects beside an older version of this registry are renamed when a newer migration needs their names', async () => {
  const database = await aDatabase();
  await database.query(legacy);
  const older = await mkdtemp(join(tmpdir(), 'tenant-registry-'));
  onTestFinished(() => rm(older, { recursive: true }));
  await cp(registryMigrationsDir, older, { recursive: true });
  for (const name of await readdir(older))
    if (name > '20261129000004' && !name.endsWith('.toml')) await rm(join(older, name), { recursive: true });
  await migrateRegistry(database.url, {
    migrationsDir: older,
    renamesOldTables: true,
    warn: () => undefined,
  });
  await database.query(`CREATE PROCEDURE register_tenant(slug text, name text) LANGUAGE sql AS 'SELECT 1'`);
  await expect(migrateRegistry(database.url)).rejects.toThrow(
    'whose names it needs: routine register_tenant(text,text), table public.tenant_module_log. Set DATABASE_URL to an empty database; or,',
  );
  expect(await migrateRegistry(database.url, { renamesOldTables: true, warn: () => undefined })).toContain(
    '20261129000004_sql_compatibility',
  );
  expect(await database.query('SELECT module FROM tenant_module_log_before_registry')).toEqual([
    { module: 'finance' },
  ]);
  await database.query(`CALL register_tenant('acme', 'Acme Corp')`);
});

test('a renamed table gets a number when its new name is taken', async () => {
  const database = await aDatabase();
  await database.query(`
    CREATE TABLE tenant_registry (tenant_id uuid, tenant_slug text, finance_schema text);
    CREATE TABLE tenant_registry_before_registry (note text)`);
  const warnings: string[] = [];
  await migrateRegistry(database.url, { renamesOldTables: true, warn: (message) => warnings.push(message) });
  expect(warnings.join()).toContain('tenant_registry_before_registry_2');
});

describe('without consent nothing is renamed in', () => {
  test.each([
    ['the database of an older registry', legacy, 'type public.tenant_status'],
    [
      'the database of an application',
      `CREATE TABLE tenants (id uuid PRIMARY KEY, slug text, name text);
       CREATE TABLE members (id uuid PRIMARY KEY, tenant_id uuid REFERENCES tenants);
       CREATE TABLE api_keys (id uuid PRIMARY KEY, member_id uuid REFERENCES members);
       CREATE TABLE orders (id int, tenant_id uuid REFERENCES tenants)`,
      'table public.api_keys, table public.members, table public.tenants. ',
    ],
    [
      'a database with a view of tenants only',
      `CREATE TABLE tenants (id uuid, slug text); CREATE VIEW tenant_registry AS SELECT * FROM tenants`,
      'view public.tenant_registry, table public.tenants. ',
    ],
  ])('%s', async (_, sql, named) => {
    const database = await aDatabase();
    await database.query(sql);
    const list = `SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1`;
    const before = await database.query(list);
    const refused = migrateRegistry(database.url);
    await expect(refused).rejects.toThrow(
      /^The database "[^"]+" at .+ has objects that this registry did not make/,
    );
    await expect(refused).rejects.toThrow(named);
    await expect(refused).rejects.toThrow('run "tenant-registry migrate --rename-old-tables"');
    expect(await database.query(list)).toEqual(before);
  });
});

test('the command line asks for consent, and import databases gives it', async () => {
  const database = await aDatabase();
  await database.query(legacy);
  const env = { DATABASE_URL: database.url };
  const tables = `SELECT to_regclass('tenants_before_registry') IS NOT NULL AS renamed`;
  for (const command of [['migrate'], ['keys', 'list'], ['import', 'databases', '--dry-run']]) {
    const { code, stderr } = await run(command, env);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('migrate --rename-old-tables'),
    });
    expect(stderr.trim().split('\n')).toHaveLength(1);
  }
  expect(await database.query(tables)).toEqual([{ renamed: false }]);
  const imported = await run(['import', 'databases', '--json'], env);
  expect(JSON.parse(imported.stdout)).toMatchObject({ done: true });
  expect(await database.query(tables)).toEqual([{ renamed: true }]);

  const other = await aDatabase();
  await other.query(legacy);
  expect((await run(['migrate', '--rename-old-tables'], { DATABASE_URL: other.url })).code).toBe(0);
  expect(await other.query(tables)).toEqual([{ renamed: true }]);
});

test('a database with an unrelated table of tenants is refused and not changed', async () => {
  const database = await aDatabase();
  await database.query('CREATE TABLE tenants (id int PRIMARY KEY, flat text, rent numeric)');
  await expect(migrateRegistry(database.url)).rejects.toThrow('give the registry an empty database');
  expect(await database.query('SELECT count(*)::int AS count FROM tenants')).toEqual([{ count: 0 }]);
});
