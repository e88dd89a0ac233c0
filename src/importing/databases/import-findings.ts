import type { ClientBase } from 'pg';
import type { CommandContext } from '../../registry/command.js';
import { storageNaming } from '../../registry/isolation.js';
import { readDatabaseKey, type ScannedDatabase, type ScannedModule } from './database-scan.js';
import { addOwners, type FoundStorage, findStorages } from './found-storage.js';
import { type LegacyTableFound, readLegacyTables, type StorageNamed } from './legacy-tenant.js';
import { type Registered, readRegistered } from './registered-tenants.js';
import { collectIdentities, type Identities } from './tenant-identity.js';
import type { MapRow } from './tenant-map.js';

/** A table of tenants from before the registry, with access to its database. */
export interface LegacyTablePlace extends LegacyTableFound {
  /** The modules of the database; empty for the registry's own database. */
  modules: readonly ScannedModule[];
  withConnection<T>(work: (client: ClientBase) => Promise<T>): Promise<T>;
}

export interface Findings {
  storages: FoundStorage[];
  identities: Identities;
  registered: Registered;
}

/** Reads the tables of tenants in the registry's database and in the service databases, each database once. */
export async function readLegacyTablePlaces(
  { database, serviceDatabases }: CommandContext,
  scanned: readonly ScannedDatabase[],
): Promise<LegacyTablePlace[]> {
  const found: LegacyTablePlace[] = [];
  const keys = new Set(scanned.map(({ key }) => key));
  const inRegistry = async <T>(work: (client: ClientBase) => Promise<T>) => {
    const client = await database.pool.connect();
    try {
      return await work(client);
    } finally {
      client.release();
    }
  };
  await inRegistry(async (client) => {
    if (keys.has(await readDatabaseKey(client))) return;
    const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
    for (const table of await readLegacyTables(client, rows[0]?.name ?? 'registry'))
      found.push({ ...table, modules: [], withConnection: inRegistry });
  });
  for (const { modules } of scanned) {
    const [module] = modules;
    if (!module) continue;
    const withConnection = <T>(work: (client: ClientBase) => Promise<T>) =>
      serviceDatabases.withConnection(module, work);
    const tables = await serviceDatabases.readers.withConnection(module, (client) =>
      readLegacyTables(client, module.databaseName),
    );
    for (const table of tables) found.push({ ...table, modules, withConnection });
  }
  return found;
}

/**
 * Gathers everything that a plan needs: the storage found, the statements of old tables and of the map about it, and
 * the registry's own data.
 */
export async function gatherFindings(
  context: CommandContext,
  scanned: readonly ScannedDatabase[],
  tables: readonly LegacyTablePlace[],
  map: readonly MapRow[],
  isWanted: (module: ScannedModule) => boolean,
): Promise<Findings> {
  const catalogue = scanned.flatMap(({ modules }) => modules);
  const legacy = tables.flatMap((table) =>
    table.tenants.map((tenant) => ({
      ...tenant,
      names: tenant.names.flatMap((named) => assignModule(named, table.modules, catalogue)),
    })),
  );
  const named = [
    ...legacy.flatMap(({ names }) => names),
    ...map.map(({ schema }) => ({ module: undefined, name: schema })),
  ];
  const storages = scanned.flatMap((database) => findStorages(database, named, isWanted));
  await addOwners(context.serviceDatabases.readers, storages);
  const registered = await readRegistered(context);
  return { storages, registered, identities: collectIdentities(registered, legacy, map) };
}

/**
 * Decides to which module a storage column of an old table belongs: to the module in the column's name, otherwise to
 * the module whose database has the table, otherwise to any module.
 */
function assignModule(
  named: StorageNamed,
  neighbours: readonly ScannedModule[],
  catalogue: readonly ScannedModule[],
): StorageNamed[] {
  const { kind, module: prefix } = named;
  const own = catalogue.find(({ name }) => name === prefix);
  if (own) return own.isolation === kind ? [named] : [];
  const fitting = neighbours.filter(({ isolation }) => isolation === kind);
  // A column "database" next to a schema column only names the location of the schema.
  if (storageNaming[kind].hasOwnDatabase && fitting.length !== 1) return [];
  return [{ ...named, module: fitting.length === 1 ? fitting[0]?.name : undefined }];
}
