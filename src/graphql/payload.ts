import { Invitation } from './member.js';
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

/** The invitation that goes with a change, and its token. */
export function invitationFields<Shape extends { invitationId: string | null; token: string | null }>(
  t: PayloadFields<Shape>,
) {
  return {
    invitation: t.prismaField({
      type: Invitation,
      nullable: true,
      description: 'The invitation; null when nobody was invited.',
      resolve: (query, { invitationId }, _args, context) =>
        invitationId === null
          ? null
          : context.prisma.invitation.findUnique({ ...query, where: { id: invitationId } }),
    }),
    invitationToken: t.string({
      nullable: true,
      description:
        'What acceptInvitation takes, for the link in a mail. Shown now and never again: null when a request is repeated.',
      resolve: ({ token }) => token,
    }),
  };
}
