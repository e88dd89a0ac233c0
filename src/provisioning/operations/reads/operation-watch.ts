import type { PrismaClient } from '../../../database/generated/prisma/client.js';
import { RowWatch } from '../../../database/statements/row-watch.js';
import { hasEnded, type OperationWithSteps } from '../operation.js';
import { progressOf } from './operation-tenants.js';

export function watchOperations(prisma: PrismaClient): RowWatch<OperationWithSteps> {
  return new RowWatch<OperationWithSteps>({
    load: (ids) =>
      prisma.operation.findMany({
        where: { id: { in: ids } },
        include: { steps: { orderBy: { position: 'asc' } } },
      }),
    describe: describeProgress,
    hasEnded,
  });
}

/** The columns whose change is an event; heartbeats are not. */
function describeProgress(operation: OperationWithSteps): string {
  const { status, error, attempt, steps } = operation;
  const ofSteps = steps.map((step) => [step.status, step.error]);
  return JSON.stringify([status, error, attempt, ofSteps, progressOf(operation)]);
}
