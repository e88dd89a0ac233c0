import type { Module, Isolation as StoredIsolation } from '../../database/generated/prisma/client.js';

/** How a module keeps its tenants apart. */
export type Isolation = StoredIsolation;

/** The columns of a subscription that say where the data is. */
export interface StorageNames {
  databaseName: string;
  schemaName: string;
}

/** The names of one isolation kind. What provisioning does with it is in provisioning/storage/storage-kind.ts. */
export interface StorageNaming {
  /** "Schema", for messages. */
  noun: string;
  /** Whether each tenant has a database of its own; if not, its schema is in the module's database. */
  hasOwnDatabase: boolean;
  /** The column that holds the name issued to the tenant. */
  nameField: keyof StorageNames;
  /** Database and schema of storage with this name. */
  locate(name: string, module: Pick<Module, 'databaseName'>): StorageNames;
}

export const storageNaming: Readonly<Record<Isolation, StorageNaming>> = {
  SCHEMA: {
    noun: 'Schema',
    hasOwnDatabase: false,
    nameField: 'schemaName',
    locate: (schemaName, { databaseName }) => ({ databaseName, schemaName }),
  },
  DATABASE: {
    noun: 'Database',
    hasOwnDatabase: true,
    nameField: 'databaseName',
    locate: (databaseName) => ({ databaseName, schemaName: 'public' }),
  },
};

// Object.keys knows no key types; the record has exactly these.
export const isolations = Object.keys(storageNaming) as Isolation[];

/** As PostgreSQL spells the enum's values. */
export const storedIsolations = isolations.map(
  (isolation) => isolation.toLowerCase() as Lowercase<Isolation>,
);

/** The name issued to the tenant: that of its schema, or of its database. */
export function storageNameOf(storage: StorageNames & { isolation: Isolation }): string {
  return storage[storageNaming[storage.isolation].nameField];
}

/** "Schema acme", for messages. */
export function storageTitle(storage: StorageNames & { isolation: Isolation }): string {
  return `${storageNaming[storage.isolation].noun} ${storageNameOf(storage)}`;
}

/** From the spelling of PostgreSQL. */
export function readIsolation(stored: Lowercase<Isolation>): Isolation {
  // The inverse of Lowercase on names that are all capitals.
  return stored.toUpperCase() as Isolation;
}
