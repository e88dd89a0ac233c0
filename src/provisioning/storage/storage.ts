import type { ServiceDatabases } from '../../database/service-databases.js';
import { storageKinds } from './storage-kind.js';
import type { Storage, StorageLocation, StoragePlace } from './storage-place.js';

/**
 * Creates the schema or database with all its tables, or, when the tenant has it already, migrates it. All or nothing: a
 * failed attempt leaves nothing under that name.
 */
export function createStorage(databases: ServiceDatabases, place: StoragePlace): Promise<Storage> {
  return storageKinds[place.isolation].create(databases, place);
}

/** The inverse of createStorage. Does nothing when the storage does not exist or belongs to another tenant. */
export function dropStorage(databases: ServiceDatabases, place: StoragePlace): Promise<void> {
  return storageKinds[place.isolation].drop(databases, place);
}

/** Whether the name is in use in the service database, by any owner. */
export function storageExists(databases: ServiceDatabases, location: StorageLocation): Promise<boolean> {
  return databases.withConnection(location.reference, (client) =>
    storageKinds[location.isolation].exists(client, location),
  );
}
