import type { Operation, OperationStep } from '../../database/generated/prisma/client.js';
import { type RowForm, readJsonRow, readRow } from '../../database/statements/row.js';

export type OperationWithSteps = Operation & { steps: OperationStep[] };

export const operationRow: RowForm = {
  enums: new Set(['kind', 'status']),
  times: ['heartbeatAt', 'runAfter', 'cancelRequestedAt', 'createdAt', 'startedAt', 'finishedAt'],
};

export const stepRow: RowForm = {
  enums: new Set(['status']),
  times: ['startedAt', 'finishedAt'],
  columns: { moduleName: 'module' },
};

type Row = Readonly<Record<string, unknown>>;

/** Rows as the driver reads them, or as they are in a JSON document. */
export function readOperation(row: Row, steps: readonly Row[], read = readRow): OperationWithSteps {
  const operation = read(operationRow, row);
  // All columns of both tables are fields of the models, which a test compares.
  return {
    ...operation,
    fencingToken: BigInt(operation.fencingToken as string | number),
    steps: steps.map((step) => read(stepRow, step)),
  } as unknown as OperationWithSteps;
}

/** An operation in a JSON document. */
export interface OperationJson {
  operation: Row;
  steps: Row[];
}

export function readOperationJson({ operation, steps }: OperationJson): OperationWithSteps {
  return readOperation(operation, steps, readJsonRow);
}

/** SQL: an operation as JSON. `id` is SQL, too. */
export function operationJson(id: string): string {
  return `(SELECT json_build_object('operation', row_to_json(operation.*), 'steps', (
      SELECT coalesce(json_agg(row_to_json(step.*) ORDER BY step.position), '[]') FROM operation_steps AS step WHERE step.operation_id = operation.id))
    FROM operations AS operation WHERE operation.id = ${id})`;
}
