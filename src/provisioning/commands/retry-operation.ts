import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import type { Transaction } from '../../database/registry-database.js';
import { RegistryError } from '../../errors.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { idempotencyKey, omittable, readInput, uuid, wait } from '../../registry/input.js';
import { requireActive, requireTenant } from '../../registry/tenants/tenant.js';
import { type OperationWithSteps, requireOperation } from '../operations/operation.js';
import { bulkActions, isBulkKind, resetTenants } from '../operations/reads/operation-tenants.js';
import { isCompensated, lockTenant } from '../operations/run/ending.js';
import { isPast } from '../operations/run/past-attempt.js';
import { runStartedBulk, runStartedOperation } from '../operations/run/run-started-operation.js';

const RetryOperationInput = z.object({
  id: uuid,
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/**
 * Runs an operation again that failed, was undone or was cancelled, with the same names. One that needs attention continues where
 * it stopped. Throws CONFLICT for any other, and OPERATION_IN_PROGRESS while another one works on the same storage.
 */
export async function retryOperation(context: CommandContext, input: unknown) {
  authorize(context.caller, 'retryOperation');
  const wanted = readInput(RetryOperationInput, input);
  const started = await runCommand(
    context,
    'retryOperation',
    { ...wanted, wait: 'COMMITTED' },
    async (tx) => {
      const found = await requireOperation(tx, wanted.id);
      const { kind } = found;
      if (isBulkKind(kind)) {
        // The change is made again, so it needs the permission of the change.
        authorize(context.caller, bulkActions[kind]);
        return queueBulkAgain(tx, wanted);
      }
      // A purge that needs attention is about a tenant that no other command finds any more.
      const tenant = isCompensated(found)
        ? await requireTenant(tx, found.tenantId ?? '')
        : await lockTenant(tx, found);
      // Read again under the tenant's lock: no other transaction can start or end the operation now.
      const operation = await requireOperation(tx, wanted.id);
      requireRetryable(operation);
      if (isCompensated(operation)) {
        if (operation.kind !== 'PROVISION_TENANT') requireActive(tenant);
        await resetForRetry(tx, operation, tenant.slug);
      }
      return { ...(await queueAgain(tx, operation.id, wanted.idempotencyKey)), isBulk: false };
    },
  );
  if (started.repeated) return started;
  const run = started.isBulk ? runStartedBulk : runStartedOperation;
  return run(context, started, started.operationId, wanted.wait);
}

/** A trigger begins the next attempt, and clears what belongs to the one before. */
async function queueAgain(tx: Transaction, id: string, key: string | undefined) {
  await tx.operation.update({
    where: { id },
    data: {
      status: 'QUEUED',
      runAfter: new Date(),
      worker: null,
      heartbeatAt: null,
      idempotencyKey: key ?? null,
    },
  });
  return { operationId: id };
}

/** Runs those tenants again that failed or were cancelled; the others keep their results. */
async function queueBulkAgain(
  tx: Transaction,
  { id, idempotencyKey: key }: z.output<typeof RetryOperationInput>,
) {
  await tx.send({ text: 'SELECT FROM operations WHERE id = $1 FOR NO KEY UPDATE', values: [id] });
  const operation = await requireOperation(tx, id);
  requireRetryable(operation);
  await resetTenants(tx, id);
  return { ...(await queueAgain(tx, id, key)), isBulk: true };
}

function requireRetryable(operation: OperationWithSteps): void {
  const { id, kind, status } = operation;
  if (isPast(operation))
    throw new RegistryError(
      'CONFLICT',
      `Operation ${id} took place before the registry and is only history: subscribe the tenant to the module instead`,
    );
  const isOver = ['FAILED', 'COMPENSATED', 'CANCELLED', 'NEEDS_ATTENTION'].includes(status);
  if (isOver && kind !== 'MARK_MODULE_PROVISIONED' && !(kind === 'PURGE_TENANT' && status === 'CANCELLED'))
    return;
  const wayOut = isOver ? 'repeat the mutation instead' : 'only what ended without success can be retried';
  throw new RegistryError('CONFLICT', `Operation ${id} is ${status.toLowerCase()}: ${wayOut}`);
}

/** Sets subscriptions, tenant and steps back to the start. Throws when a subscription has changed since. */
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
      `Operation ${operation.id} cannot be retried for tenant ${slug}: ${states.join(', ')}`,
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
        // Storage that could not be undone still exists and still belongs to this operation, so its facts are kept.
        ...(operation.status !== 'NEEDS_ATTENTION' && { facts: {} }),
      },
    });
}
