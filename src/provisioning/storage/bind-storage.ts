import type { ClientBase } from 'pg';
import type { ServiceDatabases } from '../../database/service-databases.js';
import { inTransaction } from '../../database/statements/in-transaction.js';
import {
  type AppliedBinding,
  type ApplyOptions,
  applyBinding,
  type Binding,
  findBinding,
  removeBinding,
  type ToldState,
} from '../fence/binding.js';
import { type DrainOptions, drainSchema } from '../fence/drain.js';
import { installGuard } from '../fence/guard.js';
import { accessRole } from './module-role.js';
import { storageKinds } from './storage-kind.js';
import type { StorageLocation } from './storage-location.js';

export interface BoundStorage extends AppliedBinding {
  /** How many sessions were ended because they did not leave the schema in time. */
  ended: number;
}

/** The staleness bound's default. Sessions inside the schema had that long anyway. */
const defaultDeadlineMs = 5_000;

/**
 * Writes the registry's state into the binding of a tenant's storage. When that state is not "active", also waits until no
 * session is inside: the committed binding refuses new sessions first, then the older ones are drained. Can be repeated.
 */
export async function bindStorage(
  databases: ServiceDatabases,
  location: StorageLocation,
  readState: () => Promise<ToldState>,
  options: Partial<DrainOptions> & ApplyOptions = {},
): Promise<BoundStorage> {
  const { owner, schemaName } = location;
  const bound = await atStorage(databases, location, async (client) => {
    await installGuard(client, accessRole(owner.module));
    const applied = await applyBinding(client, location, readState, options);
    const isClosed = applied.binding !== undefined && applied.binding.state !== 'active';
    const { deadlineMs = defaultDeadlineMs } = options;
    return { ...applied, ended: isClosed ? await drainSchema(client, schemaName, { deadlineMs }) : 0 };
  });
  return bound ?? { outcome: 'absent', binding: undefined, ended: 0 };
}

/** The binding of the storage, of any state and owner. */
export function readBindingAt(
  databases: ServiceDatabases,
  location: StorageLocation,
): Promise<Binding | undefined> {
  return atStorage(databases, location, (client) => findBinding(client, location.schemaName));
}

/** Whether the storage has a binding, of any state and owner. */
export async function isBound(databases: ServiceDatabases, location: StorageLocation): Promise<boolean> {
  return (await readBindingAt(databases, location)) !== undefined;
}

/** Removes the owner's binding from storage that stays: the guard then refuses every service. */
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
