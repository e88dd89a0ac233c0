import type { Isolation } from '../../database/generated/prisma/client.js';

/** What a step of an operation does. */
export type StepName =
  | 'create_schema'
  | 'create_database'
  | 'adopt_storage'
  | 'drop_schema'
  | 'drop_database'
  | 'bind_storage'
  | 'activate_route';

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
      name: isolation === 'SCHEMA' ? 'create_schema' : 'create_database',
      moduleName,
    }),
  );
  return options.activate ? [...storage, { name: 'activate_route', moduleName: null }] : storage;
}

/** The steps that drop what a tenant leaves behind. */
export function planRemoval(found: readonly Wanted[]): PlannedStep[] {
  return found.map(({ moduleName, isolation }) => ({
    name: isolation === 'SCHEMA' ? 'drop_schema' : 'drop_database',
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
