import type { ExpectedStorage } from './expected-storage.js';
import type { FindingCode, Remedy } from './finding.js';
import type { FoundDatabase, FoundServer } from './found-database.js';

/** The state of a storage in the service databases. */
export interface StorageFacts {
  /** Whether the schema, or the tenant's own database, exists. */
  exists: boolean;
  /** The database that holds the schema; undefined when it does not exist or could not be read. */
  database: FoundDatabase | undefined;
  server: FoundServer;
}

/** One storage as the registry expects it, the database that holds it, and the collector of findings. */
export interface StorageComparison {
  storage: ExpectedStorage;
  found: FoundDatabase;
  server: FoundServer;
  report(code: FindingCode, problem: string, remedy: Remedy): void;
}
