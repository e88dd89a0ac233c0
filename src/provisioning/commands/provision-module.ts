import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { RegistryError } from '../../errors.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import {
  expectedVersion,
  idempotencyKey,
  moduleName,
  omittable,
  readInput,
  tenantReference,
  wait,
} from '../../registry/input.js';
import { requireModule, requireUsableDatabase } from '../../registry/modules/module.js';
import { requireActive, requireTenant, requireVersion } from '../../registry/tenants/tenant.js';
import { appendOperation } from '../operations/operation.js';
import { planProvisioning } from '../operations/plan.js';
import { runStartedOperation } from '../operations/run/run-started-operation.js';
import { requireSettled, requireSubscription } from '../subscription.js';

const ProvisionModuleInput = z.object({
  tenantId: tenantReference,
  module: moduleName,
  expectedVersion: omittable(expectedVersion),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/** Creates the storage of a pending subscription. The route stays hidden until markModuleProvisioned. */
export async function provisionModule(context: CommandContext, input: unknown) {
  authorize(context.caller, 'provisionModule');
  const wanted = readInput(ProvisionModuleInput, input);
  const started = await runCommand(
    context,
    'provisionModule',
    { ...wanted, wait: 'COMMITTED' },
    async (tx) => {
      const tenant = await requireTenant(tx, wanted.tenantId);
      requireActive(tenant);
      const subscription = await requireSubscription(tx, tenant, wanted.module);
      requireVersion(
        `The ${wanted.module} subscription of tenant ${tenant.slug}`,
        subscription.version,
        wanted.expectedVersion,
      );
      requireSettled(tenant, subscription);
      requireUsableDatabase(context, await requireModule(tx, wanted.module));
      if (subscription.status !== 'PENDING' && subscription.status !== 'FAILED')
        throw new RegistryError(
          'CONFLICT',
          `The ${wanted.module} storage of tenant ${tenant.slug} is already provisioned`,
        );
      await tx.moduleSubscription.update({
        where: { id: subscription.id },
        data: { status: 'PROVISIONING' },
      });
      const operationId = await appendOperation(tx, {
        kind: 'PROVISION_MODULE',
        tenantId: tenant.id,
        actor: context.caller.actor,
        steps: planProvisioning([subscription], { activate: false }),
        idempotencyKey: wanted.idempotencyKey,
      });
      return { subscriptionId: subscription.id, operationId };
    },
  );
  if (started.repeated) return started;
  return runStartedOperation(context, started, started.operationId, wanted.wait);
}
