import type { Isolation } from '../../registry/modules/isolation.js';
import { type StorageKind, storageKinds } from '../storage/storage-kind.js';

/** Steps that are the same for every isolation kind. */
export type CommonStepName = 'adopt_storage' | 'bind_storage' | 'activate_route';

export type StepName = StorageKind['createStep' | 'dropStep'] | CommonStepName;

export interface PlannedStep {
  name: StepName;
  /** The module whose storage the step is about; null for a step about all of them. */
  moduleName: string | null;
}

interface PlannedSubscription {
  moduleName: string;
  isolation: Isolation;
}

/**
 * The steps that create a tenant's storage, in order. The last step makes all routes visible, after all storage exists.
 * Without `activate` the storage is created and the route waits for markModuleProvisioned.
 */
export function planProvisioning(
  subscriptions: readonly PlannedSubscription[],
  options: { activate: boolean },
): PlannedStep[] {
  const storage = subscriptions.map(
    ({ moduleName, isolation }): PlannedStep => ({
      name: storageKinds[isolation].createStep,
      moduleName,
    }),
  );
  return options.activate ? [...storage, { name: 'activate_route', moduleName: null }] : storage;
}

/** The steps that drop the storage of subscriptions. */
export function planRemoval(subscriptions: readonly PlannedSubscription[]): PlannedStep[] {
  return subscriptions.map(({ moduleName, isolation }) => ({
    name: storageKinds[isolation].dropStep,
    moduleName,
  }));
}

/** The steps that make existing storage resolve. */
export function planAdoption(moduleNames: readonly string[]): PlannedStep[] {
  return [
    ...moduleNames.map((moduleName): PlannedStep => ({ name: 'adopt_storage', moduleName })),
    { name: 'activate_route', moduleName: null },
  ];
}
