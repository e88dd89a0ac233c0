import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { migrateRegistry } from '../../../src/database/migrations/migrate.js';
import { registryMigrationsDir } from '../../../src/database/migrations/migration-folder.js';
import { aDatabase } from '../../database/support/temporary-databases.js';

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
  const applied = await migrateRegistry(database.url, { warn: (message) => warnings.push(message) });
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
  await migrateRegistry(database.url, { migrationsDir: older, warn: () => undefined });
  await database.query(`CREATE PROCEDURE register_tenant(slug text, name text) LANGUAGE sql AS 'SELECT 1'`);
  expect(await migrateRegistry(database.url, { warn: () => undefined })).toContain(
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
  await migrateRegistry(database.url, { warn: (message) => warnings.push(message) });
  expect(warnings.join()).toContain('tenant_registry_before_registry_2');
});

test('a database with an unrelated table of tenants is refused and not changed', async () => {
  const database = await aDatabase();
  await database.query('CREATE TABLE tenants (id int PRIMARY KEY, flat text, rent numeric)');
  await expect(migrateRegistry(database.url)).rejects.toThrow('give the registry an empty database');
  expect(await database.query('SELECT count(*)::int AS count FROM tenants')).toEqual([{ count: 0 }]);
});
