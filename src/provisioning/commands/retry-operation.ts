import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import type { Transaction } from '../../database/registry-database.js';
import { RegistryError } from '../../errors.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { idempotencyKey, optional, readInput, uuid, wait } from '../../registry/input.js';
import { requireActive, requireTenant } from '../../registry/tenant.js';
import { isCompensated } from '../operations/ending.js';
import { type OperationWithSteps, requireOperation } from '../operations/operation.js';
import { runStartedOperation } from '../operations/run-started-operation.js';

const RetryOperationInput = z.object({
  id: uuid,
  idempotencyKey: optional(idempotencyKey),
  wait: optional(wait),
});

/**
 * Runs an operation again that failed, was undone or called off, under the same names; one that needs attention goes on
 * where it stood. Throws CONFLICT for any other, OPERATION_IN_PROGRESS while another works on the same storage.
 */
export async function retryOperation(context: CommandContext, input: unknown) {
  authorize(context.caller, 'retryOperation');
  const wanted = readInput(RetryOperationInput, input);
  const begun = await runCommand(context, 'retryOperation', { ...wanted, wait: 'COMMITTED' }, async (tx) => {
    const asked = await requireOperation(tx, wanted.id);
    const tenant = await requireTenant(tx, asked.tenantId ?? '');
    // Only now is the tenant locked, and nobody else begins or ends anything.
    const operation = await requireOperation(tx, wanted.id);
    requireRetryable(operation);
    if (isCompensated(operation)) {
      if (operation.kind !== 'PROVISION_TENANT') requireActive(tenant);
      await resetForRetry(tx, operation, tenant.slug);
    }
    await tx.operation.update({
      where: { id: operation.id },
      data: {
        status: 'QUEUED',
        error: null,
        attempt: operation.attempt + 1,
        runAfter: new Date(),
        cancelRequestedAt: null,
        finishedAt: null,
        worker: null,
        heartbeatAt: null,
        idempotencyKey: wanted.idempotencyKey ?? null,
      },
    });
    return { operationId: operation.id };
  });
  if (begun.repeated) return begun;
  return runStartedOperation(context, begun, begun.operationId, wanted.wait);
}

function requireRetryable({ id, kind, status }: OperationWithSteps): void {
  const isOver = ['FAILED', 'COMPENSATED', 'CANCELLED', 'NEEDS_ATTENTION'].includes(status);
  if (isOver && kind !== 'MARK_MODULE_PROVISIONED' && !(kind === 'PURGE_TENANT' && status === 'CANCELLED'))
    return;
  const wayOut = isOver ? 'repeat the mutation instead' : 'only what ended without success can be retried';
  throw new RegistryError('CONFLICT', `Operation ${id} is ${status.toLowerCase()}: ${wayOut}`);
}

/** What the operation is about waits for storage again, if nothing else has become of it since. */
async function resetForRetry(tx: Transaction, operation: OperationWithSteps, slug: string): Promise<void> {
  const tenantId = operation.tenantId ?? '';
  const moduleNames = operation.steps.flatMap((step) => step.moduleName ?? []);
  const where = { tenantId, moduleName: { in: moduleNames } };
  const { count } = await tx.moduleSubscription.updateMany({
    where: { ...where, status: { in: ['FAILED', 'PENDING'] } },
    data: { status: 'PROVISIONING' },
  });
  if (count !== moduleNames.length) {
    const subscriptions = await tx.moduleSubscription.findMany({ where });
    const isBusy = subscriptions.some(({ status }) =>
      ['PROVISIONING', 'DEPROVISIONING', 'MIGRATING'].includes(status),
    );
    const states = subscriptions.map(({ moduleName, status }) => `${moduleName} is ${status.toLowerCase()}`);
    throw new RegistryError(
      isBusy ? 'OPERATION_IN_PROGRESS' : 'CONFLICT',
      `Operation ${operation.id} can't be retried for tenant ${slug}: ${states.join(', ')}`,
    );
  }
  if (operation.kind === 'PROVISION_TENANT')
    await tx.tenant.updateMany({
      where: { id: tenantId, status: 'FAILED' },
      data: { status: 'PROVISIONING' },
    });
  for (const step of operation.steps)
    await tx.operationStep.update({
      where: { operationId_position: { operationId: step.operationId, position: step.position } },
      data: {
        status: 'QUEUED',
        error: null,
        startedAt: null,
        finishedAt: null,
        // What could not be undone is still there, and still this operation's.
        ...(operation.status !== 'NEEDS_ATTENTION' && { facts: {} }),
      },
    });
}
