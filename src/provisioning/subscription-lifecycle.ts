import { z } from 'zod';
import { type Action, authorize } from '../auth/permissions.js';
import type { ModuleSubscription, Prisma, Tenant } from '../database/generated/prisma/client.js';
import type { WaitFor } from '../feed/acknowledge.js';
import { type CommandContext, runCommand } from '../registry/command.js';
import {
  expectedVersion,
  idempotencyKey,
  moduleName,
  omittable,
  readInput,
  tenantReference,
  wait,
} from '../registry/input.js';
import { requireTenant, requireVersion } from '../registry/tenants/tenant.js';
import { findQueuedBinding, updateGuards } from './lifecycle.js';
import { openGuard } from './reopen.js';
import { requireSettled, requireSubscription } from './subscription.js';

/** A change of the status of one subscription, as data. */
interface SubscriptionChange<Fields extends z.ZodRawShape> {
  action: Action;
  /** Input fields besides those that every command on a subscription has. */
  fields: Fields;
  /** The default of `wait`; GATEWAYS when left out. */
  waitFor?: WaitFor;
  /** Whether services may enter the storage after the change but not before it. */
  reopens?: boolean;
  /** Returns the new values of the subscription's columns, or throws the refusal. No operation changes the subscription. */
  decide(
    subscription: ModuleSubscription,
    tenant: Tenant,
    input: z.output<z.ZodObject<Fields>>,
  ): Prisma.ModuleSubscriptionUpdateInput;
}

const targetFields = z.object({
  tenantId: tenantReference,
  module: moduleName,
  expectedVersion: omittable(expectedVersion),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/** The command that changes the status of a subscription and then updates its guard, in the order of lifecycleCommand. */
export function subscriptionCommand<Fields extends z.ZodRawShape>(change: SubscriptionChange<Fields>) {
  const { action, decide, reopens = false, waitFor } = change;
  const schema = z.intersection(targetFields, z.object(change.fields));
  return async (context: CommandContext, input: unknown) => {
    authorize(context.caller, action);
    const wanted = readInput(schema, input);
    await using _ = reopens ? await openGuard(context, wanted) : undefined;
    return await runCommand(
      context,
      action,
      wanted,
      async (tx) => {
        const tenant = await requireTenant(tx, wanted.tenantId);
        const subscription = await requireSubscription(tx, tenant, wanted.module);
        requireVersion(nameOf(tenant, subscription), subscription.version, wanted.expectedVersion);
        requireSettled(tenant, subscription);
        // The type checker does not see that an intersection without its one half is the other.
        const data = decide(subscription, tenant, wanted as unknown as z.output<z.ZodObject<Fields>>);
        await tx.moduleSubscription.update({ where: { id: subscription.id }, data });
        return { subscriptionId: subscription.id, operationId: await findQueuedBinding(tx, tenant.id) };
      },
      {
        waitFor: wanted.wait ?? waitFor,
        meanwhile: ({ operationId }, waitingFor) => updateGuards(context, operationId, waitingFor),
      },
    );
  };
}

/** The subscription in a message. */
export function nameOf({ slug }: Tenant, { moduleName }: ModuleSubscription): string {
  return `The ${moduleName} subscription of tenant ${slug}`;
}
