import { ModuleSubscription } from './module-subscription.js';
import { Operation } from './operation.js';
import type { PayloadFields } from './revision-field.js';
import { Tenant } from './tenant.js';

/** Fields of mutation payloads. Commands hand back ids; the objects are read here, as they are after the change. */

export function tenantField<Shape extends { tenantId: string }>(t: PayloadFields<Shape>) {
  return t.prismaField({
    type: Tenant,
    description: 'The tenant as it is now.',
    resolve: (query, { tenantId }, _args, context) =>
      context.prisma.tenant.findUniqueOrThrow({ ...query, where: { id: tenantId } }),
  });
}

export function subscriptionField<Shape extends { subscriptionId: string }>(t: PayloadFields<Shape>) {
  return t.prismaField({
    type: ModuleSubscription,
    description: 'The subscription as it is now.',
    resolve: (query, { subscriptionId }, _args, context) =>
      context.prisma.moduleSubscription.findUniqueOrThrow({ ...query, where: { id: subscriptionId } }),
  });
}

export function operationField<Shape extends { operationId: string | null }>(t: PayloadFields<Shape>) {
  return t.prismaField({
    type: Operation,
    nullable: true,
    description:
      'The work that was done or goes on; null when there was none. Its `status` and `error` tell how it ended.',
    resolve: (query, { operationId }, _args, context) =>
      operationId === null
        ? null
        : context.prisma.operation.findUniqueOrThrow({ ...query, where: { id: operationId } }),
  });
}
