import type { Caller } from '../../auth/caller.js';
import { listActions, listActionsInTenant, listScopes } from '../../auth/permissions.js';
import { invalidField } from '../../errors.js';
import { defaultMemberships, listMemberships, maxMemberships } from '../../profile/members/memberships.js';
import { isUuid } from '../../registry/slug.js';
import { builder } from '../builder.js';
import { firstOptions, requireFirst } from '../fields/page.js';
import { MemberRoleType } from '../tenants/member.js';

const Membership = builder.prismaObject('Member', {
  variant: 'Membership',
  description: 'A tenant to which the caller belongs.',
  fields: (t) => ({
    tenant: t.relation('tenant', { description: 'The tenant of the membership.' }),
    role: t.expose('role', { type: MemberRoleType, description: 'Role of the caller in the tenant.' }),
    may: t.stringList({
      description: 'Actions that the role allows in this tenant, in addition to `Viewer.may`.',
      select: { role: true },
      resolve: ({ role }) => listActionsInTenant(role),
    }),
    memberId: t.exposeID('id', { description: 'UUID of the member that the caller is in the tenant.' }),
  }),
});

const Viewer = builder.objectRef<Caller>('Viewer').implement({
  description: 'The caller of the request, with its rights.',
  fields: (t) => ({
    actor: t.exposeString('actor', {
      description: 'Name of the caller in the audit log: `api-key:<id>`, `subject:<sub>`, `developer`.',
    }),
    scopes: t.field({
      type: ['Scope'],
      description: 'Scopes of the credential, by name.',
      resolve: (caller) => listScopes(caller),
    }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the credential expires; null when it does not.',
      resolve: ({ expiresAt }) => (expiresAt === undefined ? null : new Date(expiresAt)),
    }),
    may: t.stringList({
      description:
        'Actions that the scopes allow for every tenant: mutations by name, and `readRegistry`, `readTenant`, ' +
        '`readAuditLog`, `readSchema`, `listApiKeys`, `provisionModule`, `adoptStorage`.',
      resolve: (caller) => listActions(caller),
    }),
    memberships: t.prismaField({
      type: [Membership],
      description:
        'Tenants to which the subject of a token belongs, ordered by tenant id; empty for API keys. Errors: ' +
        'VALIDATION_ERROR for an argument that is out of range.',
      args: {
        first: t.arg.int(firstOptions({ usual: defaultMemberships, max: maxMemberships })),
        after: t.arg.id({
          description: 'Only tenants after this UUID, for the next page. Default: from the first.',
        }),
      },
      resolve: (query, { identity }, { first, after }, { prisma }) => {
        const page = { first: requireFirst(first, maxMemberships), after: after ?? undefined };
        if (page.after !== undefined && !isUuid(page.after)) throw invalidField('after', 'must be a UUID');
        return identity ? listMemberships(prisma, { subject: identity.subject, ...page }, query) : [];
      },
    }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: Viewer,
    description: 'The caller itself. Scope: none; every caller with a valid credential may ask.',
    resolve: (_root, _args, { caller }) => caller,
  }),
);
