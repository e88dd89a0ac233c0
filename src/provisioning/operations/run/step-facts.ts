import type { OperationStep } from '../../../database/generated/prisma/client.js';

/** Facts that a step records for the worker that may take over the operation. */
export interface StepFacts {
  /** Whether the storage, or the binding of adopted storage, existed before the operation. */
  found?: boolean;
  migrationVersion?: string | null;
  /** Whether the drop of the storage has begun. */
  dropping?: boolean;
}

/** Only updateStep writes the column, so the cast is safe. */
export function factsOf(step: OperationStep): StepFacts {
  return step.facts as StepFacts;
}

/** Whether the step has dropped storage, or a part of it. */
export function hasDropped(step: OperationStep): boolean {
  return factsOf(step).dropping === true;
}
