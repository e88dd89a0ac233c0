import { MemberRole, MemberStatus } from '../database/generated/prisma/enums.js';
import { builder } from './builder.js';

const MemberRoleType = builder.enumType('MemberRole', {
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
  }),
});
