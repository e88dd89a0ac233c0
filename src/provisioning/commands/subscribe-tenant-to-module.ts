import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import type { Module, ModuleSubscription, Tenant } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import {
  idempotencyKey,
  moduleName,
  omittable,
  optional,
  readInput,
  tenantReference,
  wait,
} from '../../registry/input.js';
import type { Isolation } from '../../registry/modules/isolation.js';
import { moduleFields, requireModule, requireUsableDatabase } from '../../registry/modules/module.js';
import { storageName } from '../../registry/storage-name.js';
import { requireActive, requireTenant } from '../../registry/tenants/tenant.js';
import { appendOperation } from '../operations/operation.js';
import { planProvisioning } from '../operations/plan.js';
import { runStartedOperation } from '../operations/run/run-started-operation.js';
import { type PlannedSubscription, planSubscription, writeSubscription } from '../subscription.js';

/** Input fields of subscribeTenantToModule and subscribeTenants. */
export const subscribingFields = {
  module: moduleName,
  isolation: optional(moduleFields.isolation),
  provision: optional(z.boolean()).transform((given) => given ?? true),
};

const SubscribeInput = z.object({
  tenantId: tenantReference,
  module: subscribingFields.module,
  schemaName: optional(storageName),
  isolation: subscribingFields.isolation,
  provision: subscribingFields.provision,
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/**
 * Subscribes an active tenant and, unless `provision` is false, creates its storage and makes the route visible. When that fails,
 * the operation in the result says why, and the same call tries again with the same name.
 */
export async function subscribeTenantToModule(context: CommandContext, input: unknown) {
  authorize(context.caller, 'subscribeTenantToModule');
  const wanted = readInput(SubscribeInput, input);
  // When storage is created, the route changes at the end of the operation, so the wait applies to that.
  const firstInput = { ...wanted, wait: wanted.provision ? ('COMMITTED' as const) : wanted.wait };
  const started = await runCommand(context, 'subscribeTenantToModule', firstInput, async (tx) => {
    const tenant = await requireTenant(tx, wanted.tenantId);
    requireActive(tenant);
    const module = await requireModule(tx, wanted.module);
    const existing = await tx.moduleSubscription.findUnique({
      where: { tenantId_moduleName: { tenantId: tenant.id, moduleName: module.name } },
    });
    const planned = planSubscribing(context, tenant, module, existing ?? undefined, wanted);
    return writeSubscribing(tx, planned, wanted);
  });
  if (started.repeated || started.operationId === null) return started;
  return runStartedOperation(context, started, started.operationId, wanted.wait);
}

interface Wanted {
  isolation: Isolation | undefined;
  schemaName?: string | undefined;
  provision: boolean;
}

/** The rule of subscribing an active tenant, without writing anything. Throws as the command does. */
export function planSubscribing(
  context: CommandContext,
  tenant: Tenant,
  module: Module,
  existing: ModuleSubscription | undefined,
  { isolation, schemaName, provision }: Wanted,
): PlannedSubscription {
  if (provision) requireUsableDatabase(context, module);
  const status = provision ? 'PROVISIONING' : 'PENDING';
  const { actor } = context.caller;
  return planSubscription({ tenant, module, isolation, schemaName, status, actor }, existing);
}

/** Writes the subscription and, unless it stays pending, appends the operation that makes its storage. */
export async function writeSubscribing(
  tx: Transaction,
  planned: PlannedSubscription,
  { provision, idempotencyKey: key }: { provision: boolean; idempotencyKey?: string | undefined },
): Promise<{ subscriptionId: string; operationId: string | null }> {
  const subscription = await writeSubscription(tx, planned);
  if (!provision) return { subscriptionId: subscription.id, operationId: null };
  const operationId = await appendOperation(tx, {
    kind: 'SUBSCRIBE_TENANT',
    tenantId: planned.tenant.id,
    actor: planned.actor,
    steps: planProvisioning([subscription], { activate: true }),
    idempotencyKey: key,
  });
  return { subscriptionId: subscription.id, operationId };
}
