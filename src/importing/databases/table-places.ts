/** The databases that may have tables of platforms, and those tables without their rows. */
import { type ClientBase, DatabaseError } from 'pg';
import { findLegacyTables, originalName } from '../../database/migrations/legacy-tables.js';
import type { CommandContext } from '../../registry/command.js';
import type { ColumnMap } from '../platform/column-map.js';
import { findMapped, listPlatformTables, listVisibleSchemas } from '../platform/platform-tables.js';
import { readDatabaseKey, type ScannedDatabase, type ScannedModule } from './database-scan.js';

export type WithConnection = <T>(work: (client: ClientBase) => Promise<T>) => Promise<T>;

/** A database with the access to it. */
export interface TablePlace {
  database: string;
  /** The modules of the database; empty for the registry's own database and that of --from. */
  modules: readonly ScannedModule[];
  /** Whether only `--finish` renames the tables: the database is that of --from. */
  isKept: boolean;
  isRegistry: boolean;
  /** A connection that may change tables. */
  withConnection: WithConnection;
}

/** Runs work in the database of --from. */
interface ForeignDatabase {
  name: string;
  withConnection: WithConnection;
}

export interface TableSources {
  scanned: readonly ScannedDatabase[];
  from: ForeignDatabase | undefined;
  map: ColumnMap;
}

type Visit = (client: ClientBase, place: TablePlace) => Promise<void>;

/** Visits the registry's database, the service databases and that of --from, each database once. */
export async function visitPlaces(
  { database, serviceDatabases }: CommandContext,
  { scanned, from }: TableSources,
  visit: Visit,
): Promise<void> {
  const keys = new Set(scanned.map(({ key }) => key));
  const inRegistry: WithConnection = async (work) => {
    const client = await database.pool.connect();
    try {
      return await work(client);
    } finally {
      client.release();
    }
  };
  await inRegistry(async (client) => {
    const key = await readDatabaseKey(client);
    if (keys.has(key)) return;
    keys.add(key);
    const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
    const place = { modules: [], isKept: false, isRegistry: true, withConnection: inRegistry };
    await visit(client, { database: rows[0]?.name ?? 'registry', ...place });
  });
  for (const { modules } of scanned) {
    const [module] = modules;
    if (!module) continue;
    const withConnection: WithConnection = (work) => serviceDatabases.withConnection(module, work);
    const place = { database: module.databaseName, modules, isKept: false, isRegistry: false };
    await serviceDatabases.readers.withConnection(module, (client) =>
      visit(client, { ...place, withConnection }),
    );
  }
  await from?.withConnection(async (client) => {
    if (keys.has(await readDatabaseKey(client))) return;
    const place = { modules: [], isKept: true, isRegistry: false, withConnection: from.withConnection };
    await visit(client, { database: from.name, ...place });
  });
}

/** How often tables are read that were renamed meanwhile. */
const readAttempts = 5;

/** Reads tables once more when one of them got another name between the look at the catalog and the reading, as `--finish` does. */
export async function readUnderOneName<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      const isRenamed = error instanceof DatabaseError && error.code === '42P01';
      if (!isRenamed || attempt === readAttempts) throw error;
    }
  }
}

/** A table of a platform, by its place. */
export interface OldTable {
  schema: string;
  name: string;
  /** The name that services know. */
  original: string;
  columns: readonly string[];
  /** True when it was renamed already. */
  isAside: boolean;
}

/** Lists the tables of a platform in a database: those of tenants, those beside them and those of the map. */
export async function listOldTables(
  client: ClientBase,
  { isRegistry }: Pick<TablePlace, 'isRegistry'>,
  map: ColumnMap,
): Promise<OldTable[]> {
  const schemas = await listVisibleSchemas(client);
  const tenants = (await findLegacyTables(client, schemas)).filter((table) => !findMapped(map, table));
  const others = await listPlatformTables(client, { schemas, map, isRegistry });
  return [...tenants.map((table) => ({ table, mapped: undefined })), ...others]
    .map(({ table: { schema, name, columns }, mapped }) => {
      // Of a very long name the table keeps only the beginning.
      const original = mapped?.name ?? originalName(name);
      return { schema, name, original, columns, isAside: original !== name };
    })
    .toSorted((a, b) => (`${a.schema}.${a.name}` < `${b.schema}.${b.name}` ? -1 : 1));
}
