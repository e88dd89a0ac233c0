import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import {
  days,
  daysFromNow,
  expectedVersion,
  idempotencyKey,
  moduleName,
  omittable,
  optional,
  readInput,
  tenantReference,
  wait,
} from '../../registry/input.js';
import { requireTenant, requireVersion } from '../../registry/tenant.js';
import { findQueuedBinding, updateGuards } from '../lifecycle.js';
import { requireSettled, requireSubscription } from '../subscription.js';

const UnsubscribeInput = z.object({
  tenantId: tenantReference,
  module: moduleName,
  keepDataDays: optional(days),
  expectedVersion: omittable(expectedVersion),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/** How long the data of a cancelled subscription is kept by default, in days. */
const defaultKeptDays = 30;

/**
 * Cancels the subscription: the module stops resolving for the tenant. The data stays until `keepDataDays` have passed, the names
 * stay forever; subscribing again uses both. A separate operation drops the data.
 */
export async function unsubscribeTenantFromModule(context: CommandContext, input: unknown) {
  authorize(context.caller, 'unsubscribeTenantFromModule');
  const wanted = readInput(UnsubscribeInput, input);
  return runCommand(
    context,
    'unsubscribeTenantFromModule',
    wanted,
    async (tx) => {
      const tenant = await requireTenant(tx, wanted.tenantId);
      const subscription = await requireSubscription(tx, tenant, wanted.module);
      requireVersion(
        `The ${wanted.module} subscription of tenant ${tenant.slug}`,
        subscription.version,
        wanted.expectedVersion,
      );
      requireSettled(tenant, subscription);
      const purgeAfter = daysFromNow(wanted.keepDataDays ?? defaultKeptDays);
      await tx.moduleSubscription.update({
        where: { id: subscription.id },
        data: { status: 'CANCELLED', purgeAfter },
      });
      return { subscriptionId: subscription.id, operationId: await findQueuedBinding(tx, tenant.id) };
    },
    {
      meanwhile: ({ operationId }, waitFor) => updateGuards(context, operationId, waitFor),
    },
  );
}
