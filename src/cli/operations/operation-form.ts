import type { OperationRecord } from '../../provisioning/operations/operation-record.js';
import { progressOf } from '../../provisioning/operations/operation-tenants.js';

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

export function minutesOf(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
