import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { authorize } from '../../auth/permissions.js';
import { loadStoredTenants } from '../../profile/commands/import-tenant.js';
import type { CommandContext } from '../../registry/command.js';
import { isSlug } from '../../registry/slug.js';
import { scanClients } from './client-folder.js';
import { isTestClient } from './yaml-import.js';

export interface RemovedTests {
  /** Deleted folders; in a dry run those that would be deleted. */
  removed: string[];
  /** Test folders that were not deleted, with the reason. */
  kept: { id: string; why: string; isFailure: boolean }[];
}

export interface TestRemoval {
  folder: string;
  /** Only these ids; an empty list means all test folders. */
  only: readonly string[];
  isDryRun: boolean;
  confirm: (ids: string[]) => Promise<boolean>;
}

/**
 * Deletes the folders of test tenants, tn_…, after `confirm` has accepted their names. Symbolic links are neither
 * followed nor deleted, and a file that is served for a tenant is kept.
 */
export async function removeTestFolders(
  context: CommandContext,
  request: TestRemoval,
): Promise<RemovedTests> {
  authorize(context.caller, 'updateTenantConfig');
  const { folder, only, isDryRun, confirm } = request;
  const places = (await scanClients(folder)).filter(
    ({ id }) => isTestClient(id) && (only.length === 0 || only.includes(id)),
  );
  const stored = await loadStoredTenants(
    context,
    places.map(({ id }) => id).filter((id) => isSlug(id)),
  );
  const kept: RemovedTests['kept'] = [];
  const wanted: string[] = [];
  for (const { id, problem } of places) {
    const isServed = stored.get(id)?.configSource === 'YAML';
    if (problem !== undefined) kept.push({ id, why: problem, isFailure: false });
    else if (isServed)
      kept.push({
        id,
        why: 'its client.yaml is the configuration of the tenant: import it first',
        isFailure: false,
      });
    else wanted.push(id);
  }
  if (wanted.length === 0 || isDryRun) return { removed: wanted, kept };
  if (!(await confirm(wanted)))
    return {
      removed: [],
      kept: [
        ...kept,
        ...wanted.map((id) => ({ id, why: 'the deletion was not confirmed', isFailure: false })),
      ],
    };
  const removed: string[] = [];
  for (const id of wanted)
    try {
      // `rm` deletes links themselves, not their targets.
      await rm(join(folder, id), { recursive: true });
      removed.push(id);
    } catch (error) {
      const why = `could not be deleted (${(error as NodeJS.ErrnoException).code})`;
      kept.push({ id, why, isFailure: true });
    }
  return { removed, kept };
}
