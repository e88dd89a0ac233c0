import { type ClientBase, DatabaseError } from 'pg';
import type { ServiceDatabases } from '../database/service-databases.js';
import { type AppliedBinding, type ApplyOptions, applyBinding, type BoundState } from './binding.js';
import { inDatabase } from './database-storage.js';
import { type DrainOptions, drainSchema } from './drain.js';
import { installGuard } from './guard.js';
import { findModuleRole } from './module-role.js';
import type { StorageLocation } from './storage.js';

export interface BoundStorage extends AppliedBinding {
  /** Sessions that were ended because they did not leave in time. */
  ended: number;
}

/** D, for callers that don't say: whoever is inside had that long anyway. */
const defaultDeadlineMs = 5_000;

/**
 * Tells the database that holds a tenant's storage what the registry says of it, and when that is no longer "active", sees
 * that nobody is inside: first the binding, committed, which refuses newcomers; then those who came before. Can be repeated.
 */
export async function bindStorage(
  databases: ServiceDatabases,
  location: StorageLocation,
  readState: () => Promise<BoundState>,
  options: Partial<DrainOptions> & ApplyOptions = {},
): Promise<BoundStorage> {
  const { owner, schemaName } = location;
  const bound = await atStorage(databases, location, async (client) => {
    await installGuard(client, await findModuleRole(client, owner.module));
    const applied = await applyBinding(client, location, readState, options);
    const isClosed = applied.binding !== undefined && applied.binding.state !== 'active';
    const { deadlineMs = defaultDeadlineMs } = options;
    return { ...applied, ended: isClosed ? await drainSchema(client, schemaName, { deadlineMs }) : 0 };
  });
  return bound ?? { outcome: 'absent', binding: undefined, ended: 0 };
}

/** Work where the tenant's schema is; undefined when its own database does not exist. */
async function atStorage<T>(
  databases: ServiceDatabases,
  location: StorageLocation,
  work: (client: ClientBase) => Promise<T>,
): Promise<T | undefined> {
  if (location.isolation === 'SCHEMA') return databases.withConnection(location.reference, work);
  try {
    return await inDatabase(databases, location, location.databaseName, work);
  } catch (error) {
    if (error instanceof DatabaseError && error.code === '3D000') return undefined;
    throw error;
  }
}
