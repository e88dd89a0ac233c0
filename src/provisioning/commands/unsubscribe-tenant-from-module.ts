import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import {
  expectedVersion,
  idempotencyKey,
  moduleName,
  optional,
  readInput,
  tenantReference,
  wait,
} from '../../registry/input.js';
import { requireTenant, requireVersion } from '../../registry/tenant.js';
import { requireSettled, requireSubscription } from '../subscription.js';

const UnsubscribeInput = z.object({
  tenantId: tenantReference,
  module: moduleName,
  expectedVersion: optional(expectedVersion),
  idempotencyKey: optional(idempotencyKey),
  wait: optional(wait),
});

/** The module stops resolving for the tenant. Its data and its names stay: subscribing again finds them. */
export async function unsubscribeTenantFromModule(context: CommandContext, input: unknown) {
  authorize(context.caller, 'unsubscribeTenantFromModule');
  const wanted = readInput(UnsubscribeInput, input);
  return runCommand(context, 'unsubscribeTenantFromModule', wanted, async (tx) => {
    const tenant = await requireTenant(tx, wanted.tenantId);
    const subscription = await requireSubscription(tx, tenant, wanted.module);
    requireVersion(
      `The ${wanted.module} subscription of tenant ${tenant.slug}`,
      subscription.version,
      wanted.expectedVersion,
    );
    requireSettled(tenant, subscription);
    await tx.moduleSubscription.update({ where: { id: subscription.id }, data: { status: 'CANCELLED' } });
    return { subscriptionId: subscription.id };
  });
}
