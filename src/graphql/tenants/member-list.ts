import { queryFromInfo } from '@pothos/plugin-prisma';
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
    resolve: ({ id }, page, context, info) => {
      // The rows have all that can be selected, so Pothos reads none of them again.
      queryFromInfo({ context, info, path: ['edges', 'node'] });
      const requested = readPage(page, byEmail);
      const { size, isDescending, isFromEnd, after, before } = requested;
      const wanted = { isDescending, isFromEnd, after, before, limit: size + 1 };
      return new KeysetPage(requested, { list: () => context.members.load({ tenantId: id, page: wanted }) });
    },
  }),
}));
