import type {
  OperationRecord,
  OperationSheet,
} from '../../provisioning/operations/reads/operation-record.js';
import { progressOf } from '../../provisioning/operations/reads/operation-tenants.js';

/** An operation in the JSON output, in the names of GraphQL. */
export function toJson({ steps, ...operation }: OperationRecord) {
  const { id, kind, status, actor, error, attempt, tenantId, tenantSlug } = operation;
  const { createdAt, startedAt, finishedAt } = operation;
  return {
    ...{ id, kind, status, tenantId, tenantSlug, actor, error, attempt, createdAt, startedAt, finishedAt },
    // Only of an operation on many tenants.
    progress: progressOf(operation) ?? null,
    steps: steps.map((step) => ({
      ...{ name: step.name.toUpperCase(), module: step.moduleName, status: step.status, error: step.error },
      ...{ startedAt: step.startedAt, finishedAt: step.finishedAt },
    })),
  };
}

/** As toJson, with the latest attempts. */
export function toFullJson(operation: OperationSheet) {
  return { ...toJson(operation), attempts: operation.attempts.map(attemptToJson) };
}

export function attemptToJson(attempt: OperationSheet['attempts'][number]) {
  const { number, status, actor, requestId, runs, error, createdAt, startedAt, finishedAt } = attempt;
  const { cancelRequestedAt, cancelRequestedBy } = attempt;
  return {
    ...{ number, status, actor, requestId, runs, error, createdAt, startedAt, finishedAt },
    ...{ cancelRequestedAt, cancelRequestedBy },
  };
}
