import type { ModuleConnections } from '../../database/service-databases.js';
import { messageOf } from '../../errors.js';
import type { SchemaOwner } from '../../provisioning/fence/binding.js';
import { listSchemaOwners } from '../../provisioning/fence/schema-version.js';
import { isolations, storageNaming } from '../../registry/modules/isolation.js';
import type { ScannedDatabase, ScannedModule } from './database-scan.js';

/** A schema or database that may belong to a tenant. */
export interface FoundStorage {
  module: ScannedModule;
  name: string;
  /** The name without the module's prefix, in lower case, with "_" in place of "-". */
  key: string;
  owner: SchemaOwner | undefined;
  /** The reason why its owner could not be read. */
  problem?: string;
  /** Other modules with the same prefix, to which it may belong as well. */
  rivals: string[];
}

export interface NamedStorage {
  module: string | undefined;
  name: string;
}

/** Returns the text in lower case with "_" in place of "-", for comparing names with slugs. */
export function keyOf(text: string): string {
  return text.toLowerCase().replaceAll('-', '_');
}

/**
 * Finds the storage in a database. Each belongs to the module that a statement names for it (in `named`, or by a
 * subscription), otherwise to the module with the longest matching prefix. Names that fit no wanted module are left
 * out.
 */
export function findStorages(
  database: ScannedDatabase,
  named: readonly NamedStorage[],
  isWanted: (module: ScannedModule) => boolean,
): FoundStorage[] {
  const statedModules = new Map<string, Set<string | undefined>>();
  for (const { module, name } of named)
    statedModules.set(name, (statedModules.get(name) ?? new Set()).add(module));
  return isolations.flatMap((isolation) => {
    const modules = database.modules.filter((module) => module.isolation === isolation);
    const names = storageNaming[isolation].hasOwnDatabase ? database.databases : database.schemas;
    return names.flatMap((name) => findStorage(name, modules, statedModules.get(name), isWanted) ?? []);
  });
}

function findStorage(
  name: string,
  modules: readonly ScannedModule[],
  stated: ReadonlySet<string | undefined> | undefined,
  isWanted: (module: ScannedModule) => boolean,
): FoundStorage | undefined {
  const fitting = modules.filter(({ schemaPrefix }) => name.toLowerCase().startsWith(schemaPrefix));
  const longest = Math.max(...fitting.map(({ schemaPrefix }) => schemaPrefix.length));
  const byPrefix = fitting.filter(({ schemaPrefix }) => schemaPrefix.length === longest);
  const byStatement = modules.filter((module) => stated?.has(module.name));
  const candidates =
    byStatement.length > 0 ? byStatement : byPrefix.length > 0 ? byPrefix : stated ? modules : [];
  const wanted = candidates.filter(isWanted);
  const [module] = wanted;
  if (!module) return undefined;
  const hasPrefix = fitting.includes(module);
  return {
    module,
    name,
    key: keyOf(hasPrefix ? name.slice(module.schemaPrefix.length) : name),
    owner: undefined,
    rivals: wanted.slice(1).map((rival) => rival.name),
  };
}

/** Adds the owner to storage that the registry made. */
export async function addOwners(databases: ModuleConnections, storages: FoundStorage[]): Promise<void> {
  const ownersIn = new Map<ScannedModule, Map<string, SchemaOwner>>();
  for (const storage of storages) {
    const { module, name } = storage;
    if (storageNaming[module.isolation].hasOwnDatabase) await addDatabaseOwner(databases, storage);
    else {
      const owners = ownersIn.get(module) ?? (await databases.withConnection(module, listSchemaOwners));
      ownersIn.set(module, owners);
      storage.owner = owners.get(name);
    }
  }
}

async function addDatabaseOwner(databases: ModuleConnections, storage: FoundStorage): Promise<void> {
  try {
    const client = await databases.connect(storage.module, storage.name);
    try {
      storage.owner = (await listSchemaOwners(client)).get('public');
    } finally {
      await client.end();
    }
  } catch (error) {
    // A database that cannot be entered, or is dropped meanwhile, does not stop the import of the others.
    storage.problem = `the database could not be entered: ${messageOf(error)}`;
  }
}
