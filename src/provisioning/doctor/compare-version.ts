import { isSameOwner } from '../fence/binding.js';
import type { ModuleMigration } from '../storage/module-migrations.js';
import type { StorageComparison } from './storage-comparison.js';

/** What is to run in every storage of a module. */
export interface ModuleFiles {
  migrations: readonly ModuleMigration[];
  /** Whether there are any of the module's own. */
  hasFolder: boolean;
}

/** What ran in a storage against the module's files. */
export function compareVersion(comparison: StorageComparison, files: ModuleFiles): void {
  const { storage, found, report } = comparison;
  const { schemaName, databaseName, tenantId, tenantSlug, module, migrationVersion } = storage;
  const schema = `Schema ${schemaName} in database ${databaseName}`;
  const table = found.versions.get(schemaName);
  if (table?.problem !== undefined)
    report(
      'VERSION_TABLE_UNREADABLE',
      `Table schema_version in ${schema} could not be read: ${table.problem}.`,
      `Let role ${found.user} read it: tenant-registry grants --module ${module} prints what it needs.`,
    );
  else if (table?.owner && !isSameOwner(table.owner, { tenantId, module }))
    report(
      'VERSION_TABLE_OTHER_OWNER',
      `${schema} says itself (schema_version) that it was made for tenant ${table.owner.tenantId}, module ${table.owner.module}, not for ${tenantSlug}.`,
      `Find out whose data it holds, and restore it where it belongs; suspendTenant keeps ${tenantSlug} out until then.`,
    );
  else if (table) compareFiles(comparison, files, table.applied);
  // What was made outside the registry it claims nothing of.
  else if (migrationVersion !== null)
    report(
      'VERSION_TABLE_MISSING',
      `${schema} has no table schema_version, though the registry knows it at ${migrationVersion}.`,
      'Restore the table from a backup: without it nobody knows which migrations ran.',
    );
}

function compareFiles(
  { storage, report }: StorageComparison,
  { migrations, hasFolder }: ModuleFiles,
  applied: ReadonlyMap<string, string>,
): void {
  const schema = `schema ${storage.schemaName} in database ${storage.databaseName}`;
  const edited = migrations.filter(({ name, checksum }) => (applied.get(name) ?? checksum) !== checksum);
  const missing = migrations.filter(({ name }) => !applied.has(name));
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = hasFolder ? [...applied.keys()].filter((name) => !known.has(name)).sort() : [];
  if (edited.length > 0)
    report(
      'MIGRATION_EDITED',
      `What ran in ${schema} is not what the file says now: ${namesOf(edited)}.`,
      'Put the file back as it was and add a new one for the change: until then nothing more can run there.',
    );
  if (missing.length > 0)
    report(
      'MIGRATIONS_MISSING',
      `${namesOf(missing)} did not run in ${schema}: it is behind.`,
      'unsubscribeTenantFromModule and subscribeTenantToModule keep the data and run what is missing; the module does not resolve in between.',
    );
  if (unknown.length > 0)
    report(
      'MIGRATION_UNKNOWN',
      `${unknown.join(', ')} ran in ${schema}, and MODULES_DIR has no such file.`,
      'Put the file back, or upgrade this installation: a newer one was at work there.',
    );
}

function namesOf(migrations: readonly ModuleMigration[]): string {
  return migrations.map(({ name }) => name).join(', ');
}
