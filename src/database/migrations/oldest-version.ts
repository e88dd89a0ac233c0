import pg from 'pg';
import type { Migration } from './migration-folder.js';

/**
 * Refuses to work with a registry from which later migrations have taken what this version needs. Only such migrations raise the oldest
 * version, so during an upgrade the previous version goes on beside the new one.
 */
export async function refuseTooOld(session: pg.Client, folder: readonly Migration[]): Promise<void> {
  const oldest = await readOldestVersion(session);
  if (!oldest || folder.some(({ name }) => name === oldest.migration)) return;
  throw new Error(
    `This version of tenant-registry is too old for the registry: it does not have migration ${oldest.migration}. Install version ${oldest.version} or later; nothing was changed`,
  );
}

/** undefined_function, and insufficient_privilege for a role without the owner's rights, which serves nobody. */
const unknown = ['42883', '42501'];

/** undefined: the registry is from before the rule, or has no tables yet. */
async function readOldestVersion(
  session: pg.Client,
): Promise<{ migration: string; version: string } | undefined> {
  try {
    const { rows } = await session.query<{ migration: string; version: string }>(
      'SELECT migration, version FROM public.registry_oldest_version()',
    );
    return rows[0];
  } catch (error) {
    if (error instanceof pg.DatabaseError && unknown.includes(error.code ?? '')) return undefined;
    throw error;
  }
}
