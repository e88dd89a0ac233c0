import { escapeLiteral } from 'pg';
import { isSameOwner } from '../fence/binding.js';
import { beingDropped } from '../fence/schema-version.js';
import { isSameFile, type ModuleMigration } from '../storage/module-migrations.js';
import type { StorageComparison } from './storage-comparison.js';

/** The SQL files that every storage of a module must have run. */
export interface ModuleFiles {
  migrations: readonly ModuleMigration[];
  /** Whether the module has a folder of its own. */
  hasFolder: boolean;
}

/** Compares the migrations that ran in the storage with the module's files. */
export function compareVersion(comparison: StorageComparison, files: ModuleFiles): void {
  const { storage, found, report } = comparison;
  const { schemaName, databaseName, tenantId, tenantSlug, module, migrationVersion } = storage;
  const schema = `schema ${schemaName} in database ${databaseName}`;
  const table = `Table tenant_guard.schema_version of database ${databaseName}`;
  // A missing or unreadable guard is a finding of its own.
  if (!found.versions) return;
  const versions = found.versions.get(schemaName);
  if (versions && !isSameOwner(versions.owner, { tenantId, module }))
    report(
      'VERSION_TABLE_OTHER_OWNER',
      `${table} names tenant ${versions.owner.tenantId}, module ${versions.owner.module} as the owner of ${schema}, but the registry names ${tenantSlug}.`,
      `Check whose data the schema holds and restore the right data; suspendTenant refuses access for ${tenantSlug} until then.`,
    );
  else if (versions?.applied.has(beingDropped))
    report(
      'MIGRATIONS_MISSING',
      `A part of ${schema} was dropped, so its tables are not whole.`,
      'unsubscribeTenantFromModule and then subscribeTenantToModule drop the rest and create it anew.',
    );
  else if (versions) {
    compareFiles(comparison, files, versions.applied);
    compareRecordedVersion(comparison, files, versions.applied);
  }
  // Storage that was made outside the registry has neither a migration version nor rows in the table.
  else if (migrationVersion !== null)
    report(
      'VERSION_TABLE_MISSING',
      `${table} has no rows of ${schema}, but the registry has it at migration ${migrationVersion}.`,
      `If the files were not changed since they ran, in database ${databaseName} ${recordStatement(storage, files)}.`,
    );
}

/** SQL that records the files up to the version that the registry knows. */
function recordStatement(
  { schemaName, tenantId, module, migrationVersion }: StorageComparison['storage'],
  { migrations }: ModuleFiles,
): string {
  const last = migrations.findIndex(({ name }) => name === migrationVersion);
  const rows = migrations
    .slice(0, last + 1)
    .map(({ name, checksum }) => `(${escapeLiteral(name)}, ${escapeLiteral(checksum)})`);
  return (
    `INSERT INTO tenant_guard.schema_version (schema_name, schema_oid, migration, checksum, tenant_id, module) ` +
    `SELECT nspname, oid, name, checksum, ${escapeLiteral(tenantId)}, ${escapeLiteral(module)} ` +
    `FROM (VALUES ${rows.join(', ')}) AS ran (name, checksum), pg_namespace WHERE nspname = ${escapeLiteral(schemaName)}`
  );
}

function compareFiles(
  { storage, report }: StorageComparison,
  { migrations, hasFolder }: ModuleFiles,
  applied: ReadonlyMap<string, string>,
): void {
  const schema = `schema ${storage.schemaName} in database ${storage.databaseName}`;
  const edited = migrations.filter((migration) => {
    const ran = applied.get(migration.name);
    return ran !== undefined && !isSameFile(migration, ran);
  });
  const missing = migrations.filter(({ name }) => !applied.has(name));
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = hasFolder ? [...applied.keys()].filter((name) => !known.has(name)).sort() : [];
  if (edited.length > 0)
    report(
      'MIGRATION_EDITED',
      `These files were changed after they ran in ${schema}: ${namesOf(edited)}.`,
      'Restore the file and put the change into a new file: until then no further migration can run there.',
    );
  if (missing.length > 0)
    report(
      'MIGRATIONS_MISSING',
      `${namesOf(missing)} did not run in ${schema}.`,
      `tenant-registry rollout start ${storage.module} runs the missing files in every tenant of the module while services go on; rollout plan ${storage.module} shows them first.`,
    );
  if (unknown.length > 0)
    report(
      'MIGRATION_UNKNOWN',
      `${unknown.join(', ')} ran in ${schema}, but MODULES_DIR has no such file.`,
      'Restore the file, or upgrade this installation if a newer one migrated the schema.',
    );
}

/** Services can bring a schema up to date by SQL, of which the registry learns nothing. */
function compareRecordedVersion(
  { storage, report }: StorageComparison,
  { migrations }: ModuleFiles,
  applied: ReadonlyMap<string, string>,
): void {
  const { schemaName, databaseName, migrationVersion } = storage;
  const newest = migrations.findLast(({ name }) => applied.has(name))?.name;
  if (newest === undefined || newest === migrationVersion) return;
  // A file that did not run is MIGRATIONS_MISSING, and one that this installation does not have belongs to a newer one.
  if (
    migrationVersion !== null &&
    !(applied.has(migrationVersion) && migrations.some(isNamed(migrationVersion)))
  )
    return;
  report(
    'MIGRATION_VERSION_DIFFERS',
    `Schema ${schemaName} in database ${databaseName} is at migration ${newest}, but the registry has it at ${migrationVersion ?? 'none'}.`,
    (id) =>
      'tenant-registry doctor --structure records the finding, and then ' +
      `tenant-registry doctor repair ${id} --resolution keep-database takes the version over into the registry.`,
  );
}

function isNamed(wanted: string): (migration: ModuleMigration) => boolean {
  return ({ name }) => name === wanted;
}

function namesOf(migrations: readonly ModuleMigration[]): string {
  return migrations.map(({ name }) => name).join(', ');
}
