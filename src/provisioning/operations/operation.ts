import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type {
  Operation,
  OperationAttempt,
  OperationKind,
  OperationStatus,
  OperationStep,
} from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import type { Answer, Parameter, Statement } from '../../database/statements/batch.js';
import { columnOf, toParameter } from '../../database/statements/row.js';
import { notFound, type RegistryError } from '../../errors.js';
import type { CommandContext } from '../../registry/command.js';
import { type OperationWithSteps, operationRow, readOperation } from './operation-row.js';
import type { PlannedStep } from './plan.js';
import { factsOf, type StepFacts } from './run/step-facts.js';

export type { OperationWithSteps } from './operation-row.js';

/** Whether no worker will continue it: it has ended, or needs an operator's attention. */
export function hasEnded({ status }: { status: OperationStatus }): boolean {
  return ['SUCCEEDED', 'FAILED', 'COMPENSATED', 'CANCELLED', 'NEEDS_ATTENTION'].includes(status);
}

/** An operation that this process has claimed. Another worker takes it over when the heartbeat stops. */
export interface HeldOperation extends OperationWithSteps {
  /** The actor and the request that began the present attempt, and how often a worker has taken it up. */
  current: Pick<OperationAttempt, 'actor' | 'requestId' | 'traceParent' | 'runs'>;
  /** Rejects with LostOperationError when another worker has taken it over. */
  requireHeld(): Promise<void>;
}

/** Another worker has taken over the operation; this process must not continue it. */
export class LostOperationError extends Error {
  override readonly name = 'LostOperationError';

  constructor(operationId: string) {
    super(`operation ${operationId} was taken over by another worker`);
  }
}

/** Unique, although process ids and container names are reused. */
const worker = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;

export interface NewOperation {
  kind: OperationKind;
  tenantId: string;
  actor: string;
  steps: readonly PlannedStep[];
  /** The earliest time to start it. */
  runAfter?: Date;
  /** Key of the request that appends it. A repeated request gets the revision of the operation's end. */
  idempotencyKey?: string | undefined;
}

/** Appends an operation to the queue. Earlier ones on the same storage that need attention end as FAILED: this one replaces them. */
export async function appendOperation(tx: Transaction, operation: NewOperation): Promise<string> {
  const { steps, idempotencyKey, ...fields } = operation;
  const { id } = await tx.operation.create({
    data: {
      ...fields,
      idempotencyKey: idempotencyKey ?? null,
      steps: { create: steps.map((step, position) => ({ ...step, position })) },
    },
  });
  const moduleNames = steps.flatMap(({ moduleName }) => moduleName ?? []);
  await tx.operation.updateMany({
    where: {
      tenantId: operation.tenantId,
      status: 'NEEDS_ATTENTION',
      steps: { some: { moduleName: { in: moduleNames } } },
    },
    data: { status: 'FAILED', finishedAt: new Date() },
  });
  return id;
}

/**
 * Claims an operation that is due, or whose worker has sent no heartbeat for `takeOverAfterMs`; undefined when it is neither.
 * Raises the fencing token, so that the worker that held it before can write nothing more.
 */
export async function claimOperation(
  context: CommandContext,
  operationId: string,
  takeOverAfterMs: number,
): Promise<HeldOperation | undefined> {
  // The second statement sees the steps that registry_enqueue_binding added while the first waited for its lock.
  const [claimed, steps, attempts] = await context.database.transaction((tx) =>
    tx.commit(
      { ...claim, values: [operationId, worker, takeOverAfterMs] },
      { ...readSteps, values: [operationId] },
      { ...readAttempt, values: [operationId] },
    ),
  );
  const [row] = claimed?.rows ?? [];
  const [current] = attempts?.rows ?? [];
  if (!row || !steps || !current) return undefined;
  const operation = readOperation(row, steps.rows);
  return {
    ...operation,
    current,
    async requireHeld() {
      const { rowCount } = await context.database.query(
        `SELECT FROM operations WHERE ${isHeld}`,
        held(operation),
      );
      if (rowCount === 0) throw new LostOperationError(operationId);
    },
  };
}

const claim = {
  text: `UPDATE operations
    SET status = CASE status WHEN 'queued' THEN 'running' ELSE status END, fencing_token = fencing_token + 1,
        worker = $2, heartbeat_at = now(), started_at = coalesce(started_at, now())
    WHERE id = $1 AND (status = 'queued' AND run_after <= clock_timestamp()
      OR status IN ('running', 'compensating')
        AND coalesce(heartbeat_at, '-infinity') < clock_timestamp() - $3::int * interval '1 millisecond')
    RETURNING *`,
  isFrequent: true,
};

const readSteps = {
  text: 'SELECT * FROM operation_steps WHERE operation_id = $1 ORDER BY position',
  isFrequent: true,
};

const readAttempt = {
  text: `SELECT actor, request_id AS "requestId", trace_parent AS "traceParent", runs FROM operation_attempts WHERE operation_id = $1 ORDER BY number DESC LIMIT 1`,
  isFrequent: true,
};

/** An operation that claimOperation would take now. */
export interface DueOperation {
  id: string;
  /** Variables of the databases in which it has steps left. */
  databaseRefs: string[];
}

/** Lists due operations, oldest first, without those with an excluded id or with steps in an excluded database. */
export async function listDueOperations(
  context: CommandContext,
  takeOverAfterMs: number,
  atMost: number,
  except: { ids: readonly string[]; databaseRefs: readonly string[] } = { ids: [], databaseRefs: [] },
): Promise<DueOperation[]> {
  return context.database.prisma.$queryRaw<DueOperation[]>`
    SELECT id, refs AS "databaseRefs" FROM operations, LATERAL (
      SELECT ARRAY(SELECT DISTINCT database_ref::text FROM operation_steps AS step JOIN modules ON modules.name = step.module
                   WHERE operation_id = operations.id AND status NOT IN ('succeeded', 'compensated')) AS refs) AS places
    WHERE (status = 'queued' AND run_after <= now()
      OR status IN ('running', 'compensating')
        AND coalesce(heartbeat_at, '-infinity') < now() - ${takeOverAfterMs}::int * interval '1 millisecond')
      AND id <> ALL (${except.ids}::uuid[]) AND NOT refs && ${except.databaseRefs}::text[]
    ORDER BY run_after LIMIT ${atMost}`;
}

/** Sends heartbeats for the operation until disposed. */
export function keepAlive(context: CommandContext, operation: HeldOperation, everyMs: number): Disposable {
  const timer = setInterval(() => {
    context.database.prisma.$executeRaw`
      UPDATE operations SET heartbeat_at = now()
      WHERE id = ${operation.id}::uuid AND fencing_token = ${operation.fencingToken}
        AND status IN ('running', 'compensating')`
      // One lost heartbeat does no harm. If all are lost, another worker takes over.
      .catch((error) => context.log.warn({ err: error, operationId: operation.id }, 'heartbeat failed'));
  }, everyMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

type HeldChange = Partial<
  Pick<Operation, 'status' | 'error' | 'runAfter' | 'heartbeatAt' | 'worker' | 'finishedAt'>
>;

/** Changes the operation's row; throws LostOperationError when this process does not hold it any more. */
export async function updateHeld(
  tx: Transaction,
  operation: HeldOperation,
  change: HeldChange,
): Promise<void> {
  const [answer] = await tx.send(heldUpdate(operation, change));
  requireUpdated(operation, change, answer);
}

/** The statement of updateHeld, and what to do with its answer. */
export function heldUpdate(operation: HeldOperation, change: HeldChange): Statement {
  const values: Parameter[] = [...held(operation)];
  const changes = Object.entries(change).map(
    ([field, value]) =>
      `${columnOf(operationRow, field)} = $${values.push(toParameter(operationRow, field, value))}`,
  );
  const text = `UPDATE operations SET ${changes.join(', ')} WHERE ${isHeld}`;
  return { text, values, isFrequent: true };
}

export function requireUpdated(
  operation: HeldOperation,
  change: HeldChange,
  answer: Answer | undefined,
): void {
  if (answer?.rowCount === 0) throw new LostOperationError(operation.id);
  Object.assign(operation, change);
}

/** Changes a step's row. The same statement checks that this process holds the operation; throws LostOperationError. */
export async function updateStep(
  context: CommandContext,
  operation: HeldOperation,
  step: OperationStep,
  change: { status: OperationStatus; error?: string | null; facts?: StepFacts },
): Promise<void> {
  const isOver = change.status !== 'RUNNING' && change.status !== 'QUEUED';
  const { rowCount } = await context.database.query(
    `UPDATE operation_steps
     SET status = $4::operation_status, error = CASE WHEN $5 THEN $6 ELSE error END, facts = $7,
         started_at = CASE WHEN $4 IN ('running', 'failed') THEN coalesce(started_at, now()) ELSE started_at END,
         finished_at = CASE WHEN $8 THEN now() END
     WHERE operation_id = $1 AND position = $3 AND EXISTS (SELECT FROM operations WHERE ${isHeld})`,
    [
      ...held(operation),
      step.position,
      change.status.toLowerCase(),
      change.error !== undefined,
      change.error ?? null,
      JSON.stringify({ ...factsOf(step), ...change.facts }),
      isOver,
    ],
  );
  if (rowCount === 0) throw new LostOperationError(operation.id);
  Object.assign(step, change, { facts: { ...factsOf(step), ...change.facts } });
}

/** Whether cancelOperation was called for it. */
export async function isCancelRequested(context: CommandContext, operation: HeldOperation): Promise<boolean> {
  const { rows } = await context.database.query(
    `SELECT cancel_requested_at IS NOT NULL AS "isRequested" FROM operations WHERE ${isHeld}`,
    held(operation),
  );
  if (!rows[0]) throw new LostOperationError(operation.id);
  return rows[0].isRequested;
}

/**
 * Releases the operations that this process holds, for another worker to claim at once. Raises the fencing token, because a
 * step that is still running would otherwise send further heartbeats.
 */
export async function releaseOperations(context: CommandContext): Promise<void> {
  await context.database.prisma.operation.updateMany({
    where: { worker, status: { in: ['RUNNING', 'COMPENSATING'] } },
    data: { worker: null, heartbeatAt: null, fencingToken: { increment: 1 } },
  });
}

/** For a gateway that is the only one on its registry: no other worker can be alive, so all operations are free. */
export async function forgetWorkers(context: CommandContext): Promise<void> {
  await context.database.prisma.operation.updateMany({
    where: { status: { in: ['RUNNING', 'COMPENSATING'] } },
    data: { worker: null, heartbeatAt: null },
  });
}

/** Throws NOT_FOUND when it does not exist. */
export async function requireOperation(
  tx: Pick<Transaction, 'operation'>,
  operationId: string,
): Promise<OperationWithSteps> {
  const operation = await tx.operation.findUnique({
    where: { id: operationId },
    include: { steps: { orderBy: { position: 'asc' } } },
  });
  if (!operation) throw noSuchOperation(operationId);
  return operation;
}

export function noSuchOperation(operationId: string): RegistryError {
  return notFound('id', `there is no operation ${operationId}`);
}

/** SQL: whether the operation is held, with the parameters of held(). */
export const isHeld = `id = $1 AND fencing_token = $2 AND status IN ('running', 'compensating')`;

export function held({ id, fencingToken }: Pick<Operation, 'id' | 'fencingToken'>): [string, string] {
  return [id, String(fencingToken)];
}
