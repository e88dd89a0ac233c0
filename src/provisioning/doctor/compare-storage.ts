import { storageNaming, storageTitle } from '../../registry/modules/isolation.js';
import { isSameOwner } from '../fence/binding.js';
import { storageKinds } from '../storage/storage-kind.js';
import { compareAccess } from './compare-access.js';
import { compareBinding, compareRevision, type RegistryHead } from './compare-binding.js';
import { compareOwners } from './compare-owners.js';
import { compareVersion, type ModuleFiles } from './compare-version.js';
import type { ExpectedStorage } from './expected-storage.js';
import { createObservation, type FindingCode, type Observation, type Remedy } from './finding.js';
import type { FoundDatabase } from './found-database.js';
import type { StorageComparison, StorageFacts } from './storage-comparison.js';

export interface StorageRules {
  files: ModuleFiles;
  head: RegistryHead;
}

/** Reports one finding per fault: when the schema itself is wrong, its contents are not compared. */
export function compareStorage(
  storage: ExpectedStorage,
  facts: StorageFacts,
  { files, head }: StorageRules,
): Observation[] {
  const observations: Observation[] = [];
  const report = (code: FindingCode, problem: string, remedy: Remedy) => {
    observations.push(createObservation(code, aboutStorage(storage), { problem, remedy }));
  };
  const { presence } = storage;
  if (presence === 'required' && !facts.exists) reportMissing(storage, report);
  else if (presence === 'removed' && facts.exists)
    report(
      'STORAGE_NOT_REMOVED',
      `${titleOf(storage)} exists, but the registry removed it at ${storage.storageRemovedAt?.toISOString()}.`,
      `Check that it was not created again for another purpose, then drop it: ${storageKinds[storage.isolation].dropStatement(storage)}.`,
    );
  else if (presence === 'leftover' && facts.exists && isOwn(storage, facts.database))
    report(
      'STORAGE_LEFT_BEHIND',
      `${titleOf(storage)} was made for a subscription that never became active (${storage.status}).`,
      `Subscribe the tenant again with subscribeTenantToModule, which uses it, or drop it: ${storageKinds[storage.isolation].dropStatement(storage)}.`,
    );
  const { database: found, server } = facts;
  if (!found || !facts.exists) return observations;

  const comparison: StorageComparison = { storage, found, server, report };
  if (presence === 'required' && !found.schemas.has(storage.schemaName)) reportMissing(storage, report, true);
  else if (presence === 'removed' || presence === 'leftover') return observations;
  else if (compareBinding(comparison, head) === 'same schema' && presence === 'required') {
    compareRevision(comparison, head);
    if (storage.isMigrated) compareVersion(comparison, files);
    compareOwners(comparison);
    compareAccess(comparison);
  }
  return observations;
}

export function aboutStorage(storage: ExpectedStorage) {
  const { tenantId, tenantSlug, module, databaseName: database, schemaName: schema, asOf } = storage;
  return { tenantId, tenantSlug, module, database, schema, asOf };
}

function reportMissing(
  storage: ExpectedStorage,
  report: StorageComparison['report'],
  isInside = false,
): void {
  const isDatabase = storageNaming[storage.isolation].hasOwnDatabase && !isInside;
  const name = isDatabase ? storageTitle(storage) : schemaIn(storage);
  report(
    isDatabase ? 'DATABASE_MISSING' : 'SCHEMA_MISSING',
    `${name} of tenant ${storage.tenantSlug} (${storage.module}: ${storage.status}) does not exist.`,
    'Restore it from a backup. If the data is not needed, unsubscribeTenantFromModule and then subscribeTenantToModule create it again, empty.',
  );
}

/** Whether the binding or the versions name this tenant and module as the owner. */
function isOwn({ tenantId, module, schemaName }: ExpectedStorage, found: FoundDatabase | undefined): boolean {
  const owner = found?.bindings?.get(schemaName)?.owner ?? found?.versions?.get(schemaName)?.owner;
  return isSameOwner(owner, { tenantId, module });
}

function titleOf(storage: ExpectedStorage): string {
  return storageNaming[storage.isolation].hasOwnDatabase ? storageTitle(storage) : schemaIn(storage);
}

function schemaIn({ schemaName, databaseName }: ExpectedStorage): string {
  return `Schema ${schemaName} in database ${databaseName}`;
}
