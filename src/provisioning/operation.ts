import { hostname } from 'node:os';
import type { Operation, OperationKind, OperationStep } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import { messageOf, RegistryError } from '../errors.js';
import type { CommandContext } from '../registry/command.js';
import type { PlannedStep } from './plan.js';

export type RunningOperation = Operation & { steps: OperationStep[] };

/** Who runs an operation: this process. */
const worker = `${hostname()}:${process.pid}`;

const heartbeatMs = 5_000;

/** An operation whose runner has not been heard of for this long has lost it. */
export const interruptedAfterMs = 15_000;

/** Writes an operation and its steps, running from now on in this process. */
export async function appendOperation(
  tx: Transaction,
  operation: {
    kind: OperationKind;
    tenantId: string;
    actor: string;
    input: object;
    steps: readonly PlannedStep[];
  },
): Promise<string> {
  const { steps, ...fields } = operation;
  const now = new Date();
  const { id } = await tx.operation.create({
    data: {
      ...fields,
      status: 'RUNNING',
      worker,
      startedAt: now,
      heartbeatAt: now,
      steps: { create: steps.map((step, position) => ({ ...step, position })) },
    },
  });
  return id;
}

/** Says regularly that this process still works on the operation, until disposed. */
export function keepAlive(context: CommandContext, operationId: string): Disposable {
  const timer = setInterval(() => {
    context.database.prisma.operation
      .updateMany({ where: { id: operationId, worker }, data: { heartbeatAt: new Date() } })
      // Missing beats are made up for by the next; if none gets through, others may take the work for lost.
      .catch((error) => context.log.warn({ err: error, operationId }, 'heartbeat failed'));
  }, heartbeatMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Throws CONFLICT once the operation has ended or was taken for lost. */
export async function requireHeld(context: CommandContext, operationId: string): Promise<void> {
  const { prisma } = context.database;
  const held = await prisma.operation.count({ where: { id: operationId, status: 'RUNNING', worker } });
  if (held === 0) throw takenForLost(operationId);
}

/** Runs one step's work and keeps its row in step; the error is written down and thrown on. */
export async function runStep<T>(
  context: CommandContext,
  step: OperationStep,
  work: () => Promise<T>,
): Promise<T> {
  const where = { operationId_position: { operationId: step.operationId, position: step.position } };
  const { operationStep } = context.database.prisma;
  await operationStep.update({ where, data: { status: 'RUNNING', startedAt: new Date() } });
  try {
    const result = await work();
    await operationStep.update({ where, data: { status: 'SUCCEEDED', finishedAt: new Date() } });
    return result;
  } catch (error) {
    await operationStep.update({
      where,
      data: { status: 'FAILED', error: messageOf(error), finishedAt: new Date() },
    });
    throw error;
  }
}

/** The operation's end, in the transaction that makes its effect visible. Refused when somebody else took the work over. */
export async function endOperation(
  tx: Transaction,
  operationId: string,
  end: { status: 'SUCCEEDED' | 'FAILED' | 'COMPENSATED' | 'NEEDS_ATTENTION'; error?: string },
): Promise<void> {
  const finishedAt = new Date();
  const { count } = await tx.operation.updateMany({
    where: { id: operationId, status: 'RUNNING', worker },
    data: {
      status: end.status,
      error: end.error ?? null,
      // What needs attention has not ended.
      finishedAt: end.status === 'NEEDS_ATTENTION' ? null : finishedAt,
    },
  });
  if (count === 0) throw takenForLost(operationId);
  await tx.operationStep.updateMany({
    where: { operationId, status: { in: ['QUEUED', 'RUNNING'] } },
    data: { status: end.status === 'SUCCEEDED' ? 'SUCCEEDED' : 'CANCELLED', finishedAt },
  });
}

function takenForLost(operationId: string): RegistryError {
  return new RegistryError(
    'CONFLICT',
    `Operation ${operationId} was taken for lost while it ran: repeat the call`,
  );
}
