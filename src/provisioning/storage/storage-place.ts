import type { DatabaseReference } from '../../database/service-databases.js';
import type { Isolation } from '../../registry/isolation.js';
import type { SchemaOwner } from '../fence/binding.js';
import type { ModuleMigration } from './module-migrations.js';

/** Where a tenant's data of a module is. */
export interface StorageLocation {
  owner: SchemaOwner;
  isolation: Isolation;
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
