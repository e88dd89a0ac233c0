import type { Isolation } from '../database/generated/prisma/client.js';

/** What a step of an operation does. */
type StepName = 'create_schema' | 'create_database' | 'adopt_storage' | 'activate_route';

export interface PlannedStep {
  name: StepName;
  /** The module whose storage the step makes; null for steps about all of them. */
  moduleName: string | null;
}

/**
 * The steps that give a tenant its storage, in order. Nothing resolves before the last: the route becomes visible when
 * all storage stands. Without `activate` the storage is made and waits for markModuleProvisioned.
 */
export function planProvisioning(
  wanted: readonly { moduleName: string; isolation: Isolation }[],
  options: { activate: boolean },
): PlannedStep[] {
  const storage = wanted.map(
    ({ moduleName, isolation }): PlannedStep => ({
      name: isolation === 'SCHEMA' ? 'create_schema' : 'create_database',
      moduleName,
    }),
  );
  return options.activate ? [...storage, { name: 'activate_route', moduleName: null }] : storage;
}

/** The steps that make storage resolve which stands already. None of them makes anything, so none has an inverse. */
export function planAdoption(moduleNames: readonly string[]): PlannedStep[] {
  return [
    ...moduleNames.map((moduleName): PlannedStep => ({ name: 'adopt_storage', moduleName })),
    { name: 'activate_route', moduleName: null },
  ];
}
