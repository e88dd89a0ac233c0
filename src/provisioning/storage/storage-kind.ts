import type { ClientBase } from 'pg';
import { identifier } from '../../database/identifier.js';
import type { ServiceDatabases } from '../../database/service-databases.js';
import type { Isolation } from '../../registry/modules/isolation.js';
import { schemaExists } from '../fence/binding.js';
import {
  createDatabase,
  databaseExists,
  dropDatabase,
  dropInvalidDatabase,
  inTenantDatabase,
} from './database-storage.js';
import { createSchema, dropSchema } from './schema-storage.js';
import type { LeftStorage, Storage, StorageLocation, StorageTarget } from './storage-location.js';

/** The names that a server and a database list; as doctor reads them. */
interface ListedNames {
  databases: { has(name: string): boolean };
  /** Schemas of the module's database. */
  schemas: { has(name: string): boolean };
}

/**
 * How provisioning treats one isolation kind. To add a kind, add an entry here and in registry/isolation.ts; the compiler
 * names what else is missing.
 */
export interface StorageKind {
  createStep: `create_${string}`;
  dropStep: `drop_${string}`;
  /** Whether services may make this storage by SQL, from the copy of the module's migrations in its database. */
  keepsMigrationCopy: boolean;
  /** Creates the storage with all its tables, or migrates it when the tenant has it already. All or nothing. */
  create(databases: ServiceDatabases, target: StorageTarget): Promise<Storage>;
  /** Drops the tenant's storage. Returns what exists under its name and was left, because it is not provably the tenant's. */
  drop(databases: ServiceDatabases, target: StorageTarget): Promise<LeftStorage | undefined>;
  /** Drops what an interrupted DROP has left under the name, which nobody can use any more. */
  dropRemains(databases: ServiceDatabases, target: StorageTarget): Promise<void>;
  /** Whether the name is in use, by any owner. The client is connected to the module's database. */
  exists(client: ClientBase, location: StorageLocation): Promise<boolean>;
  /**
   * Runs the work on a connection to the database that holds the tenant's schema; undefined when the tenant's own database
   * does not exist. `moduleClient` is a connection to the module's database that the caller has already.
   */
  atStorage<T>(
    databases: ServiceDatabases,
    location: StorageLocation,
    work: (client: ClientBase) => Promise<T>,
    moduleClient?: ClientBase,
  ): Promise<T | undefined>;
  /** Whether the storage is among these names. */
  isListed(names: ListedNames, location: Pick<StorageLocation, 'databaseName' | 'schemaName'>): boolean;
  /** The SQL with which an operator drops the storage. */
  dropStatement(location: Pick<StorageLocation, 'databaseName' | 'schemaName'>): string;
}

export const storageKinds: Readonly<Record<Isolation, StorageKind>> = {
  SCHEMA: {
    createStep: 'create_schema',
    dropStep: 'drop_schema',
    keepsMigrationCopy: true,
    create: createSchema,
    drop: dropSchema,
    // DROP SCHEMA is transactional.
    dropRemains: async () => undefined,
    exists: (client, { schemaName }) => schemaExists(client, schemaName),
    atStorage: (databases, { reference }, work, moduleClient) =>
      moduleClient ? work(moduleClient) : databases.withConnection(reference, work),
    isListed: ({ schemas }, { schemaName }) => schemas.has(schemaName),
    dropStatement: ({ databaseName, schemaName }) =>
      `in database ${databaseName} DROP SCHEMA ${identifier(schemaName)} CASCADE; ` +
      `DELETE FROM tenant_guard.binding WHERE schema_name = '${schemaName}'; ` +
      `DELETE FROM tenant_guard.schema_version WHERE schema_name = '${schemaName}'`,
  },
  DATABASE: {
    createStep: 'create_database',
    dropStep: 'drop_database',
    keepsMigrationCopy: false,
    create: createDatabase,
    drop: dropDatabase,
    dropRemains: dropInvalidDatabase,
    exists: (client, { databaseName }) => databaseExists(client, databaseName),
    atStorage: inTenantDatabase,
    isListed: ({ databases }, { databaseName }) => databases.has(databaseName),
    dropStatement: ({ databaseName }) => `DROP DATABASE ${identifier(databaseName)} WITH (FORCE)`,
  },
};
