import type { ClientBase } from 'pg';
import { RegistryError } from '../../errors.js';
import type { CommandContext } from '../../registry/command.js';
import { storageNaming } from '../../registry/modules/isolation.js';
import type { ColumnMap } from '../platform/column-map.js';
import {
  findMapped,
  listVisibleSchemas,
  type PlatformTable,
  readPlatformTables,
} from '../platform/platform-tables.js';
import type { ScannedDatabase, ScannedModule } from './database-scan.js';
import { addOwners, type FoundStorage, findStorages } from './found-storage.js';
import type { Identities } from './identity.js';
import { type LegacyTableFound, readLegacyTables, readTenants, type StorageNamed } from './legacy-tenant.js';
import { type Registered, readRegistered } from './registered-tenants.js';
import {
  readUnderOneName,
  type TablePlace,
  type TableSources,
  visitPlaces,
  type WithConnection,
} from './table-places.js';
import { collectIdentities } from './tenant-identity.js';
import type { MapRow } from './tenant-map.js';

/** A table of tenants from before the registry, with access to its database. */
export interface LegacyTablePlace extends LegacyTableFound {
  /** The modules of the database; empty for the registry's own database. */
  modules: readonly ScannedModule[];
  /** Whether the table keeps its name: it is in a database of --from, or has another shape. */
  isKept: boolean;
  withConnection: WithConnection;
}

/** The tables of platforms. */
export interface FoundTables {
  tenants: LegacyTablePlace[];
  /** Tables beside those of tenants. */
  others: PlatformTable[];
}

export interface Findings {
  storages: FoundStorage[];
  identities: Identities;
  registered: Registered;
}

/** Reads the tables of platforms in the registry's database, in the service databases and in that of --from, each database once. */
export async function readTables(context: CommandContext, sources: TableSources): Promise<FoundTables> {
  return readUnderOneName(async () => {
    const found: FoundTables = { tenants: [], others: [] };
    await visitPlaces(context, sources, (client, place) => addTables(found, client, place, sources.map));
    return found;
  });
}

async function addTables(
  found: FoundTables,
  client: ClientBase,
  { database, isRegistry, ...place }: TablePlace,
  map: ColumnMap,
): Promise<void> {
  const schemas = await listVisibleSchemas(client);
  for (const table of await readLegacyTables(client, database, schemas))
    if (!findMapped(map, table)) found.tenants.push({ ...table, ...place });
  for (const table of await readPlatformTables(client, database, { schemas, map, isRegistry })) {
    found.others.push(table);
    if (table.role !== 'tenants') continue;
    // Without its rows its tenants would get new ids.
    if (table.problem !== null)
      throw new RegistryError('CONFLICT', `${table.schema}.${table.name}: ${table.problem}`);
    const { schema, name, rows } = table;
    const source = rows[0]?.source ?? name;
    const read = readTenants(
      rows.map(({ cells }) => cells),
      source,
    );
    found.tenants.push({
      ...{ schema, name, columns: [], isAside: false, database },
      ...read,
      ...place,
      isKept: true,
    });
  }
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
