import type { ClientBase } from 'pg';
import type { ServiceDatabases } from '../../database/service-databases.js';
import { RegistryError } from '../../errors.js';
import { storageTitle } from '../../registry/modules/isolation.js';
import { findSchemaOwner, isBeingDropped, listApplied } from '../fence/schema-version.js';
import { requireOwner, withLockedName } from './schema-storage.js';
import { storageKinds } from './storage-kind.js';
import type { Storage, StorageLocation, StorageTarget } from './storage-location.js';

/**
 * Looks at storage that exists already, to adopt it; changes nothing. Throws CONFLICT when it does not exist or belongs to
 * another tenant.
 */
export async function findAdoptable(databases: ServiceDatabases, target: StorageTarget): Promise<Storage> {
  const { exists, atStorage } = storageKinds[target.isolation];
  return withLockedName(databases, target, async (client) => {
    const found =
      (await exists(client, target)) &&
      (await atStorage(databases, target, (inside) => readStorage(inside, target), client));
    if (found) return found;
    throw new RegistryError(
      'CONFLICT',
      `${storageTitle(target)} does not exist any more: create it again, or adopt the tenant without it`,
    );
  });
}

/**
 * Whether the registry's migrations ran in existing storage. They may have run through ensure_<module>_tenant_schema, of which
 * the registry has no record.
 */
export async function isMigrated(databases: ServiceDatabases, location: StorageLocation): Promise<boolean> {
  const applied = await storageKinds[location.isolation].atStorage(databases, location, (client) =>
    listApplied(client, location.schemaName),
  );
  return applied !== undefined && applied.length > 0;
}

async function readStorage(client: ClientBase, target: StorageTarget): Promise<Storage> {
  const owner = await findSchemaOwner(client, target.schemaName);
  if (owner) requireOwner(target, owner);
  if (await isBeingDropped(client, target.schemaName))
    throw new RegistryError(
      'CONFLICT',
      `${storageTitle(target)} was dropped in part: restore its data, or drop the rest with DROP SCHEMA, before it is adopted`,
    );
  // The module's own migrations run after those of the folder _every.
  const applied = await listApplied(client, target.schemaName);
  return { created: false, migrationVersion: applied.at(-1)?.name ?? null };
}
