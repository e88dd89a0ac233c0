import type {
  Operation,
  OperationAttempt,
  OperationStatus,
  OperationStep,
} from '../../database/generated/prisma/client.js';

/** An attempt as a row of the history, with the operation that it belongs to. */
export type AttemptOfOperation = OperationAttempt & { operation: Operation & { steps: OperationStep[] } };

/** The relations that the history reads with the row of an attempt. */
export const withOperation = {
  operation: { include: { steps: { orderBy: { position: 'asc' } } } },
} as const;

/** A step as operation_attempts.steps has it. */
interface KeptStep {
  position: number;
  name: string;
  module: string | null;
  status: string;
  error: string | null;
  started_at: string | null;
  finished_at: string | null;
}

/** The steps as the attempt left them, or as they are now while it is the present one. */
export function stepsOf({ operationId, steps, operation }: AttemptOfOperation): OperationStep[] {
  if (steps === null) return operation.steps;
  // Only a trigger writes the column, so the cast is safe.
  return (steps as unknown as KeptStep[]).map((step) => ({
    operationId,
    position: step.position,
    name: step.name,
    moduleName: step.module,
    status: step.status.toUpperCase() as OperationStatus,
    error: step.error,
    facts: {},
    startedAt: step.started_at === null ? null : new Date(step.started_at),
    finishedAt: step.finished_at === null ? null : new Date(step.finished_at),
  }));
}
