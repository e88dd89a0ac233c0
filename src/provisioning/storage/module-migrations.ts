import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClientBase, escapeLiteral } from 'pg';
import { identifier } from '../../database/identifier.js';
import { RegistryError } from '../../errors.js';
import { readUtf8 } from '../../registry/utf8-file.js';
import { findBinding, type SchemaOwner } from '../fence/binding.js';

/** One SQL file of a module. Files run in the order of their names. */
export interface ModuleMigration {
  /** "finance/0001_accounts_receivable.sql" */
  name: string;
  sql: string;
  checksum: string;
}

/** Its files run first in every tenant schema and database, of every module. */
const everyModuleFolder = '_every';

/** The table in each tenant schema that records the migrations that ran, and the tenant and module they ran for. */
export const versionTable = 'schema_version';

/** Reads the files from disk each time, so that a corrected file is used without a restart. */
export async function readModuleMigrations(modulesDir: string, folder: string): Promise<ModuleMigration[]> {
  const every = await readFolder(modulesDir, everyModuleFolder);
  // Without them a tenant would lack the tables that every service expects.
  if (every.length === 0) throw new Error(`MODULES_DIR (${modulesDir}) has no ${everyModuleFolder}/*.sql`);
  return [...every, ...(await readFolder(modulesDir, folder))];
}

export async function hasMigrationsFolder(modulesDir: string, folder: string): Promise<boolean> {
  const found = await stat(join(modulesDir, folder)).catch(() => undefined);
  return found?.isDirectory() ?? false;
}

async function readFolder(modulesDir: string, folder: string): Promise<ModuleMigration[]> {
  const entries = await readdir(join(modulesDir, folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = entries.filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (file) => {
      const sql = readUtf8(await readFile(join(modulesDir, folder, file)), `${folder}/${file}`);
      return { name: `${folder}/${file}`, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/**
 * The tenant and module that the schema was made for: from its binding, or from its version table when the schema is older than
 * the guard or was restored from a dump. undefined when it has neither: then the registry did not make it.
 */
export async function findSchemaOwner(client: ClientBase, schema: string): Promise<SchemaOwner | undefined> {
  const binding = await findBinding(client, schema);
  if (binding?.isSameSchema) return binding.owner;
  if (!(await hasVersionTable(client, schema))) return undefined;
  const { rows } = await client.query<SchemaOwner>(
    `SELECT tenant_id AS "tenantId", module FROM ${identifier(schema)}.${versionTable} LIMIT 1`,
  );
  return rows[0];
}

/** Whether the registry's migrations ran in the schema. Checks the columns, because other tools also have a table schema_version. */
export async function hasVersionTable(client: ClientBase, schema: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname IN ('tenant_id', 'module')`,
    [`${identifier(schema)}.${versionTable}`],
  );
  return rowCount === 2;
}

/**
 * Runs the missing migrations in a schema, inside the caller's transaction; returns the last migration's name.
 * Throws CONFLICT when a file was changed after it ran.
 */
export async function migrateSchema(
  client: ClientBase,
  schema: string,
  owner: SchemaOwner,
  migrations: readonly ModuleMigration[],
): Promise<string | null> {
  const table = `${identifier(schema)}.${versionTable}`;
  await client.query(
    `CREATE TABLE IF NOT EXISTS ${table} (
       migration varchar(200) PRIMARY KEY,
       checksum char(64) NOT NULL,
       tenant_id uuid NOT NULL,
       module varchar(31) NOT NULL,
       applied_at timestamptz NOT NULL DEFAULT now()
     )`,
  );
  const { rows } = await client.query<{ migration: string; checksum: string }>(
    `SELECT migration, checksum FROM ${table}`,
  );
  const applied = new Map(rows.map((row) => [row.migration, row.checksum]));
  for (const migration of migrations) {
    const checksum = applied.get(migration.name);
    if (checksum === undefined) await apply(client, schema, migration);
    else if (checksum !== migration.checksum)
      throw new RegistryError(
        'CONFLICT',
        `Migration ${migration.name} was changed after it ran in schema ${schema}: restore the file and add a new one`,
      );
    else continue;
    await client.query(
      `INSERT INTO ${table} (migration, checksum, tenant_id, module) VALUES ($1, $2, $3, $4)`,
      [migration.name, migration.checksum, owner.tenantId, owner.module],
    );
  }
  return migrations.at(-1)?.name ?? null;
}

/**
 * Runs one file with search_path set to the tenant's schema alone. Inside EXECUTE PostgreSQL refuses COMMIT and ROLLBACK, so a
 * file cannot end the transaction that makes the migration all or nothing.
 */
async function apply(client: ClientBase, schema: string, migration: ModuleMigration): Promise<void> {
  await client.query(`SET LOCAL search_path = ${identifier(schema)}`);
  try {
    await client.query(`DO ${escapeLiteral(`BEGIN EXECUTE ${escapeLiteral(migration.sql)}; END`)}`);
    // Checks deferred constraints now: at COMMIT the error could not be attributed to a file.
    await client.query('SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED');
  } catch (error) {
    throw new Error(`Migration ${migration.name} failed: ${(error as Error).message}`, { cause: error });
  }
}
