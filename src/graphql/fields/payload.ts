import { ModuleSubscription } from '../modules/module-subscription.js';
import { Operation } from '../operations/operation.js';
import { Invitation } from '../tenants/member.js';
import { Tenant } from '../tenants/tenant.js';
import type { PayloadFields } from './revision-field.js';

/** Fields of mutation payloads. Commands return ids; these fields read the rows after the change. */

export function tenantField<Shape extends { tenantId: string }>(t: PayloadFields<Shape>) {
  return t.prismaField({
    type: Tenant,
    description: 'The tenant after the change.',
    resolve: (query, { tenantId }, _args, context) =>
      context.prisma.tenant.findUniqueOrThrow({ ...query, where: { id: tenantId } }),
  });
}

export function subscriptionField<Shape extends { subscriptionId: string }>(t: PayloadFields<Shape>) {
  return t.prismaField({
    type: ModuleSubscription,
    description: 'The subscription after the change.',
    resolve: (query, { subscriptionId }, _args, context) =>
      context.prisma.moduleSubscription.findUniqueOrThrow({ ...query, where: { id: subscriptionId } }),
  });
}

export function operationField<Shape extends { operationId: string | null }>(t: PayloadFields<Shape>) {
  return t.prismaField({
    type: Operation,
    nullable: true,
    description:
      'The operation of this change; null when none was needed. Its `status` and `error` contain the result.',
    resolve: (query, { operationId }, _args, context) =>
      operationId === null
        ? null
        : context.prisma.operation.findUniqueOrThrow({ ...query, where: { id: operationId } }),
  });
}

/** The invitation that a mutation created, and its token. */
export function invitationFields<Shape extends { invitationId: string | null; token: string | null }>(
  t: PayloadFields<Shape>,
) {
  return {
    invitation: t.prismaField({
      type: Invitation,
      nullable: true,
      description: 'The new invitation; null when nobody was invited.',
      resolve: (query, { invitationId }, _args, context) =>
        invitationId === null
          ? null
          : context.prisma.invitation.findUnique({ ...query, where: { id: invitationId } }),
    }),
    invitationToken: t.string({
      nullable: true,
      description:
        'Token for acceptInvitation. It is shown only now: when a request is repeated with the same ' +
        'idempotency key, the field is null.',
      resolve: ({ token }) => token,
    }),
  };
}
