import { builder } from '../builder.js';
import { KeysetPage, readPage } from '../fields/keyset-page.js';
import { Member } from './member.js';
import { Tenant } from './tenant.js';

const MemberConnection = builder.connectionObject(
  { type: Member, name: 'MemberConnection', description: 'A page of members.' },
  { name: 'MemberEdge', description: 'A member with its cursor.' },
);

const byEmail = { list: 'members', field: 'email', isDescending: false } as const;

builder.prismaObjectFields(Tenant, (t) => ({
  members: t.field({
    type: MemberConnection,
    description: 'Members, removed ones included, ordered by e-mail address. Errors: VALIDATION_ERROR.',
    args: t.arg.connectionArgs(),
    select: { id: true },
    resolve: ({ id }, page, context) => {
      const requested = readPage(page, byEmail);
      const { size, isDescending, isFromEnd, after, before } = requested;
      const wanted = { isDescending, isFromEnd, after, before, limit: size + 1 };
      const load = () => context.members.load({ tenantId: id, page: wanted });
      return new KeysetPage(requested, {
        list: async () => (await load()).positions,
        load: async () => (await load()).members,
      });
    },
  }),
}));
