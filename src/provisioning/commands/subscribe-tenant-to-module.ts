import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
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
import { moduleFields, requireModule, requireUsableDatabase } from '../../registry/module.js';
import { storageName } from '../../registry/storage-name.js';
import { requireActive, requireTenant } from '../../registry/tenant.js';
import { appendOperation } from '../operations/operation.js';
import { planProvisioning } from '../operations/plan.js';
import { runStartedOperation } from '../operations/run-started-operation.js';
import { putSubscription } from '../subscription.js';

const SubscribeInput = z.object({
  tenantId: tenantReference,
  module: moduleName,
  schemaName: optional(storageName),
  isolation: optional(moduleFields.isolation),
  provision: optional(z.boolean()).transform((given) => given ?? true),
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
    if (wanted.provision) requireUsableDatabase(context, module);
    const subscription = await putSubscription(tx, {
      tenant,
      module,
      isolation: wanted.isolation,
      schemaName: wanted.schemaName,
      status: wanted.provision ? 'PROVISIONING' : 'PENDING',
      actor: context.caller.actor,
    });
    const operationId = wanted.provision
      ? await appendOperation(tx, {
          kind: 'SUBSCRIBE_TENANT',
          tenantId: tenant.id,
          actor: context.caller.actor,
          steps: planProvisioning([subscription], { activate: true }),
          idempotencyKey: wanted.idempotencyKey,
        })
      : null;
    return { subscriptionId: subscription.id, operationId };
  });
  if (started.repeated || started.operationId === null) return started;
  return runStartedOperation(context, started, started.operationId, wanted.wait);
}
