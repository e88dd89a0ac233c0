import type { BindingState } from '../fence/binding.js';
import { bindingState } from '../operations/subscription-storage.js';
import type { OpenOperation, Wanted, WantedStorage } from './wanted.js';

/**
 * Whether a storage should be there. left: none should, and if there is one nobody will ever miss or drop it.
 * unknown: the registry does not say, because somebody is at work on it or somebody outside makes it.
 */
type Presence = 'standing' | 'removed' | 'left' | 'unknown';

/** A storage, and what is to be found of it. */
export interface ExpectedStorage extends WantedStorage {
  presence: Presence;
  /** undefined: nothing is expected, for nobody was ever shown the way in or it is being changed. */
  bindingState: BindingState | undefined;
  /** Whether the module's migrations should all have run there. */
  isMigrated: boolean;
}

/** What the registry says of each storage, put as what should be found. */
export function expectStorages({ storages, operations, now }: Wanted): ExpectedStorage[] {
  return storages.map((storage) => {
    const open = operations.filter(({ tenantId }) => tenantId === storage.tenantId);
    const presence = open.some((operation) => worksOn(operation, storage))
      ? 'unknown'
      : presenceOf(storage, now);
    const isShown = presence === 'standing' && storage.provisionedAt !== null;
    const isBeingBound = open.some(
      ({ kind, status, modules }) =>
        kind === 'bind_storage' && status !== 'needs_attention' && modules.includes(storage.module),
    );
    const isClosed = ['deleted', 'purged'].includes(storage.tenantStatus);
    return {
      ...storage,
      presence,
      bindingState: isShown && !isBeingBound ? bindingState(storage.tenantStatus, storage.status) : undefined,
      isMigrated: isShown && !isClosed && ['active', 'suspended'].includes(storage.status),
    };
  });
}

/** Whether the operation may be changing the storage; having failed, it has left it in a state of its own. */
export function worksOn(operation: OpenOperation, storage: WantedStorage): boolean {
  const { kind, status, modules, tenantId } = operation;
  if (kind === 'bind_storage' || tenantId !== storage.tenantId || !modules.includes(storage.module))
    return false;
  // Planned for a date.
  return !(kind === 'purge_tenant' && status === 'queued' && storage.tenantStatus !== 'purged');
}

function presenceOf(storage: WantedStorage, now: Date): Presence {
  const { status, provisionedAt, purgeAfter, storageRemovedAt, lastWork } = storage;
  if (storageRemovedAt) return 'removed';
  if (['active', 'suspended', 'migrating'].includes(status)) return provisionedAt ? 'standing' : 'unknown';
  // Without anybody at work these are a finding of their own.
  if (['provisioning', 'deprovisioning'].includes(status)) return 'unknown';
  if (status === 'cancelled' && !provisionedAt) return purgeAfter && purgeAfter < now ? 'left' : 'unknown';
  if (!lastWork) return provisionedAt ? 'standing' : 'unknown';
  switch (lastWork.kind) {
    case 'mark_module_provisioned':
      return lastWork.status === 'succeeded' && provisionedAt ? 'standing' : 'unknown';
    case 'remove_storage':
    case 'purge_tenant':
      return 'unknown';
    default:
      if (!lastWork.isUnderThisName) return 'unknown';
      if (lastWork.status === 'succeeded') return 'standing';
      // Whatever stood there: this tenant's, or what was in the way.
      if (lastWork.found === true) return provisionedAt ? 'standing' : 'unknown';
      // One that waits may be waiting for somebody outside who makes it.
      return lastWork.found === false && status !== 'pending' ? 'left' : 'unknown';
  }
}
