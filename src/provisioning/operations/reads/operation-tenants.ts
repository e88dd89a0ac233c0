import type { Action } from '../../../auth/permissions.js';
import type { OperationKind, Prisma } from '../../../database/generated/prisma/client.js';
import type { Transaction } from '../../../database/registry-database.js';
import { type ErrorCode, RegistryError } from '../../../errors.js';
import type { CommandContext } from '../../../registry/command.js';
import { type HeldOperation, held, isHeld, LostOperationError } from '../operation.js';
import { cancelledByUser } from '../run/ending.js';

/** The tenants of an operation on many tenants, with a result for each. The database counts the results in the operation's row. */

/** Kinds of operations on many tenants, each with the command for one tenant, whose permission it needs. */
export const bulkActions = {
  SUSPEND_TENANTS: 'suspendTenant',
  RESUME_TENANTS: 'resumeTenant',
  SUBSCRIBE_TENANTS: 'subscribeTenantToModule',
  UPDATE_TENANTS: 'updateTenant',
} as const satisfies Partial<Record<OperationKind, Action>>;

export type BulkKind = keyof typeof bulkActions;

export function isBulkKind(kind: OperationKind): kind is BulkKind {
  return kind in bulkActions;
}

/** A tenant that was selected when the operation was requested; no id when the reference belonged to no tenant. */
export interface SelectedTenant {
  reference: string;
  tenantId: string | undefined;
}

/** How many rows one statement inserts. */
const insertedAtOnce = 5_000;

/** Appends an operation on many tenants to the queue. */
export async function appendBulkOperation(
  tx: Transaction,
  operation: {
    kind: BulkKind;
    actor: string;
    input: Prisma.InputJsonObject;
    idempotencyKey: string | undefined;
  },
  tenants: readonly SelectedTenant[],
): Promise<string> {
  const { id, createdAt } = await tx.operation.create({
    data: {
      ...operation,
      idempotencyKey: operation.idempotencyKey ?? null,
      tenantsTotal: tenants.length,
      ...{ tenantsSucceeded: 0, tenantsFailed: 0, tenantsCancelled: 0 },
    },
    select: { id: true, createdAt: true },
  });
  for (let from = 0; from < tenants.length; from += insertedAtOnce)
    await tx.operationTenant.createMany({
      data: tenants.slice(from, from + insertedAtOnce).map(({ reference, tenantId }, at) => ({
        ...{ operationId: id, position: from + at, reference, tenantId: tenantId ?? null, createdAt },
      })),
    });
  return id;
}

export interface QueuedTenant extends SelectedTenant {
  position: number;
}

/** The next tenants that have no result, in the order of the selection. */
export async function listQueuedTenants(
  { database }: CommandContext,
  { id }: HeldOperation,
  after: number,
  limit: number,
): Promise<QueuedTenant[]> {
  const { rows } = await database.query(
    `SELECT position, reference, tenant_id AS "tenantId" FROM operation_tenants
     WHERE operation_id = $1 AND status = 'queued' AND position > $2 ORDER BY position LIMIT $3`,
    [id, after, limit],
  );
  return rows.map((row) => ({ ...row, tenantId: row.tenantId ?? undefined }));
}

/** Those of the tenants that have no result yet: another run may have committed one, or a COMMIT whose answer was lost. */
export async function findQueued(
  tx: Transaction,
  { id }: HeldOperation,
  tenants: readonly QueuedTenant[],
): Promise<QueuedTenant[]> {
  const [found] = await tx.send({
    text: `SELECT position FROM operation_tenants WHERE operation_id = $1 AND status = 'queued' AND position = ANY ($2::int[])`,
    values: [id, tenants.map(({ position }) => String(position))],
    isFrequent: true,
  });
  const queued = new Set(found?.rows.map(({ position }) => position));
  return tenants.filter(({ position }) => queued.has(position));
}

export interface TenantResult {
  position: number;
  /** RUNNING: changed; gateways have to acknowledge it, or `childId` has to end. */
  status: 'RUNNING' | 'FAILED';
  code?: ErrorCode;
  message?: string;
  childId?: string | undefined;
}

/** Locks the operation's row until the end of the transaction; throws LostOperationError when this process does not hold it. */
export async function lockHeld(tx: Transaction, operation: HeldOperation): Promise<void> {
  const text = `SELECT FROM operations WHERE ${isHeld} FOR NO KEY UPDATE`;
  const [answer] = await tx.send({ text, values: held(operation), isFrequent: true });
  if (answer?.rowCount === 0) throw new LostOperationError(operation.id);
}

/** Writes first results in the transaction that makes the changes. Throws LostOperationError, which undoes both. */
export async function recordResults(
  tx: Transaction,
  operation: HeldOperation,
  results: readonly TenantResult[],
): Promise<void> {
  await lockHeld(tx, operation);
  await tx.send({
    text: `UPDATE operation_tenants AS result
      SET status = given.status::operation_status, code = nullif(given.code, ''), message = nullif(given.message, ''),
          child_id = nullif(given.child, '')::uuid, finished_at = CASE given.status WHEN 'failed' THEN now() END
      FROM unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[]) AS given (position, status, code, message, child)
      WHERE result.operation_id = $1 AND result.position = given.position AND result.status = 'queued'`,
    values: [
      operation.id,
      results.map(({ position }) => String(position)),
      results.map(({ status }) => status.toLowerCase()),
      results.map(({ code }) => code ?? ''),
      results.map(({ message }) => message ?? ''),
      results.map(({ childId }) => childId ?? ''),
    ],
    isFrequent: true,
  });
}

/** Sets changed tenants to SUCCEEDED, after every gateway has acknowledged the changes that were committed before. */
export async function confirmResults(context: CommandContext, operation: HeldOperation): Promise<void> {
  await context.database.transaction(async (tx) => {
    await lockHeld(tx, operation);
    await tx.commit({
      text: `UPDATE operation_tenants SET status = 'succeeded', finished_at = clock_timestamp()
        WHERE operation_id = $1 AND status = 'running' AND child_id IS NULL`,
      values: [operation.id],
      isFrequent: true,
    });
  });
}

/** Whether there are changed tenants that gateways have not acknowledged. */
export async function hasUnconfirmed({ database }: CommandContext, { id }: HeldOperation): Promise<boolean> {
  const { rows } = await database.query(
    `SELECT FROM operation_tenants WHERE operation_id = $1 AND status = 'running' AND child_id IS NULL LIMIT 1`,
    [id],
  );
  return rows.length > 0;
}

/** Sets the tenants that have no result yet to CANCELLED. The caller holds the operation or has locked its row. */
export async function cancelQueuedTenants(tx: Transaction, operationId: string): Promise<void> {
  await tx.send({
    text: `UPDATE operation_tenants SET status = 'cancelled', message = $2, finished_at = now()
      WHERE operation_id = $1 AND status = 'queued'`,
    values: [operationId, cancelledByUser],
  });
}

/**
 * Makes an operation on many tenants stop before its next batch. One that only waits for others has no worker, so it becomes due.
 * Throws CONFLICT when it has just ended.
 */
export async function requestBulkCancellation(tx: Transaction, operationId: string): Promise<void> {
  const [requested] = await tx.send({
    text: `UPDATE operations SET cancel_requested_at = now(),
        heartbeat_at = CASE WHEN worker IS NULL THEN NULL ELSE heartbeat_at END
      WHERE id = $1 AND status IN ('queued', 'running')`,
    values: [operationId],
  });
  if (requested?.rowCount === 0)
    throw new RegistryError('CONFLICT', `Operation ${operationId} has just ended`);
}

/** Sets the tenants that failed or were cancelled back to the start, each without the operation that made its storage. */
export async function resetTenants(tx: Transaction, operationId: string): Promise<void> {
  await tx.send({
    text: `UPDATE operation_tenants
      SET status = 'queued', code = NULL, message = NULL, child_id = NULL, finished_at = NULL
      WHERE operation_id = $1 AND status IN ('failed', 'cancelled')`,
    values: [operationId],
  });
}

/** The operations that make storage for tenants of this one and have not started. */
export async function listQueuedChildren(
  { database }: CommandContext,
  { id }: HeldOperation,
): Promise<string[]> {
  const { rows } = await database.query(
    `SELECT child.id FROM operation_tenants AS result JOIN operations AS child ON child.id = result.child_id
     WHERE result.operation_id = $1 AND result.status = 'running' AND child.status = 'queued' ORDER BY result.position`,
    [id],
  );
  return rows.map((row) => row.id);
}

/**
 * Lets go of an operation that only waits for others to end, and returns true; false when it waits for none. The end of the last
 * one, and cancelOperation, make it due again; in any case it is due after the time after which a worker counts as gone. A cancellation
 * that this worker has not seen makes it due at once. The fencing token is raised, so that no late heartbeat postpones it.
 */
export async function releaseWaiting(
  { database }: CommandContext,
  operation: HeldOperation,
  { isCancelled }: { isCancelled: boolean },
): Promise<boolean> {
  const { rowCount } = await database.query(
    `UPDATE operations SET worker = NULL, fencing_token = fencing_token + 1,
       heartbeat_at = CASE WHEN $3::boolean OR cancel_requested_at IS NULL THEN now() END
     WHERE ${isHeld} AND tenants_total > tenants_succeeded + tenants_failed + tenants_cancelled`,
    [...held(operation), isCancelled],
  );
  return rowCount === 1;
}

/** How many tenants of an operation have which result. */
export interface BulkProgress {
  total: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  remaining: number;
}

interface Counted {
  tenantsTotal: number | null;
  tenantsSucceeded: number | null;
  tenantsFailed: number | null;
  tenantsCancelled: number | null;
}

/** Undefined for an operation on one tenant. */
export function progressOf(counted: Counted): BulkProgress | undefined {
  const { tenantsTotal: total } = counted;
  if (total === null) return undefined;
  const succeeded = counted.tenantsSucceeded ?? 0;
  const failed = counted.tenantsFailed ?? 0;
  const cancelled = counted.tenantsCancelled ?? 0;
  return { total, succeeded, failed, cancelled, remaining: total - succeeded - failed - cancelled };
}

/** The counts now. */
export async function readProgress(
  { database }: CommandContext,
  { id }: HeldOperation,
): Promise<BulkProgress> {
  const counted = await database.prisma.operation.findUniqueOrThrow({
    where: { id },
    select: { tenantsTotal: true, tenantsSucceeded: true, tenantsFailed: true, tenantsCancelled: true },
  });
  return progressOf(counted) ?? { total: 0, succeeded: 0, failed: 0, cancelled: 0, remaining: 0 };
}
