import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { RegistryError } from '../../errors.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import {
  expectedVersion,
  idempotencyKey,
  moduleName,
  omittable,
  optional,
  plainText,
  readInput,
  tenantReference,
  wait,
} from '../../registry/input.js';
import { requireActive, requireTenant, requireVersion } from '../../registry/tenants/tenant.js';
import { redactSecrets } from '../../registry/values/secret-detector.js';
import { requireNoStorageOperation, requireSubscription } from '../subscription.js';

const MarkModuleProvisionedInput = z.object({
  tenantId: tenantReference,
  module: moduleName,
  status: optional(z.enum(['SUCCESS', 'FAILED'], { error: 'must be SUCCESS or FAILED' })),
  // An error of a service may repeat its connection; refusing it would leave the subscription as it was.
  error: optional(plainText(2000).transform(redactSecrets)),
  expectedVersion: omittable(expectedVersion),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/**
 * Reports the result of provisioning outside the registry. SUCCESS (the default) makes the route visible at once; FAILED hides it
 * and records the error in the history.
 */
export async function markModuleProvisioned(context: CommandContext, input: unknown) {
  authorize(context.caller, 'markModuleProvisioned');
  const wanted = readInput(MarkModuleProvisionedInput, input);
  const succeeded = wanted.status !== 'FAILED';
  return runCommand(context, 'markModuleProvisioned', wanted, async (tx) => {
    const tenant = await requireTenant(tx, wanted.tenantId);
    requireActive(tenant);
    const subscription = await requireSubscription(tx, tenant, wanted.module);
    requireVersion(
      `The ${wanted.module} subscription of tenant ${tenant.slug}`,
      subscription.version,
      wanted.expectedVersion,
    );
    await requireNoStorageOperation(tx, tenant, wanted.module);
    if (!['PENDING', 'PROVISIONING', 'FAILED'].includes(subscription.status))
      throw new RegistryError(
        'CONFLICT',
        `The ${wanted.module} subscription of tenant ${tenant.slug} is ${subscription.status.toLowerCase()}, ` +
          'not waiting for its storage',
      );
    await tx.moduleSubscription.update({
      where: { id: subscription.id },
      data: { status: succeeded ? 'ACTIVE' : 'FAILED' },
    });
    const now = new Date();
    const status = succeeded ? 'SUCCEEDED' : 'FAILED';
    const error = succeeded ? null : (wanted.error ?? 'marked as failed');
    const { id } = await tx.operation.create({
      data: {
        kind: 'MARK_MODULE_PROVISIONED',
        tenantId: tenant.id,
        actor: context.caller.actor,
        status,
        error,
        startedAt: now,
        finishedAt: now,
        steps: {
          create: {
            position: 0,
            name: 'activate_route',
            moduleName: wanted.module,
            status,
            error,
            startedAt: now,
            finishedAt: now,
          },
        },
      },
    });
    return { subscriptionId: subscription.id, operationId: id };
  });
}
