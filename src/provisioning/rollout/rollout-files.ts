import { checksumOf } from '../../database/script-checksum.js';
import { isSameFile, type ModuleMigration, queryFileOf, queryKinds } from '../storage/module-migrations.js';

/** A file of a module, as it was when the rollout started. */
export interface RolloutFile {
  name: string;
  checksum: string;
  /** Checksum of the query that runs before the file; null without one. */
  check: string | null;
  /** Checksum of the query that runs after the file; null without one. */
  verify: string | null;
}

/** The files of a rollout, in the order in which they run. */
export function filesOf({ files }: { files: unknown }): RolloutFile[] {
  // Only startRollout and retryRollout write the column, so the cast is safe.
  return files as RolloutFile[];
}

export function toRolloutFile({ name, checksum, check, verify }: ModuleMigration): RolloutFile {
  return { name, checksum, check: checksumOfQuery(check), verify: checksumOfQuery(verify) };
}

function checksumOfQuery(query: string | undefined): string | null {
  return query === undefined ? null : checksumOf(query);
}

/** Why a file on the disk, with its queries, is not the one of the rollout; undefined when it is. */
export function findOther(file: RolloutFile, found: ModuleMigration | undefined): string | undefined {
  const { name, checksum } = file;
  if (!found) return missing(name);
  if (!isSameFile(found, checksum)) return differing(name);
  const present = toRolloutFile(found);
  for (const kind of queryKinds) {
    const query = queryFileOf(name, kind);
    if (file[kind] === present[kind]) continue;
    if (file[kind] === null)
      return `${query} was added after the rollout was started: pause the rollout and use retryRollout, or remove the file`;
    return present[kind] === null ? missing(query) : differing(query);
  }
  return undefined;
}

function missing(name: string): string {
  return `MODULES_DIR has no ${name}: deploy the files with which the rollout was started`;
}

function differing(name: string): string {
  return `${name} differs from the file with which the rollout was started`;
}
