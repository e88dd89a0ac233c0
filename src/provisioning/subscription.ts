import type { Module, ModuleSubscription, Tenant } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import { RegistryError } from '../errors.js';
import { type Isolation, storageNameOf } from '../registry/modules/isolation.js';
import { requireNotRetired } from '../registry/modules/module.js';
import { issueNames } from '../registry/storage-name.js';

export interface SubscriptionRequest {
  tenant: Tenant;
  module: Module;
  /** undefined means the existing subscription's, or else the module's. */
  isolation: Isolation | undefined;
  /** Explicit schema or database name; the registry issues one when undefined. */
  schemaName: string | undefined;
  /** Whether storage of that name exists already and is adopted. */
  exists?: boolean;
  status: 'PENDING' | 'PROVISIONING';
  actor: string;
}

/** A subscription that may be made. */
export interface PlannedSubscription extends SubscriptionRequest {
  isolation: Isolation;
  existing: ModuleSubscription | undefined;
  /** Whether it gets names; otherwise the existing one keeps those that it has. */
  needsNames: boolean;
}

/** Creates the subscription, or reuses one that is failed, pending or cancelled. Names that have ever resolved never change. */
export async function putSubscription(
  tx: Transaction,
  request: SubscriptionRequest,
): Promise<ModuleSubscription> {
  const { tenant, module } = request;
  const where = { tenantId_moduleName: { tenantId: tenant.id, moduleName: module.name } };
  const existing = await tx.moduleSubscription.findUnique({ where });
  return writeSubscription(tx, planSubscription(request, existing ?? undefined));
}

/** The rule of putSubscription, without writing anything. Throws CONFLICT, OPERATION_IN_PROGRESS. */
export function planSubscription(
  request: SubscriptionRequest,
  existing: ModuleSubscription | undefined,
): PlannedSubscription {
  const { tenant, module, status } = request;
  const isolation = request.isolation ?? existing?.isolation ?? module.isolation;
  if (!existing || existing.status === 'CANCELLED') requireNotRetired(module);
  if (!existing) return { ...request, isolation, existing, needsNames: true };
  requireSubscribable(tenant, existing, status);
  const name = storageNameOf(existing);
  if (isolation === existing.isolation && (request.schemaName ?? name) === name)
    return { ...request, isolation, existing, needsNames: false };
  if (existing.provisionedAt || existing.migrationVersion)
    throw new RegistryError(
      'CONFLICT',
      `The ${module.name} data of tenant ${tenant.slug} is in ${name}: subscribe without schemaName and isolation`,
      { fields: [{ field: 'schemaName', message: `the data is in ${name}` }] },
    );
  return { ...request, isolation, existing, needsNames: true };
}

export async function writeSubscription(
  tx: Transaction,
  planned: PlannedSubscription,
): Promise<ModuleSubscription> {
  const { tenant, module, isolation, existing, status, exists } = planned;
  const where = { tenantId_moduleName: { tenantId: tenant.id, moduleName: module.name } };
  if (existing && !planned.needsNames) return tx.moduleSubscription.update({ where, data: { status } });
  const names = await issueNames(tx, { tenant, module, isolation, wanted: planned.schemaName, exists });
  if (!existing)
    return tx.moduleSubscription.create({
      data: {
        tenantId: tenant.id,
        moduleName: module.name,
        isolation,
        ...names,
        status,
        createdBy: planned.actor,
      },
    });
  // The old name has never resolved, so it is released. The subscription moves first, so that the name is free at once.
  const moved = await tx.moduleSubscription.update({ where, data: { isolation, ...names, status } });
  await tx.storageName.deleteMany({
    where: {
      kind: existing.isolation,
      name: storageNameOf(existing),
      tenantId: tenant.id,
      resolvedAt: null,
    },
  });
  return moved;
}

function requireSubscribable(
  tenant: Tenant,
  subscription: ModuleSubscription,
  newStatus: 'PENDING' | 'PROVISIONING',
): void {
  const { status, moduleName } = subscription;
  if (status === 'FAILED' || status === 'CANCELLED' || (status === 'PENDING' && newStatus === 'PROVISIONING'))
    return;
  requireSettled(tenant, subscription);
  throw new RegistryError(
    'CONFLICT',
    `Tenant ${tenant.slug} is subscribed to ${moduleName} already (${status.toLowerCase()})` +
      (status === 'SUSPENDED' ? ': resume it with resumeSubscription' : ''),
  );
}

/** Throws OPERATION_IN_PROGRESS while an operation changes the subscription. */
export function requireSettled(tenant: Tenant, { status, moduleName }: ModuleSubscription): void {
  if (status !== 'PROVISIONING' && status !== 'DEPROVISIONING' && status !== 'MIGRATING') return;
  throw new RegistryError(
    'OPERATION_IN_PROGRESS',
    `The ${moduleName} storage of tenant ${tenant.slug} is ${status.toLowerCase()}: wait for that operation's end`,
  );
}

/** Throws OPERATION_IN_PROGRESS while an operation that creates or drops the storage is queued or running. */
export async function requireNoStorageOperation(
  tx: Transaction,
  tenant: Tenant,
  moduleName: string,
): Promise<void> {
  const running = await tx.operation.findFirst({
    where: {
      tenantId: tenant.id,
      // Updates of guards neither create nor drop storage, and stay queued while a database is down.
      kind: { not: 'BIND_STORAGE' },
      status: { in: ['QUEUED', 'RUNNING', 'COMPENSATING'] },
      steps: { some: { moduleName } },
    },
  });
  if (running)
    throw new RegistryError(
      'OPERATION_IN_PROGRESS',
      `Operation ${running.id} works on the ${moduleName} storage of tenant ${tenant.slug}: wait for its end`,
    );
}

/** The subscription; throws MODULE_NOT_SUBSCRIBED when there is none or it was cancelled. */
export async function requireSubscription(
  tx: Transaction,
  tenant: Tenant,
  moduleName: string,
): Promise<ModuleSubscription> {
  const where = { tenantId_moduleName: { tenantId: tenant.id, moduleName } };
  const subscription = await tx.moduleSubscription.findUnique({ where });
  if (!subscription || subscription.status === 'CANCELLED')
    throw new RegistryError(
      'MODULE_NOT_SUBSCRIBED',
      `Tenant ${tenant.slug} is not subscribed to module ${moduleName}`,
    );
  return subscription;
}
