import type { Isolation } from '../../registry/isolation.js';
import { type StorageKind, storageKinds } from '../storage/storage-kind.js';

/** Steps that are the same for every isolation kind. */
export type CommonStepName = 'adopt_storage' | 'bind_storage' | 'activate_route';

export type StepName = StorageKind['createStep' | 'dropStep'] | CommonStepName;

export interface PlannedStep {
  name: StepName;
  /** The module whose storage the step is about; null for steps about all of them. */
  moduleName: string | null;
}

/** A subscription, as far as a plan looks at it. */
interface Wanted {
  moduleName: string;
  isolation: Isolation;
}

/**
 * The steps that give a tenant its storage, in order. Nothing resolves before the last: the route becomes visible when
 * all storage stands. Without `activate` the storage is made and waits for markModuleProvisioned.
 */
export function planProvisioning(wanted: readonly Wanted[], options: { activate: boolean }): PlannedStep[] {
  const storage = wanted.map(
    ({ moduleName, isolation }): PlannedStep => ({
      name: storageKinds[isolation].createStep,
      moduleName,
    }),
  );
  return options.activate ? [...storage, { name: 'activate_route', moduleName: null }] : storage;
}

/** The steps that drop what a tenant leaves behind. */
export function planRemoval(found: readonly Wanted[]): PlannedStep[] {
  return found.map(({ moduleName, isolation }) => ({
    name: storageKinds[isolation].dropStep,
    moduleName,
  }));
}

/** The steps that make storage resolve which stands already. */
export function planAdoption(moduleNames: readonly string[]): PlannedStep[] {
  return [
    ...moduleNames.map((moduleName): PlannedStep => ({ name: 'adopt_storage', moduleName })),
    { name: 'activate_route', moduleName: null },
  ];
}
