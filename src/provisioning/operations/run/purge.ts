import type { Transaction } from '../../../database/registry-database.js';
import { RegistryError } from '../../../errors.js';
import { requireUnprotected } from '../../../registry/tenants/tenant.js';
import { appendOperation, type OperationWithSteps } from '../operation.js';
import { planRemoval } from '../plan.js';
import { whereStorageExists } from '../subscription-storage.js';

/** Queues the purge of a deleted tenant for a date, or moves a queued purge to that date. The caller holds the tenant's lock. */
export async function schedulePurge(
  tx: Transaction,
  wanted: { tenantId: string; actor: string; runAfter: Date; idempotencyKey?: string | undefined },
): Promise<string> {
  const { tenantId, actor, runAfter, idempotencyKey } = wanted;
  const waiting = await tx.operation.findFirst({
    where: { kind: 'PURGE_TENANT', tenantId, status: 'QUEUED' },
  });
  if (waiting) {
    await tx.operation.update({ where: { id: waiting.id }, data: { runAfter } });
    return waiting.id;
  }
  const stored = await tx.moduleSubscription.findMany({
    where: { tenantId, ...whereStorageExists },
    orderBy: { moduleName: 'asc' },
  });
  return appendOperation(tx, {
    kind: 'PURGE_TENANT',
    tenantId,
    actor,
    steps: planRemoval(stored),
    runAfter,
    idempotencyKey,
  });
}

/** Cancels the queued purge of a tenant that is restored. */
export async function cancelPurge(tx: Transaction, tenantId: string): Promise<void> {
  const now = new Date();
  await tx.operation.updateMany({
    where: { kind: 'PURGE_TENANT', tenantId, status: 'QUEUED' },
    data: {
      status: 'CANCELLED',
      error: 'the tenant was restored',
      cancelRequestedAt: now,
      finishedAt: now,
    },
  });
}

/**
 * Sets the tenant to PURGED before the first of its data is dropped, so that a tenant with half its data cannot be restored.
 * Throws CONFLICT when the tenant was restored or protected meanwhile, or its purge date was moved.
 */
export async function beginPurge(tx: Transaction, operation: OperationWithSteps): Promise<void> {
  const id = operation.tenantId ?? '';
  await tx.$queryRaw`SELECT id FROM tenants WHERE id = ${id}::uuid FOR UPDATE`;
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id } });
  if (tenant.status === 'PURGED') return;
  if (tenant.status !== 'DELETED')
    throw new RegistryError(
      'CONFLICT',
      `Tenant ${tenant.slug} is ${tenant.status.toLowerCase()} again: it was restored before its purge`,
    );
  if (tenant.purgeAfter && tenant.purgeAfter > new Date())
    throw new RegistryError(
      'CONFLICT',
      `Tenant ${tenant.slug} can be restored until ${tenant.purgeAfter.toISOString()}`,
    );
  requireUnprotected(tenant, 'purged');
  // The steps of this operation close the bindings, so the trigger need not enqueue another operation.
  await tx.$queryRaw`SELECT set_config('registry.bound', 'on', true)`;
  await tx.moduleSubscription.updateMany({
    where: { tenantId: id, ...whereStorageExists },
    data: { status: 'DEPROVISIONING' },
  });
  await tx.tenant.update({ where: { id }, data: { status: 'PURGED' } });
}

/**
 * Deletes the personal data of a purged tenant: members, addresses, settings. Its id, slug and storage names stay taken.
 * Without the deleted key the hashes of personal data in the change log cannot be matched.
 */
export async function forgetTenant(tx: Transaction, tenantId: string): Promise<void> {
  await tx.invitation.deleteMany({ where: { tenantId } });
  await tx.member.deleteMany({ where: { tenantId } });
  await tx.tenantSettings.deleteMany({ where: { tenantId } });
  await tx.tenantBranding.deleteMany({ where: { tenantId } });
  await tx.takeover.deleteMany({ where: { tenantId } });
  await tx.tenant.update({
    where: { id: tenantId },
    data: { primaryEmail: null, config: {}, gcpProjectId: null, gcpDataset: null, internalNote: null },
  });
  await tx.personalDataKey.deleteMany({ where: { tenantId } });
}
