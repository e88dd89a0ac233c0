import type { ServiceDatabases } from '../../database/service-databases.js';
import { createDatabase, dropDatabase } from './database-storage.js';
import { createSchema, dropSchema } from './schema-storage.js';
import type { Storage, StoragePlace } from './storage-place.js';

/**
 * Makes the schema or database with all its tables, or, when it stands already and is this tenant's, brings it up to
 * date. All or nothing: what fails leaves nothing under that name.
 */
export function createStorage(databases: ServiceDatabases, place: StoragePlace): Promise<Storage> {
  return place.isolation === 'SCHEMA' ? createSchema(databases, place) : createDatabase(databases, place);
}

/** The inverse of createStorage, for what it created. Does nothing when it is gone or somebody else's. */
export function dropStorage(databases: ServiceDatabases, place: StoragePlace): Promise<void> {
  return place.isolation === 'SCHEMA' ? dropSchema(databases, place) : dropDatabase(databases, place);
}
