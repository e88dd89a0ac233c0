import type { BindingState } from '../fence/binding.js';
import { bindingState } from '../operations/subscription-storage.js';
import type { OpenOperation, RegisteredStorage, RegistrySnapshot } from './registry-snapshot.js';

/**
 * Whether a storage should exist. leftover: it should not, and nothing will ever use or drop it. unknown: the registry cannot
 * tell, because an operation is running or because the storage is made outside the registry.
 */
type Presence = 'required' | 'removed' | 'leftover' | 'unknown';

/** A storage, and the state that doctor expects it to be in. */
export interface ExpectedStorage extends RegisteredStorage {
  presence: Presence;
  /** undefined: no state is expected, because no route was ever handed out or because the binding is being changed. */
  bindingState: BindingState | undefined;
  /** Whether the module's migrations should all have run there. */
  isMigrated: boolean;
}

/** Derives the expected state of each storage from the registry's rows. */
export function expectStorages({ storages, operations, now }: RegistrySnapshot): ExpectedStorage[] {
  return storages.map((storage) => {
    const open = operations.filter(({ tenantId }) => tenantId === storage.tenantId);
    const presence = open.some((operation) => worksOn(operation, storage))
      ? 'unknown'
      : presenceOf(storage, now);
    const isRouted = hasRoute({ presence, provisionedAt: storage.provisionedAt });
    const isBeingBound = open.some(
      ({ kind, status, modules }) =>
        kind === 'bind_storage' && status !== 'needs_attention' && modules.includes(storage.module),
    );
    const isClosed = ['deleted', 'purged'].includes(storage.tenantStatus);
    return {
      ...storage,
      presence,
      bindingState:
        isRouted && !isBeingBound ? bindingState(storage.tenantStatus, storage.status) : undefined,
      isMigrated: isRouted && !isClosed && ['active', 'suspended'].includes(storage.status),
    };
  });
}

/** Whether a route to the storage may have been handed out. */
export function hasRoute({
  presence,
  provisionedAt,
}: Pick<ExpectedStorage, 'presence' | 'provisionedAt'>): boolean {
  return presence === 'required' && provisionedAt !== null;
}

/** Whether the operation may be changing the storage, or has stopped halfway (NEEDS_ATTENTION). */
export function worksOn(operation: OpenOperation, storage: RegisteredStorage): boolean {
  const { kind, status, modules, tenantId } = operation;
  if (kind === 'bind_storage' || tenantId !== storage.tenantId || !modules.includes(storage.module))
    return false;
  // A purge that waits for its date changes nothing yet.
  return !(kind === 'purge_tenant' && status === 'queued' && storage.tenantStatus !== 'purged');
}

function presenceOf(storage: RegisteredStorage, now: Date): Presence {
  const { status, provisionedAt, purgeAfter, storageRemovedAt, lastOperation } = storage;
  if (storageRemovedAt) return 'removed';
  if (['active', 'suspended', 'migrating'].includes(status)) return provisionedAt ? 'required' : 'unknown';
  // When no operation works on it, SUBSCRIPTION_STUCK is reported instead.
  if (['provisioning', 'deprovisioning'].includes(status)) return 'unknown';
  if (status === 'cancelled' && !provisionedAt)
    return purgeAfter && purgeAfter < now ? 'leftover' : 'unknown';
  if (!lastOperation) return provisionedAt ? 'required' : 'unknown';
  switch (lastOperation.kind) {
    case 'mark_module_provisioned':
      return lastOperation.status === 'succeeded' && provisionedAt ? 'required' : 'unknown';
    case 'remove_storage':
    case 'purge_tenant':
      return 'unknown';
    default:
      if (!lastOperation.isUnderThisName) return 'unknown';
      if (lastOperation.status === 'succeeded') return 'required';
      // The operation found something: this tenant's storage, or one that was in the way.
      if (lastOperation.found === true) return provisionedAt ? 'required' : 'unknown';
      // A pending subscription may be waiting for storage that is made outside the registry.
      return lastOperation.found === false && status !== 'pending' ? 'leftover' : 'unknown';
  }
}
