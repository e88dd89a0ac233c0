import type { ObjectFieldBuilder, SchemaTypes } from '@pothos/core';
import type { builder } from './builder.js';
import { ModuleSubscription } from './module-subscription.js';
import { Operation } from './operation.js';
import { Tenant } from './tenant.js';

type Types = typeof builder extends PothosSchemaTypes.SchemaBuilder<infer T> ? T : SchemaTypes;
type Fields<Shape> = ObjectFieldBuilder<Types, Shape>;

/** Fields of mutation payloads. Commands hand back ids; the objects are read here, as they are after the change. */

export function revisionField<Shape extends { revision: string }>(t: Fields<Shape>) {
  return t.field({
    type: 'Revision',
    description:
      'The registry’s revision that holds the change; as `minRevision` it makes later reads at least that new.',
    resolve: ({ revision }) => revision,
  });
}

export function tenantField<Shape extends { tenantId: string }>(t: Fields<Shape>) {
  return t.prismaField({
    type: Tenant,
    description: 'The tenant as it is now.',
    resolve: (query, { tenantId }, _args, context) =>
      context.prisma.tenant.findUniqueOrThrow({ ...query, where: { id: tenantId } }),
  });
}

export function subscriptionField<Shape extends { subscriptionId: string }>(t: Fields<Shape>) {
  return t.prismaField({
    type: ModuleSubscription,
    description: 'The subscription as it is now.',
    resolve: (query, { subscriptionId }, _args, context) =>
      context.prisma.moduleSubscription.findUniqueOrThrow({ ...query, where: { id: subscriptionId } }),
  });
}

export function operationField<Shape extends { operationId: string | null }>(t: Fields<Shape>) {
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
