import type { ServiceDatabases } from '../../database/service-databases.js';
import { storageKinds } from './storage-kind.js';
import type { Storage, StorageLocation, StorageTarget } from './storage-location.js';

/**
 * Creates the schema or database with all its tables, or, when the tenant has it already, migrates it. All or nothing: a
 * failed attempt leaves nothing under that name.
 */
export function createStorage(databases: ServiceDatabases, target: StorageTarget): Promise<Storage> {
  return storageKinds[target.isolation].create(databases, target);
}

/** The inverse of createStorage. Does nothing when the storage does not exist or belongs to another tenant. */
export function dropStorage(databases: ServiceDatabases, target: StorageTarget): Promise<void> {
  return storageKinds[target.isolation].drop(databases, target);
}

/** Whether the name is in use in the service database, by any owner. */
export function storageExists(databases: ServiceDatabases, location: StorageLocation): Promise<boolean> {
  return databases.withConnection(location.reference, (client) =>
    storageKinds[location.isolation].exists(client, location),
  );
}
