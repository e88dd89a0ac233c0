import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClientBase, DatabaseError, escapeLiteral } from 'pg';
import { type Statement, sendBatch } from '../../database/batch.js';
import { identifier } from '../../database/identifier.js';
import { checksumOf, hasChecksum, withLineFeeds } from '../../database/script-checksum.js';
import { pinnedPath } from '../../database/service-databases.js';
import { RegistryError } from '../../errors.js';
import { readUtf8 } from '../../registry/utf8-file.js';
import type { AppliedMigration } from '../fence/schema-version.js';

/** One SQL file of a module. Files run in the order of their names. */
export interface ModuleMigration {
  /** "finance/0001_accounts_receivable.sql" */
  name: string;
  /** With line feeds as line ends. */
  sql: string;
  /** Of the file as it is on the disk, without a byte order mark. */
  checksum: string;
}

/** Whether a file is the one that ran, whatever line ends it had then. */
export function isSameFile({ sql, checksum }: ModuleMigration, ran: string): boolean {
  return ran === checksum || hasChecksum(sql, ran);
}

/** Its files run first in every tenant schema and database, of every module. */
const everyModuleFolder = '_every';

/** Reads the files from disk each time, so that a corrected file is used without a restart. */
export async function readModuleMigrations(modulesDir: string, folder: string): Promise<ModuleMigration[]> {
  const every = await readFolder(modulesDir, everyModuleFolder);
  // Without them a tenant would lack the tables that every service expects.
  if (every.length === 0)
    throw new RegistryError(
      'TENANT_NOT_READY',
      `MODULES_DIR has no ${everyModuleFolder}/*.sql: copy the folder ${everyModuleFolder} of the shipped modules into it`,
      { isLasting: true },
    );
  return [...every, ...(await readFolder(modulesDir, folder))];
}

/** A module may do without tables of its own, but a missing folder is more often a mistake. undefined when it is there. */
export async function findMissingFolder(
  modulesDir: string,
  { name, migrationsFolder }: { name: string; migrationsFolder: string },
): Promise<{ problem: string; remedy: string } | undefined> {
  const found = await stat(join(modulesDir, migrationsFolder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (found?.isDirectory()) return undefined;
  return {
    problem: `Module ${name} has no folder ${migrationsFolder} in MODULES_DIR (${modulesDir}), so its tenants get no tables of the module.`,
    remedy: `Add the folder with its SQL files, or name another folder with updateModule(input: { name: "${name}", migrationsFolder: … }).`,
  };
}

/** The name of the last file that runs in new storage of a module; null when MODULES_DIR has none. */
export async function findLatestMigration(modulesDir: string, folder: string): Promise<string | null> {
  for (const from of [folder, everyModuleFolder]) {
    const newest = (await listFiles(modulesDir, from)).at(-1);
    if (newest !== undefined) return `${from}/${newest}`;
  }
  return null;
}

async function readFolder(modulesDir: string, folder: string): Promise<ModuleMigration[]> {
  const files = await listFiles(modulesDir, folder);
  return Promise.all(
    files.map(async (file) => {
      const sql = readUtf8(await readFile(join(modulesDir, folder, file)), `${folder}/${file}`);
      return { name: `${folder}/${file}`, sql: withLineFeeds(sql), checksum: checksumOf(sql) };
    }),
  );
}

/** The SQL files of a folder, in order; none when the folder is missing. */
async function listFiles(modulesDir: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(modulesDir, folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  // Programs and systems leave files beside: ._0001.sql of macOS, .#0001.sql of editors, ..data of Kubernetes.
  return entries.filter((file) => file.endsWith('.sql') && !file.startsWith('.')).sort();
}

/** The migrations that did not run yet, in order. Throws CONFLICT when a file was changed after it ran. */
export function findMissing(
  schema: string,
  migrations: readonly ModuleMigration[],
  applied: readonly AppliedMigration[],
): ModuleMigration[] {
  const checksums = new Map(applied.map(({ name, checksum }) => [name, checksum]));
  const edited = migrations.find((migration) => {
    const ran = checksums.get(migration.name);
    return ran !== undefined && !isSameFile(migration, ran);
  });
  if (edited)
    throw new RegistryError(
      'CONFLICT',
      `Migration ${edited.name} was changed after it ran in schema ${schema}: restore the file and add a new one`,
    );
  return migrations.filter(({ name }) => !checksums.has(name));
}

/** Runs migrations in a schema, all in one message, inside the caller's transaction. */
export async function runMigrations(
  client: ClientBase,
  schema: string,
  migrations: readonly ModuleMigration[],
): Promise<void> {
  if (migrations.length === 0) return;
  const parts = migrations.map((migration) => statementsFor(schema, migration));
  const { answers, error } = await sendBatch(client, parts.flat());
  if (!error) return;
  const failed = migrations[Math.floor(answers.length / (parts[0]?.length ?? 1))];
  // Any other error is that of the connection.
  if (!failed || !(error instanceof DatabaseError)) throw error;
  throw new Error(`Migration ${failed.name} failed: ${error.message}`, { cause: error });
}

/**
 * Runs one file with search_path set to the tenant's schema alone. Inside EXECUTE PostgreSQL refuses COMMIT and ROLLBACK, so a
 * file cannot end the transaction that makes the migration all or nothing.
 */
function statementsFor(schema: string, { sql }: ModuleMigration): Statement[] {
  return [
    { text: `SET LOCAL search_path = ${identifier(schema)}` },
    { text: `DO ${escapeLiteral(`BEGIN EXECUTE ${escapeLiteral(sql)}; END`)}` },
    // Checks deferred constraints now: at COMMIT the error could not be attributed to a file.
    { text: 'SET CONSTRAINTS ALL IMMEDIATE' },
    { text: 'SET CONSTRAINTS ALL DEFERRED' },
    // Statements after this one must not find operators or functions of the schema.
    { text: `SET LOCAL search_path = ${pinnedPath}` },
  ];
}
