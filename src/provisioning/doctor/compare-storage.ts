import { storageNaming, storageTitle } from '../../registry/isolation.js';
import { isSameOwner } from '../fence/binding.js';
import { storageKinds } from '../storage/storage-kind.js';
import { compareBinding, compareRevision } from './compare-binding.js';
import { compareOwners } from './compare-owners.js';
import { compareVersion, type ModuleFiles } from './compare-version.js';
import type { ExpectedStorage } from './expected.js';
import { createObservation, type FindingCode, type Observation } from './finding.js';
import type { FoundDatabase } from './found.js';
import type { SeenStorage, StorageComparison } from './storage-comparison.js';

export interface StorageRules {
  files: ModuleFiles;
  head: { epoch: string; revision: bigint };
}

/** One fault, one finding: where the place itself is wrong, what is in it is not looked at. */
export function compareStorage(
  storage: ExpectedStorage,
  seen: SeenStorage,
  { files, head }: StorageRules,
): Observation[] {
  const observations: Observation[] = [];
  const report = (code: FindingCode, problem: string, remedy: string) => {
    observations.push(createObservation(code, aboutStorage(storage), { problem, remedy }));
  };
  const { presence } = storage;
  if (presence === 'standing' && !seen.stands) reportMissing(storage, report);
  else if (presence === 'removed' && seen.stands)
    report(
      'STORAGE_NOT_REMOVED',
      `${thing(storage)} stands, though the registry removed it at ${storage.storageRemovedAt?.toISOString()}.`,
      `If nobody made it since for something else: ${storageKinds[storage.isolation].dropStatement(storage)}.`,
    );
  else if (presence === 'left' && seen.stands && isOwn(storage, seen.found))
    report(
      'STORAGE_LEFT_BEHIND',
      `${thing(storage)} was made for a subscription that never came to be (${storage.status}).`,
      `Subscribe the tenant again with subscribeTenantToModule, which takes it up, or drop it: ${storageKinds[storage.isolation].dropStatement(storage)}.`,
    );
  const { found } = seen;
  if (!found || !seen.stands) return observations;

  const comparison: StorageComparison = { ...seen, storage, found, report };
  if (presence === 'standing' && !found.schemas.has(storage.schemaName)) reportMissing(storage, report, true);
  else if (presence === 'removed' || presence === 'left') return observations;
  else if (compareBinding(comparison) === 'same schema' && presence === 'standing') {
    compareRevision(comparison, head);
    if (storage.isMigrated) compareVersion(comparison, files);
    compareOwners(comparison);
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
    'Restore it from a backup; if its data is given up, unsubscribeTenantFromModule and subscribeTenantToModule make it anew, empty.',
  );
}

/** Whether what stands says itself that it is this tenant's. */
function isOwn({ tenantId, module, schemaName }: ExpectedStorage, found: FoundDatabase | undefined): boolean {
  const owner = found?.bindings?.get(schemaName)?.owner ?? found?.versions.get(schemaName)?.owner;
  return isSameOwner(owner, { tenantId, module });
}

function thing(storage: ExpectedStorage): string {
  return storageNaming[storage.isolation].hasOwnDatabase ? storageTitle(storage) : schemaIn(storage);
}

function schemaIn({ schemaName, databaseName }: ExpectedStorage): string {
  return `Schema ${schemaName} in database ${databaseName}`;
}
