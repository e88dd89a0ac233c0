import type { ServiceDatabases } from '../../database/service-databases.js';
import { messageOf } from '../../errors.js';
import {
  readSchemaOwners,
  type ScannedDatabase,
  type ScannedModule,
  type StorageOwner,
} from './database-scan.js';

/** A schema, or a database of its own, that may be a tenant's. */
export interface FoundStorage {
  module: ScannedModule;
  name: string;
  /** The name without the module's prefix, in lower case, with _ for -. */
  key: string;
  owner: StorageOwner | undefined;
  /** Why nothing can be said of it. */
  problem?: string;
  /** Other modules whose it could be as well. */
  rivals: string[];
}

export interface NamedStorage {
  module: string | undefined;
  name: string;
}

/** `-` and `_` count as one, and so do capitals. */
export function keyOf(text: string): string {
  return text.toLowerCase().replaceAll('-', '_');
}

/**
 * The storage of a database, each with its module: the one that is said to own the name (in `named`, or by a
 * subscription), else the one with the longest prefix that fits. Names that are no module's, or of modules that are
 * not wanted, are left out.
 */
export function findStorages(
  database: ScannedDatabase,
  named: readonly NamedStorage[],
  isWanted: (module: ScannedModule) => boolean,
): FoundStorage[] {
  const saidOf = new Map<string, Set<string | undefined>>();
  for (const { module, name } of named) saidOf.set(name, (saidOf.get(name) ?? new Set()).add(module));
  const inIsolation = (isolation: 'SCHEMA' | 'DATABASE', names: readonly string[]) => {
    const modules = database.modules.filter((module) => module.isolation === isolation);
    return names.flatMap((name) => findStorage(name, modules, saidOf.get(name), isWanted) ?? []);
  };
  return [...inIsolation('SCHEMA', database.schemas), ...inIsolation('DATABASE', database.databases)];
}

function findStorage(
  name: string,
  modules: readonly ScannedModule[],
  said: ReadonlySet<string | undefined> | undefined,
  isWanted: (module: ScannedModule) => boolean,
): FoundStorage | undefined {
  const fitting = modules.filter(({ schemaPrefix }) => name.toLowerCase().startsWith(schemaPrefix));
  const longest = Math.max(...fitting.map(({ schemaPrefix }) => schemaPrefix.length));
  const byPrefix = fitting.filter(({ schemaPrefix }) => schemaPrefix.length === longest);
  const bySaying = modules.filter((module) => said?.has(module.name));
  const candidates = bySaying.length > 0 ? bySaying : byPrefix.length > 0 ? byPrefix : said ? modules : [];
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

/** Adds whom each was made for, where the registry made it. */
export async function addOwners(databases: ServiceDatabases, storages: FoundStorage[]): Promise<void> {
  const ownersIn = new Map<ScannedModule, Map<string, StorageOwner>>();
  for (const storage of storages) {
    const { module, name } = storage;
    if (module.isolation === 'DATABASE') await addDatabaseOwner(databases, storage);
    else {
      const owners = ownersIn.get(module) ?? (await databases.withConnection(module, readSchemaOwners));
      ownersIn.set(module, owners);
      storage.owner = owners.get(name);
    }
  }
}

async function addDatabaseOwner(databases: ServiceDatabases, storage: FoundStorage): Promise<void> {
  try {
    const client = await databases.connect(storage.module, storage.name);
    try {
      storage.owner = (await readSchemaOwners(client)).get('public');
    } finally {
      await client.end();
    }
  } catch (error) {
    // One that may not be entered, or goes away just now, keeps nobody else from being taken over.
    storage.problem = `the database could not be entered: ${messageOf(error)}`;
  }
}
