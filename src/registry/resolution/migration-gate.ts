import { invalidField, RegistryError } from '../../errors.js';
import type { Route } from './route.js';

/**
 * The gate of migrations: a service names the oldest migration that its code works with, and gets no tenant that is behind it.
 * Files run in the order of their names, so a tenant at one file has all files before it.
 */

/** The folder whose files run in every tenant schema, before those of the module. */
const everyFolder = '_every/';

/** Checks the name of a file that a caller requires: "finance/0007_invoices.sql", or a part of it from the start such as "0007". */
export function readMinMigration(text: string | null | undefined, field: string): string | undefined {
  if (text === null || text === undefined) return undefined;
  if (text.startsWith(everyFolder))
    throw invalidField(
      field,
      `"${text}" is not a file of the module: name the module's own file, such as 0007`,
    );
  if (!/^(?:[^/\p{Cc}]+\/)?[^/\p{Cc}]+$/u.test(text) || text.length > 200)
    throw invalidField(
      field,
      'expected the name of a migration, such as finance/0007_invoices.sql, or its start, such as 0007',
    );
  return text;
}

/** Whether a tenant whose newest migration is `version` has the required file. */
export function hasReached(version: string | null, minMigration: string): boolean {
  if (version === null || version.startsWith(everyFolder)) return false;
  const [folder, file] = splitName(version);
  const [wantedFolder, wantedFile] = splitName(minMigration);
  return (wantedFolder === '' || wantedFolder === folder) && file >= wantedFile;
}

/** A rollout that is going to migrate a tenant. */
interface RolloutUnderWay {
  rolloutId: string;
  /** The last file that it runs. */
  targetVersion: string;
}

/** How far a tenant has come since its route was read. */
export interface MigrationProgress {
  /** The newest file that has run by now. */
  version: string | null;
  rollout: RolloutUnderWay | undefined;
}

/** The refusal of a tenant that is behind. */
export function refuseBehind(
  { tenantSlug, module, migrationVersion }: Route,
  minMigration: string,
  { version, rollout }: MigrationProgress,
): RegistryError {
  const state = `The ${module} data of tenant ${tenantSlug} is at migration ${migrationVersion ?? 'none'}, behind ${minMigration}`;
  // The end of its migration also ends its place in the rollout.
  if (hasReached(version, minMigration))
    return new RegistryError(
      'SCHEMA_MIGRATING',
      `${state} when the request began: it has been migrated since, so repeat the request`,
    );
  return rollout && hasReached(rollout.targetVersion, minMigration)
    ? new RegistryError(
        'SCHEMA_MIGRATING',
        `${state}: rollout ${rollout.rolloutId} is about to migrate it, so repeat the request in a moment`,
      )
    : new RegistryError(
        'SCHEMA_BEHIND',
        `${state}, and no running rollout takes it there: start one with startRollout, resume one that is paused, or retry the tenants that failed in the last one`,
      );
}

/** The folder, '' for none, and the file. */
function splitName(name: string): [string, string] {
  const at = name.lastIndexOf('/');
  return [name.slice(0, Math.max(0, at)), name.slice(at + 1)];
}
