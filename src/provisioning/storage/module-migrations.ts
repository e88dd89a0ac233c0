import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checksumOf, hasChecksum, withLineFeeds } from '../../database/script-checksum.js';
import { RegistryError } from '../../errors.js';
import { readUtf8 } from '../../registry/values/utf8-file.js';
import type { AppliedMigration } from '../fence/schema-version.js';

/** One SQL file of a module. Files run in the order of their names. */
export interface ModuleMigration {
  /** "finance/0001_accounts_receivable.sql" */
  name: string;
  /** With line feeds as line ends. */
  sql: string;
  /** Of the file as it is on the disk, without a byte order mark. */
  checksum: string;
  /** Whether the file cannot run inside a transaction: its first line is `-- transaction: none`. */
  runsAlone?: boolean | undefined;
  /** A query of `<name>.check.sql`, run before the file in a tenant with data. Each row it returns is a violation. */
  check?: string | undefined;
  /** A query of `<name>.verify.sql`, run after the file. Each row it returns is a violation. */
  verify?: string | undefined;
  /** Whether it ran for a tenant of the module before. Rules that came later do not apply to it, because it must not change. */
  ranBefore?: boolean | undefined;
}

/** Whether a file is the one that ran, whatever line ends it had then. */
export function isSameFile({ sql, checksum }: ModuleMigration, ran: string): boolean {
  return ran === checksum || hasChecksum(sql, ran);
}

/** Its files run first in every tenant schema and database, of every module. */
export const everyModuleFolder = '_every';

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

/** The names of a folder's migrations, in order; undefined when it is no folder. */
export async function listMigrationNames(modulesDir: string, folder: string): Promise<string[] | undefined> {
  const found = await stat(join(modulesDir, folder)).catch(() => undefined);
  if (!found?.isDirectory()) return undefined;
  return (await listFiles(modulesDir, folder)).filter(isMigration).map((file) => `${folder}/${file}`);
}

/** The name of the last file that runs in new storage of a module; null when MODULES_DIR has none. */
export async function findLatestMigration(modulesDir: string, folder: string): Promise<string | null> {
  for (const from of [folder, everyModuleFolder]) {
    const newest = (await listFiles(modulesDir, from)).filter(isMigration).at(-1);
    if (newest !== undefined) return `${from}/${newest}`;
  }
  return null;
}

async function readFolder(modulesDir: string, folder: string): Promise<ModuleMigration[]> {
  const files = await listFiles(modulesDir, folder);
  return Promise.all(
    files.filter(isMigration).map((file) => readMigration({ modulesDir, folder, files }, file)),
  );
}

/** Reads one file of a folder, with its queries. Throws VALIDATION_ERROR for a file that is not UTF-8. */
export async function readMigration(
  { modulesDir, folder, files }: { modulesDir: string; folder: string; files: readonly string[] },
  file: string,
): Promise<ModuleMigration> {
  const read = async (name: string) =>
    readUtf8(await readFile(join(modulesDir, folder, name)), `${folder}/${name}`);
  const readQuery = async (kind: QueryKind) => {
    const query = queryFileOf(file, kind);
    return files.includes(query) ? withLineFeeds(await read(query)) : undefined;
  };
  const text = await read(file);
  const sql = withLineFeeds(text);
  return {
    name: `${folder}/${file}`,
    sql,
    checksum: checksumOf(text),
    runsAlone: /^-- transaction: none *(\n|$)/.test(sql),
    check: await readQuery('check'),
    verify: await readQuery('verify'),
  };
}

/** The queries that can stand beside a migration. */
export const queryKinds = ['check', 'verify'] as const;
type QueryKind = (typeof queryKinds)[number];

/** The name of a query beside a migration: 0007_name.check.sql. */
export function queryFileOf(migration: string, kind: QueryKind): string {
  return migration.replace(/sql$/, `${kind}.sql`);
}

/** Whether it is a migration, and not a query beside one. */
export function isMigration(file: string): boolean {
  return !/\.(check|verify)\.sql$/.test(file);
}

/** Programs and systems leave files beside: ._0001.sql of macOS, .#0001.sql and 0001.sql~ of editors, ..data of Kubernetes. */
export function isSqlFile(file: string): boolean {
  return file.endsWith('.sql') && !file.startsWith('.');
}

/** The SQL files of a folder, in order; none when the folder is missing. */
async function listFiles(modulesDir: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(modulesDir, folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return entries.filter(isSqlFile).sort();
}

/**
 * The migrations that did not run yet, in order. Throws CONFLICT when a file was changed after it ran, and when a new file stands before
 * one that ran: a version means that all files before it ran, in every tenant in the same order.
 */
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
  const missing = migrations.filter(({ name }) => !checksums.has(name));
  for (const { name } of missing) {
    const later = migrations.findLast(
      (migration) => checksums.has(migration.name) && isBefore(name, migration.name),
    );
    if (later)
      throw new RegistryError(
        'CONFLICT',
        `Migration ${name} stands before ${later.name}, which ran in schema ${schema} already: give it a number after the last file of the folder`,
      );
  }
  return missing;
}

/** Whether a file runs before another one of the same folder. */
function isBefore(name: string, other: string): boolean {
  const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/'));
  return folderOf(name) === folderOf(other) && name < other;
}
