import type { ClientBase } from 'pg';
import type { CommandContext } from '../../registry/command.js';
import { identify, type ScannedDatabase, type ScannedModule } from './database-scan.js';
import { addOwners, type FoundStorage, findStorages } from './found-storage.js';
import { type LegacyTableFound, readLegacyTables, type StorageNamed } from './legacy-tenant.js';
import { type Registered, readRegistered } from './registered-tenants.js';
import { collectIdentities, type Identities } from './tenant-identity.js';
import type { MapRow } from './tenant-map.js';

/** An old table, with a way to the database it is in. */
export interface LegacyTablePlace extends LegacyTableFound {
  /** Whose database it is; of the registry's own, nobody's. */
  modules: readonly ScannedModule[];
  withConnection<T>(work: (client: ClientBase) => Promise<T>): Promise<T>;
}

export interface Findings {
  storages: FoundStorage[];
  identities: Identities;
  registered: Registered;
}

/** The tables of tenants from before, in the registry's database and in those of the services, each once. */
export async function readTables(
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
    if (keys.has(await identify(client))) return;
    const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
    for (const table of await readLegacyTables(client, rows[0]?.name ?? 'registry'))
      found.push({ ...table, modules: [], withConnection: inRegistry });
  });
  for (const { modules } of scanned) {
    const [module] = modules;
    if (!module) continue;
    const withConnection = <T>(work: (client: ClientBase) => Promise<T>) =>
      serviceDatabases.withConnection(module, work);
    for (const table of await withConnection((client) => readLegacyTables(client, module.databaseName)))
      found.push({ ...table, modules, withConnection });
  }
  return found;
}

/** Everything a plan is made of: what stands, what old tables and the map say of it, what the registry holds. */
export async function gather(
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
      names: tenant.names.flatMap((named) => attach(named, table.modules, catalogue)),
    })),
  );
  const named = [
    ...legacy.flatMap(({ names }) => names),
    ...map.map(({ schema }) => ({ module: undefined, name: schema })),
  ];
  const storages = scanned.flatMap((database) => findStorages(database, named, isWanted));
  await addOwners(context.serviceDatabases, storages);
  const registered = await readRegistered(context);
  return { storages, registered, identities: collectIdentities(registered, legacy, map) };
}

/** A column is about the module in its name, else about the one whose database the table is in, else about any. */
function attach(
  named: StorageNamed,
  neighbours: readonly ScannedModule[],
  catalogue: readonly ScannedModule[],
): StorageNamed[] {
  const { kind, module: prefix } = named;
  const own = catalogue.find(({ name }) => name === prefix);
  if (own) return own.isolation === kind ? [named] : [];
  const fitting = neighbours.filter(({ isolation }) => isolation === kind);
  // A column "database" beside one for the schema says where that is.
  if (kind === 'DATABASE' && fitting.length !== 1) return [];
  return [{ ...named, module: fitting.length === 1 ? fitting[0]?.name : undefined }];
}
