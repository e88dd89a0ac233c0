import { MemberRole, MemberStatus } from '../../database/generated/prisma/enums.js';
import { builder } from '../builder.js';
import { Node } from '../fields/node.js';

export const MemberRoleType = builder.enumType('MemberRole', {
  description: 'Role of a member in its tenant.',
  values: {
    [MemberRole.ADMIN]: { description: 'Manages the tenant and its members.' },
    [MemberRole.MEMBER]: { description: 'Works in the tenant.' },
  } as const,
});

const MemberStatusType = builder.enumType('MemberStatus', {
  description: 'Status of a membership.',
  values: {
    [MemberStatus.INVITED]: { description: 'Has not accepted an invitation yet.' },
    [MemberStatus.ACTIVE]: { description: 'Has accepted an invitation.' },
    [MemberStatus.REMOVED]: { description: 'Was removed from the tenant.' },
  } as const,
});

export const Member = builder.prismaObject('Member', {
  interfaces: [Node],
  description: 'A person in a tenant. The same address in another tenant is a different member.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'UUID.' }),
    email: t.exposeString('email', { description: 'E-mail address in lower case.' }),
    fullName: t.exposeString('fullName', { nullable: true, description: 'Display name.' }),
    role: t.expose('role', { type: MemberRoleType, description: 'Role in the tenant.' }),
    status: t.expose('status', { type: MemberStatusType, description: 'Status of the membership.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the member was first invited.' }),
    version: t.exposeInt('version', {
      description: 'Version of the member; every change increases it. Pass it as `expectedVersion`.',
    }),
  }),
});

export const Invitation = builder.prismaObject('Invitation', {
  description:
    'An invitation that admits a member once. Its token is shown when the invitation is created; the ' +
    'registry keeps only a hash.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'UUID of the invitation, which is not its token.' }),
    member: t.relation('member', { type: Member, description: 'The invited member.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the invitation was created.' }),
    createdBy: t.exposeString('createdBy', {
      nullable: true,
      description: 'Actor that created the invitation, as in the audit log.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'When the invitation expires; its token is rejected after that.',
    }),
    isExpired: t.boolean({
      description: 'Whether the invitation expired before it was accepted.',
      select: { expiresAt: true, acceptedAt: true },
      resolve: ({ expiresAt, acceptedAt }) => acceptedAt === null && expiresAt <= new Date(),
    }),
    acceptedAt: t.expose('acceptedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the invitation was accepted; null when it was not.',
    }),
  }),
});

builder.prismaObjectField(Member, 'invitation', (t) =>
  t.field({
    type: Invitation,
    nullable: true,
    description:
      'Invitation of the member: the open one, expired or not, or the one that an active member has accepted. Null when ' +
      'it was revoked, for a removed member, and for one that was inserted by SQL.',
    select: (_args, _context, nested) => ({
      status: true,
      invitations: nested({ orderBy: [{ createdAt: 'desc' }, { id: 'desc' }], take: 1 }),
    }),
    resolve: ({ status, invitations: [newest] }) => {
      // A member who was removed may have accepted older ones.
      if (!newest || status === 'REMOVED') return null;
      return (newest.acceptedAt === null) === (status === 'INVITED') ? newest : null;
    },
  }),
);
