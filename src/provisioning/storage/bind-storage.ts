import type { ClientBase } from 'pg';
import { inTransaction } from '../../database/in-transaction.js';
import type { ServiceDatabases } from '../../database/service-databases.js';
import {
  type AppliedBinding,
  type ApplyOptions,
  applyBinding,
  type BoundState,
  findBinding,
  removeBinding,
} from '../fence/binding.js';
import { type DrainOptions, drainSchema } from '../fence/drain.js';
import { installGuard } from '../fence/guard.js';
import { findModuleRole } from './module-role.js';
import { storageKinds } from './storage-kind.js';
import type { StorageLocation } from './storage-location.js';

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

/** Whether the storage has a binding, whatever it says. */
export async function isBound(databases: ServiceDatabases, location: StorageLocation): Promise<boolean> {
  const binding = await atStorage(databases, location, (client) => findBinding(client, location.schemaName));
  return binding !== undefined;
}

/** Takes the owner's binding away from storage that stays: nobody enters it any more. */
export async function unbindStorage(databases: ServiceDatabases, location: StorageLocation): Promise<void> {
  const { schemaName, owner } = location;
  await atStorage(databases, location, (client) =>
    inTransaction(client, () => removeBinding(client, schemaName, owner)),
  );
}

function atStorage<T>(
  databases: ServiceDatabases,
  location: StorageLocation,
  work: (client: ClientBase) => Promise<T>,
): Promise<T | undefined> {
  return storageKinds[location.isolation].atStorage(databases, location, work);
}
