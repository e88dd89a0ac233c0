import type {
  OperationAttempt,
  OperationStatus,
  OperationStep,
} from '../../database/generated/prisma/client.js';
import { type RowForm, readJsonRow } from '../../database/statements/row.js';
import {
  type OperationJson,
  type OperationWithSteps,
  operationJson,
  readOperationJson,
} from './operation-row.js';

/** An attempt as a row of the history, with the operation that it belongs to. */
export type AttemptOfOperation = OperationAttempt & { operation: OperationWithSteps };

const attemptRow: RowForm = {
  enums: new Set(['kind', 'status']),
  times: ['cancelRequestedAt', 'createdAt', 'startedAt', 'finishedAt'],
};

/** An attempt with its operation in a JSON document. */
export interface AttemptJson {
  attempt: Readonly<Record<string, unknown>>;
  of: OperationJson;
}

export function readAttemptJson({ attempt, of }: AttemptJson): AttemptOfOperation {
  // All columns of the table are fields of the model, which a test compares.
  return { ...readJsonRow(attemptRow, attempt), operation: readOperationJson(of) } as AttemptOfOperation;
}

/** SQL: an attempt with its operation as JSON. Both arguments are SQL, too. */
export function attemptJson(operationId: string, number: string): string {
  return `(SELECT json_build_object('attempt', row_to_json(attempt.*), 'of', ${operationJson('attempt.operation_id')})
    FROM operation_attempts AS attempt WHERE attempt.operation_id = ${operationId} AND attempt.number = ${number})`;
}

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
