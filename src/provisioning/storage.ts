import type { DatabaseReference, ServiceDatabases } from '../database/service-databases.js';
import { createDatabase, dropDatabase } from './database-storage.js';
import type { ModuleMigration, SchemaOwner } from './module-migrations.js';
import { createSchema, dropSchema } from './schema-storage.js';

/** Where a tenant's data of a module is. */
export interface StorageLocation {
  owner: SchemaOwner;
  isolation: 'SCHEMA' | 'DATABASE';
  /** The module's own database. */
  reference: DatabaseReference;
  databaseName: string;
  schemaName: string;
}

/** Where it goes, and what has to run there. */
export interface StoragePlace extends StorageLocation {
  /** Of the route, which the binding of what is made begins with. */
  generation: number;
  migrations: readonly ModuleMigration[];
  /**
   * Throws when the operation has been taken for lost. Asked under the name's lock, so that who comes back late neither
   * makes nor takes away anything under the feet of whoever went on in its place.
   */
  requireHeld(): Promise<void>;
}

export interface Storage {
  /** Whether this call made it; what stood there before is not ours to take away again. */
  created: boolean;
  migrationVersion: string | null;
}

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
