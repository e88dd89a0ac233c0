import type { ClientBase } from 'pg';
import { identifier } from '../../database/identifier.js';
import type { ServiceDatabases } from '../../database/service-databases.js';
import { RegistryError } from '../../errors.js';
import { storageTitle } from '../../registry/isolation.js';
import { findSchemaOwner, hasVersionTable } from './module-migrations.js';
import { requireOwner, withLockedName } from './schema-storage.js';
import { storageKinds } from './storage-kind.js';
import type { Storage, StorageLocation, StoragePlace } from './storage-place.js';

/**
 * Looks at storage that exists already, to adopt it; changes nothing. Throws CONFLICT when it does not exist or belongs to
 * another tenant.
 */
export async function findAdoptable(databases: ServiceDatabases, place: StoragePlace): Promise<Storage> {
  const { exists, atStorage } = storageKinds[place.isolation];
  return withLockedName(databases, place, async (client) => {
    const found =
      (await exists(client, place)) &&
      (await atStorage(databases, place, (inside) => readStorage(inside, place), client));
    if (found) return found;
    throw new RegistryError(
      'CONFLICT',
      `${storageTitle(place)} does not exist any more: create it again, or adopt the tenant without it`,
    );
  });
}

/**
 * Whether the registry's migrations ran in existing storage. They may have run through ensure_<module>_tenant_schema, of which
 * the registry has no record.
 */
export async function isMigrated(databases: ServiceDatabases, location: StorageLocation): Promise<boolean> {
  const isVersioned = await storageKinds[location.isolation].atStorage(databases, location, (client) =>
    hasVersionTable(client, location.schemaName),
  );
  return isVersioned ?? false;
}

async function readStorage(client: ClientBase, place: StoragePlace): Promise<Storage> {
  const owner = await findSchemaOwner(client, place.schemaName);
  if (!owner) return { created: false, migrationVersion: null };
  requireOwner(place, owner);
  // The binding of an earlier adoption names the owner, though no migration ran.
  if (!(await hasVersionTable(client, place.schemaName))) return { created: false, migrationVersion: null };
  // The module's own migrations run after those of the folder _every.
  const { rows } = await client.query<{ migration: string }>(
    `SELECT migration FROM ${identifier(place.schemaName)}.schema_version
     ORDER BY migration LIKE '\\_%', migration COLLATE "C" DESC LIMIT 1`,
  );
  return { created: false, migrationVersion: rows[0]?.migration ?? null };
}
