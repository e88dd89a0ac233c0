import pg from 'pg';
import { readModuleMigrations } from '../../../src/provisioning/storage/module-migrations.js';
import { accessSql } from '../../../src/provisioning/storage/module-role.js';

/** A storage that was created in bulk by SQL, with the same result as provisioning but a hundred times faster. */
export interface BulkStorage {
  tenantId: string;
  slug: string;
  module: string;
  schema: string;
}

export interface BulkModule {
  name: string;
  /** URL of its database, which must have a guard. */
  url: string;
  /** The owner of the schemas; by default the connecting role. */
  role?: string;
  /** The access role, which gets the rights of services. */
  access?: string;
}

export interface BulkOptions {
  registryUrl: string;
  modulesDir: string;
  modules: readonly BulkModule[];
  tenants: number;
  slugs: string;
}

/** How many schemas one transaction creates. Each takes about twenty locks of the server's lock table. */
const perTransaction = 50;

export async function createBulkStorages({
  registryUrl,
  modulesDir,
  modules,
  tenants,
  slugs,
}: BulkOptions): Promise<BulkStorage[]> {
  const made: BulkStorage[] = [];
  for (const module of modules) {
    const migrations = await readModuleMigrations(modulesDir, module.name);
    const rows = await insertRows(registryUrl, module.name, {
      ...{ tenants, slugs, version: migrations.at(-1)?.name ?? null },
    });
    const versions = migrations.map(({ name, checksum }) => ({ name, checksum }));
    const client = await connect(module.url);
    try {
      for (let start = 0; start < rows.length; start += perTransaction)
        await client.query(makeSql(module, rows.slice(start, start + perTransaction), versions));
    } finally {
      await client.end();
    }
    made.push(...rows);
  }
  return made;
}

export async function insertRows(
  registryUrl: string,
  module: string,
  { tenants, slugs, version }: { tenants: number; slugs: string; version: string | null },
): Promise<BulkStorage[]> {
  const client = await connect(registryUrl);
  try {
    await client.query('BEGIN');
    // The bindings are inserted below, so the trigger need not enqueue operations.
    await client.query(`SELECT set_config('registry.bound', 'on', true)`);
    await client.query(
      `INSERT INTO tenants (slug, name) SELECT $1 || number, 'One of many' FROM generate_series(1, $2::int) AS number
       ON CONFLICT DO NOTHING`,
      [slugs, tenants],
    );
    const { rows } = await client.query<BulkStorage>(
      `WITH made AS (
         INSERT INTO module_subscriptions (tenant_id, module, status, migration_version)
         SELECT id, $1, 'active', $2 FROM tenants WHERE starts_with(slug, $3) RETURNING tenant_id, module, schema_name)
       SELECT tenant_id AS "tenantId", slug, module, schema_name AS schema
       FROM made JOIN tenants ON tenants.id = tenant_id ORDER BY slug`,
      [module, version, slugs],
    );
    await client.query('COMMIT');
    return rows;
  } finally {
    await client.end();
  }
}

function makeSql(
  { name, role, access }: BulkModule,
  storages: readonly BulkStorage[],
  versions: readonly { name: string; checksum: string }[],
): string {
  const list = (value: unknown) => `${pg.escapeLiteral(JSON.stringify(value))}::json`;
  const owner = role === undefined ? '' : ` AUTHORIZATION ${role}`;
  const body = `
    DECLARE
      storage record;
    BEGIN
      FOR storage IN SELECT * FROM json_to_recordset(${list(storages)}) AS t("tenantId" uuid, schema text) LOOP
        EXECUTE format('CREATE SCHEMA %I${owner}', storage.schema);
        ${role === undefined ? '' : `SET LOCAL ROLE ${role};`}
        EXECUTE format('CREATE TABLE %I.contact (id int, name text)', storage.schema);
        RESET ROLE;
        INSERT INTO tenant_guard.binding (schema_name, schema_oid, tenant_id, module, generation, state, epoch, revision)
          SELECT storage.schema, oid, storage."tenantId", '${name}', 1, 'active', '', 0 FROM pg_namespace WHERE nspname = storage.schema;
        INSERT INTO tenant_guard.schema_version (schema_name, schema_oid, tenant_id, module, migration, checksum)
          SELECT storage.schema, oid, storage."tenantId", '${name}', ran.name, ran.checksum
          FROM pg_namespace, json_to_recordset(${list(versions)}) AS ran (name text, checksum text) WHERE nspname = storage.schema;
        ${access === undefined ? '' : `EXECUTE format(${pg.escapeLiteral(accessSql('%1$I', access))}, storage.schema);`}
      END LOOP;
    END`;
  return `DO ${pg.escapeLiteral(body)}`;
}

export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}
