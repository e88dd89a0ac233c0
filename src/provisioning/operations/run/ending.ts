import type { OperationKind, Prisma, Tenant } from '../../../database/generated/prisma/client.js';
import type { Transaction } from '../../../database/registry-database.js';
import type { Answer, Statement } from '../../../database/statements/batch.js';
import { RegistryError } from '../../../errors.js';
import { type CommandContext, runCommand } from '../../../registry/command.js';
import { daysFromNow } from '../../../registry/input.js';
import { readTenantRow } from '../../../registry/tenants/tenant-row.js';
import type { HeldOperation, OperationWithSteps } from '../operation.js';
import { beginPurge, forgetTenant } from './purge.js';
import { factsOf, hasDropped } from './step-facts.js';

/** The error of an operation that was cancelled. */
export const cancelledByUser = 'cancelled by cancelOperation';

/** How long data is kept after its removal was cancelled, in days. */
const keptDays = 30;

/** How an operation can end. */
export type Ending = 'SUCCEEDED' | 'FAILED' | 'COMPENSATED' | 'CANCELLED' | 'NEEDS_ATTENTION';

/** The rows that an operation changes in the registry when it starts and when it ends. */
interface Rules {
  /** Runs when a worker starts the operation. A RegistryError cancels the operation. */
  begin?(context: CommandContext, operation: HeldOperation): Promise<void>;
  /** Runs in the transaction that ends the operation, as does `fail`. */
  succeed?(tx: Transaction, operation: HeldOperation, tenant: Tenant): Promise<void>;
  fail?(tx: Transaction, operation: OperationWithSteps, ending: Ending): Promise<void>;
  /** Whether a permanent failure undoes the operation. Other operations are retried until they succeed. */
  isCompensated: boolean;
}

const provisioning: Rules = {
  isCompensated: true,
  succeed: (tx, operation, tenant) => activateRoutes(tx, operation, tenant),
  fail: (tx, operation) => failProvisioning(tx, operation),
};

const rulesByKind: Record<OperationKind, Rules> = {
  SUBSCRIBE_TENANT: provisioning,
  PROVISION_MODULE: provisioning,
  PROVISION_TENANT: provisioning,
  ADOPT_STORAGE: provisioning,
  // The command writes it as ended.
  MARK_MODULE_PROVISIONED: { isCompensated: false },
  BIND_STORAGE: { isCompensated: false },
  REMOVE_STORAGE: {
    isCompensated: false,
    succeed: async (tx, operation) => {
      await tx.moduleSubscription.updateMany({ where: subscriptionsOf(operation), data: removed() });
    },
    // A cancelled removal keeps the data for another period. One that needs attention waits for retryOperation.
    fail: async (tx, operation, ending) => {
      if (ending === 'CANCELLED')
        await tx.moduleSubscription.updateMany({
          where: { ...subscriptionsOf(operation), status: 'DEPROVISIONING' },
          data: { status: 'CANCELLED', purgeAfter: daysFromNow(keptDays) },
        });
    },
  },
  PURGE_TENANT: {
    isCompensated: false,
    begin: (context, operation) =>
      runCommand(context, 'purgeTenant', {}, async (tx) => {
        await beginPurge(tx, operation);
        return {};
      }).then(() => undefined),
    succeed: async (tx, operation) => {
      await tx.moduleSubscription.updateMany({
        where: { tenantId: tenantIdOf(operation) },
        data: removed(),
      });
      await forgetTenant(tx, tenantIdOf(operation));
    },
  },
  // Each tenant has a result of its own, and runBulk ends the operation.
  SUSPEND_TENANTS: { isCompensated: false },
  RESUME_TENANTS: { isCompensated: false },
  SUBSCRIBE_TENANTS: { isCompensated: false },
  UPDATE_TENANTS: { isCompensated: false },
};

export function rulesFor({ kind }: { kind: OperationKind }): Rules {
  return rulesByKind[kind];
}

/** Ends a queued operation. Throws CONFLICT when a worker has just started it, or has dropped data before it was queued again. */
export async function cancelQueuedOperation(tx: Transaction, operation: OperationWithSteps): Promise<void> {
  const tenant = await lockTenant(tx, operation);
  const now = new Date();
  const { count } = await tx.operation.updateMany({
    where: { id: operation.id, status: 'QUEUED' },
    data: { status: 'CANCELLED', error: cancelledByUser, cancelRequestedAt: now, finishedAt: now },
  });
  if (count === 0)
    throw new RegistryError(
      'CONFLICT',
      `Operation ${operation.id} has just started: send cancelOperation again`,
    );
  const steps = await tx.operationStep.findMany({ where: { operationId: operation.id } });
  if ((operation.kind === 'PURGE_TENANT' && tenant.status === 'PURGED') || steps.some(hasDropped))
    throw new RegistryError(
      'CONFLICT',
      `Operation ${operation.id} has begun to drop data and cannot be cancelled: it is tried again until it succeeds`,
    );
  await tx.operationStep.updateMany({
    where: { operationId: operation.id, status: { in: ['QUEUED', 'RUNNING'] } },
    data: { status: 'CANCELLED', finishedAt: now },
  });
  await rulesFor(operation).fail?.(tx, operation, 'CANCELLED');
}

export function isCompensated(operation: { kind: OperationKind }): boolean {
  return rulesFor(operation).isCompensated;
}

/** Locks the tenant first, as every command does, so that the end of an operation cannot deadlock with a command. */
export async function lockTenant(tx: Transaction, operation: OperationWithSteps): Promise<Tenant> {
  const [locked] = await tx.send(tenantLock(operation));
  return readLocked(operation, locked);
}

export function tenantLock(operation: OperationWithSteps): Statement {
  const text = 'SELECT * FROM tenants WHERE id = $1 FOR UPDATE';
  return { text, values: [tenantIdOf(operation)], isFrequent: true };
}

export function readLocked(operation: OperationWithSteps, locked: Answer | undefined): Tenant {
  const row = locked?.rows[0];
  if (!row) throw new Error(`the tenant of operation ${operation.id} does not exist`);
  return readTenantRow(row);
}

/** Makes all routes of the operation visible in one transaction. */
async function activateRoutes(tx: Transaction, operation: HeldOperation, tenant: Tenant): Promise<void> {
  // The bindings were written for an active tenant. Unless its status has changed since, they need no update.
  if (tenant.status === 'ACTIVE' || tenant.status === 'PROVISIONING')
    tx.prepend([{ text: `SELECT set_config('registry.bound', 'on', true)` }]);
  const activates = operation.steps.some((step) => step.name === 'activate_route');
  for (const step of operation.steps)
    if (step.moduleName !== null)
      await tx.moduleSubscription.updateMany({
        where: { tenantId: tenant.id, moduleName: step.moduleName, status: 'PROVISIONING' },
        data: {
          status: activates ? 'ACTIVE' : 'PENDING',
          migrationVersion: factsOf(step).migrationVersion ?? null,
        },
      });
  await tx.tenant.updateMany({
    where: { id: tenant.id, status: 'PROVISIONING' },
    data: { status: 'ACTIVE' },
  });
}

/** Sets to FAILED what the operation has left as PROVISIONING. */
async function failProvisioning(tx: Transaction, operation: OperationWithSteps): Promise<void> {
  await tx.moduleSubscription.updateMany({
    where: { ...subscriptionsOf(operation), status: 'PROVISIONING' },
    data: { status: 'FAILED' },
  });
  if (operation.kind !== 'PROVISION_TENANT' && operation.kind !== 'ADOPT_STORAGE') return;
  await tx.tenant.updateMany({
    where: { id: tenantIdOf(operation), status: 'PROVISIONING' },
    data: { status: 'FAILED' },
  });
}

function subscriptionsOf(operation: OperationWithSteps): Prisma.ModuleSubscriptionWhereInput {
  const moduleNames = operation.steps.flatMap((step) => step.moduleName ?? []);
  return { tenantId: tenantIdOf(operation), moduleName: { in: moduleNames } };
}

function removed(): Prisma.ModuleSubscriptionUpdateManyMutationInput {
  return { status: 'CANCELLED', storageRemovedAt: new Date(), migrationVersion: null };
}

/** So far every kind of operation is about one tenant. */
function tenantIdOf(operation: OperationWithSteps): string {
  if (operation.tenantId === null) throw new Error(`operation ${operation.id} has no tenant`);
  return operation.tenantId;
}
