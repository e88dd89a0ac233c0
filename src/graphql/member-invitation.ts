import { acceptInvitation } from '../profile/commands/accept-invitation.js';
import { inviteTenantMember } from '../profile/commands/invite-tenant-member.js';
import { removeTenantMember } from '../profile/commands/remove-tenant-member.js';
import { builder } from './builder.js';
import { execute } from './context.js';
import { Member, MemberRoleType } from './member.js';
import { expectedVersionField, idempotencyKeyField, tenantIdField, waitField } from './mutation-input.js';
import { invitationFields, tenantField } from './payload.js';
import { type PayloadFields, revisionField } from './revision-field.js';

function memberField<Shape extends { memberId: string }>(t: PayloadFields<Shape>) {
  return t.prismaField({
    type: Member,
    description: 'The member as it is now.',
    resolve: (query, { memberId }, _args, context) =>
      context.prisma.member.findUniqueOrThrow({ ...query, where: { id: memberId } }),
  });
}

builder.relayMutationField(
  'inviteTenantMember',
  {
    description: 'Whom to let in.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      email: t.string({ required: true, description: 'Address of the person; once per tenant.' }),
      fullName: t.string({
        description: 'Name for people, at most 200 characters; default the one known from another tenant.',
      }),
      role: t.field({ type: MemberRoleType, description: 'Default MEMBER.' }),
      validDays: t.int({ description: 'For how many days the invitation is good, 1 to 90; default 7.' }),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Makes a person a member of a tenant and invites it; an earlier invitation of the same person opens nothing any more. ' +
      'A member who is in already gets the role and no invitation. Scope: registry:write, or an admin of the tenant. Errors: ' +
      'TENANT_NOT_FOUND, TENANT_DELETED, TENANT_MISMATCH, QUOTA_EXCEEDED beyond `maxUsers`, CONFLICT when it would ' +
      'leave no admin, VALIDATION_ERROR.',
    resolve: (_root, { input }, context) => execute(context, inviteTenantMember, input),
  },
  {
    description: 'The member and what lets it in.',
    outputFields: (t) => ({
      tenant: tenantField(t),
      member: memberField(t),
      ...invitationFields(t),
      revision: revisionField(t),
    }),
  },
);

builder.relayMutationField(
  'removeTenantMember',
  {
    description: 'Whom to take out.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      memberId: t.id({ required: true, description: 'Id of the member.' }),
      expectedVersion: expectedVersionField(t),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Takes a member out of a tenant: its token is no way in from now on, its open invitations open nothing. Scope: ' +
      'registry:write, or an admin of the tenant. Errors: TENANT_NOT_FOUND, TENANT_MISMATCH, CONFLICT for the last admin ' +
      'and for a member who is out already, VERSION_CONFLICT, VALIDATION_ERROR for an unknown member.',
    resolve: (_root, { input }, context) => execute(context, removeTenantMember, input),
  },
  {
    description: 'The member who is out.',
    outputFields: (t) => ({ tenant: tenantField(t), member: memberField(t), revision: revisionField(t) }),
  },
);

builder.relayMutationField(
  'acceptInvitation',
  {
    description: 'What lets whom in.',
    inputFields: (t) => ({
      token: t.string({ required: true, description: 'Token of the invitation.' }),
      subject: t.string({
        description:
          'Claim `sub` of the token of an identity provider that the caller has verified; default that of the call itself. ' +
          'Another one than the caller’s own needs scope registry:write.',
      }),
      fullName: t.string({ description: 'Name as the person writes it, at most 200 characters.' }),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Binds an invited member to the subject of an identity provider’s token: from now on that subject is a caller bound ' +
      'to the tenant. Any caller with such a token; else scope: registry:write. Errors: VALIDATION_ERROR for a token that ' +
      'opens nothing (any more), CONFLICT when it was used or the subject is a member already, TENANT_DELETED.',
    resolve: (_root, { input }, context) => execute(context, acceptInvitation, input),
  },
  {
    description: 'The member who is in.',
    outputFields: (t) => ({ tenant: tenantField(t), member: memberField(t), revision: revisionField(t) }),
  },
);
