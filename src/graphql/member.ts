import { MemberRole, MemberStatus } from '../database/generated/prisma/enums.js';
import { builder } from './builder.js';

export const MemberRoleType = builder.enumType('MemberRole', {
  description: 'What a member may do in the tenant.',
  values: {
    [MemberRole.ADMIN]: { description: 'Manages the tenant and its members.' },
    [MemberRole.MEMBER]: { description: 'Works in it.' },
  } as const,
});

const MemberStatusType = builder.enumType('MemberStatus', {
  description: 'Whether a member has come in.',
  values: {
    [MemberStatus.INVITED]: { description: 'Named, has not accepted an invitation yet.' },
    [MemberStatus.ACTIVE]: { description: 'Has accepted.' },
    [MemberStatus.REMOVED]: { description: 'Was taken out again.' },
  } as const,
});

export const Member = builder.prismaObject('Member', {
  description: 'A person in a tenant. The same address in another tenant is another member.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'UUID.' }),
    email: t.exposeString('email', { description: 'E-mail address, in lower case.' }),
    fullName: t.exposeString('fullName', { nullable: true, description: 'Name for people.' }),
    role: t.expose('role', { type: MemberRoleType, description: 'What the member may do.' }),
    status: t.expose('status', { type: MemberStatusType, description: 'Whether the member has come in.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the member was first invited.' }),
    version: t.exposeInt('version', { description: 'For expectedVersion; +1 with each change.' }),
  }),
});

export const Invitation = builder.prismaObject('Invitation', {
  description: 'What lets a member in, once. Its token is shown when it is made and kept as a hash.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'UUID; not the token.' }),
    member: t.relation('member', { type: Member, description: 'Who is invited.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    createdBy: t.exposeString('createdBy', {
      nullable: true,
      description: 'Who invited, as in the audit log.',
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'From when it opens nothing.' }),
    acceptedAt: t.expose('acceptedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was accepted.',
    }),
  }),
});
