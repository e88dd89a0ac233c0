import { isSameOwner } from '../../fence/binding.js';
import { isSameFile, type ModuleMigration } from '../../storage/module-migrations.js';
import type { ModuleFiles } from '../compare-version.js';
import type { ExpectedStorage } from '../expected-storage.js';
import type { FoundDatabase } from '../found-database.js';

/** A storage whose structure can be compared: every file that ran there is on the disk as it ran. */
export interface ComparableStorage {
  storage: ExpectedStorage;
  /** The files that ran there, in order. */
  migrations: readonly ModuleMigration[];
}

/**
 * undefined where the structure says nothing: of storage that is not the tenant's, that was made outside the registry, or in which other files
 * ran than those on the disk. These are findings of their own.
 */
export function findComparable(
  storage: ExpectedStorage,
  { schemas, bindings, versions }: Pick<FoundDatabase, 'schemas' | 'bindings' | 'versions'>,
  files: ModuleFiles,
): ComparableStorage | undefined {
  const { presence, isMigrated, schemaName, tenantId, module } = storage;
  if (presence !== 'required' || !isMigrated || !schemas.has(schemaName)) return undefined;
  const binding = bindings?.get(schemaName);
  const owner = { tenantId, module };
  if (binding && !(binding.isSameSchema && isSameOwner(binding.owner, owner))) return undefined;
  const found = versions?.get(schemaName);
  if (!found || !isSameOwner(found.owner, owner)) return undefined;
  const ran = files.migrations.filter((migration) => {
    const checksum = found.applied.get(migration.name);
    return checksum !== undefined && isSameFile(migration, checksum);
  });
  return ran.length === found.applied.size ? { storage, migrations: ran } : undefined;
}
