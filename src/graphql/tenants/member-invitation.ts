import type { InputFieldMap } from '@pothos/core';
import { acceptInvitation } from '../../profile/commands/accept-invitation.js';
import { inviteTenantMember } from '../../profile/commands/invite-tenant-member.js';
import { removeTenantMember } from '../../profile/commands/remove-tenant-member.js';
import { revokeInvitation } from '../../profile/commands/revoke-invitation.js';
import { updateTenantMember } from '../../profile/commands/update-tenant-member.js';
import type { CommandContext, Committed } from '../../registry/command.js';
import {
  expectedVersionField,
  type MutationInputFields,
  tenantIdField,
  waitField,
} from '../fields/mutation-input.js';
import { invitationFields, tenantField } from '../fields/payload.js';
import type { PayloadFields } from '../fields/revision-field.js';
import { mutation } from '../mutation.js';
import { Member, MemberRoleType } from './member.js';

function memberField<Shape extends { memberId: string }>(t: PayloadFields<Shape>) {
  return t.prismaField({
    type: Member,
    description: 'The member after the change.',
    resolve: (query, { memberId }, _args, context) =>
      context.prisma.member.findUniqueOrThrow({ ...query, where: { id: memberId } }),
  });
}

mutation('inviteTenantMember', {
  command: inviteTenantMember,
  description:
    'Makes a person a member of a tenant and creates an invitation; earlier invitations of the same ' +
    'person stop working. An active member gets no invitation. Scope: registry:write, or an admin of the ' +
    'tenant. Errors: TENANT_NOT_FOUND, TENANT_DELETED, TENANT_MISMATCH, QUOTA_EXCEEDED beyond `maxUsers`, ' +
    'CONFLICT for a member with another role, which updateTenantMember changes, VALIDATION_ERROR.',
  input: (t) => ({
    tenantId: tenantIdField(t),
    email: t.string({ required: true, description: 'E-mail address of the person; unique per tenant.' }),
    fullName: t.string({
      description:
        'Display name of the person, at most 200 characters. Default: the name known from another tenant.',
    }),
    role: t.field({
      type: MemberRoleType,
      description: 'Role of the member. Default: the role of a member who is not removed, else MEMBER.',
    }),
    validDays: t.int({ description: 'Number of days until the invitation expires, 1 to 90. Default: 7.' }),
    wait: waitField(t),
  }),
  payload: (t) => ({
    tenant: tenantField(t),
    member: memberField(t),
    ...invitationFields(t),
  }),
});

interface MemberMutation {
  command: (
    context: CommandContext,
    input: unknown,
  ) => Promise<Committed<{ tenantId: string; memberId: string }>>;
  description: string;
  /** Input fields in addition to those of every mutation on a member. */
  fields?: (t: MutationInputFields) => InputFieldMap;
}

/** Adds a mutation that changes a member to the schema. */
function memberMutation(name: string, { command, description, fields }: MemberMutation): void {
  mutation(name, {
    command,
    description,
    input: (t) => ({
      tenantId: tenantIdField(t),
      memberId: t.id({ required: true, description: 'UUID of the member.' }),
      ...fields?.(t),
      expectedVersion: expectedVersionField(t),
      wait: waitField(t),
    }),
    payload: (t) => ({ tenant: tenantField(t), member: memberField(t) }),
  });
}

memberMutation('updateTenantMember', {
  command: updateTenantMember,
  description:
    'Changes the role of a member, whose tokens have the new role from now on. Scope: registry:write, or ' +
    'an admin of the tenant. Errors: TENANT_NOT_FOUND, TENANT_DELETED, TENANT_MISMATCH, NOT_FOUND for an ' +
    'unknown member, CONFLICT for a removed member and when an admin would leave the tenant without one, ' +
    'VERSION_CONFLICT.',
  fields: (t) => ({
    role: t.field({ type: MemberRoleType, required: true, description: 'New role of the member.' }),
  }),
});

memberMutation('removeTenantMember', {
  command: removeTenantMember,
  description:
    'Removes a member from a tenant: the member’s token is rejected from now on, and open invitations ' +
    'stop working. Scope: registry:write, or an admin of the tenant. Errors: TENANT_NOT_FOUND, ' +
    'TENANT_MISMATCH, NOT_FOUND for an unknown member, CONFLICT for a member who was removed already and ' +
    'when an admin would leave the tenant without one, VERSION_CONFLICT.',
});

memberMutation('revokeInvitation', {
  command: revokeInvitation,
  description:
    'Revokes the open invitation of a member, expired or not: its token is rejected from now on. The ' +
    'member stays INVITED and can be invited again with inviteTenantMember. Scope: registry:write, or an ' +
    'admin of the tenant. Errors: TENANT_NOT_FOUND, TENANT_MISMATCH, NOT_FOUND for an unknown member, ' +
    'CONFLICT for a member without an open invitation, VERSION_CONFLICT.',
});

mutation('acceptInvitation', {
  command: acceptInvitation,
  description:
    'Binds an invited member to the subject of an identity provider’s token: from now on, requests with ' +
    'that subject act for the tenant. A caller with such a token needs no scope; other callers need ' +
    'scope registry:write. Errors: VALIDATION_ERROR for an unknown or expired invitation token, CONFLICT ' +
    'when it was used or the subject is a member already, TENANT_DELETED.',
  input: (t) => ({
    token: t.string({ required: true, description: 'Token of the invitation.' }),
    subject: t.string({
      description:
        'Claim `sub` of a token of an identity provider that the caller has verified. Default: the `sub` of ' +
        'the caller’s own token. Any other subject needs scope registry:write.',
    }),
    fullName: t.string({ description: 'Display name as the person writes it, at most 200 characters.' }),
    wait: waitField(t),
  }),
  payload: (t) => ({ tenant: tenantField(t), member: memberField(t) }),
});
