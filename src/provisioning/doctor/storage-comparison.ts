import type { ExpectedStorage } from './expected.js';
import type { FindingCode } from './finding.js';
import type { FoundDatabase, FoundServer } from './found.js';

/** What was found of a storage. */
export interface SeenStorage {
  stands: boolean;
  /** The database that its schema is in; undefined when that does not stand or could not be looked into. */
  found: FoundDatabase | undefined;
  server: FoundServer;
}

/** What is compared of a storage, and with what. */
export interface StorageComparison extends SeenStorage {
  storage: ExpectedStorage;
  found: FoundDatabase;
  report(code: FindingCode, problem: string, remedy: string): void;
}
