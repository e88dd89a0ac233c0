import type { DatabaseReference } from '../../database/service-databases.js';
import type { Isolation } from '../../registry/modules/isolation.js';
import type { SchemaOwner } from '../fence/binding.js';
import type { ModuleMigration } from './module-migrations.js';

/** The schema or database that holds a tenant's data of a module. */
export interface StorageLocation {
  owner: SchemaOwner;
  isolation: Isolation;
  /** The module's database. */
  reference: DatabaseReference;
  databaseName: string;
  schemaName: string;
}

/** Storage to create, migrate or drop. */
export interface StorageTarget extends StorageLocation {
  /** The route's generation, with which a new binding starts. */
  generation: number;
  migrations: readonly ModuleMigration[];
  /**
   * Throws when another worker has taken over the operation. Called under the lock of the name, so that a worker that was
   * frozen creates and drops nothing once another one works in its place.
   */
  requireHeld(): Promise<void>;
}

export interface Storage {
  /** Whether this call created the storage. Storage that existed before must not be dropped when the operation is undone. */
  created: boolean;
  migrationVersion: string | null;
}

/** Storage that exists under the name and was not dropped. */
export interface LeftStorage {
  /** undefined: the registry has no proof of who made it. */
  owner: SchemaOwner | undefined;
}
