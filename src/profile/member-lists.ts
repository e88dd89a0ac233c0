import DataLoader from 'dataloader';
import type { Member, PrismaClient } from '../database/generated/prisma/client.js';

/** A page of the members of one tenant, by e-mail address, after this one. */
interface MembersKey {
  tenantId: string;
  first: number;
  after: string | null;
}

export type MembersLoader = DataLoader<MembersKey, Member[], string>;

export const maxMembers = 100;
export const defaultMembers = 50;

/** Loads members by e-mail address, with the same number of queries for any number of tenants. */
export function createMembersLoader(prisma: PrismaClient): MembersLoader {
  return new DataLoader(
    async (keys) => {
      const found = await listFirst(prisma, keys);
      const members = await prisma.member.findMany({ where: { id: { in: found.map(({ id }) => id) } } });
      const byId = new Map(members.map((member) => [member.id, member]));
      const pages = keys.map((): Member[] => []);
      for (const { key, id } of found) {
        const member = byId.get(id);
        if (member) pages[key - 1]?.push(member);
      }
      return pages;
    },
    { cacheKeyFn: (key) => JSON.stringify(key) },
  );
}

/** The limit is per tenant and in the database. */
function listFirst(
  prisma: PrismaClient,
  keys: readonly MembersKey[],
): Promise<{ key: number; id: string }[]> {
  const [tenants, limits, cursors] = [
    keys.map(({ tenantId }) => tenantId),
    keys.map(({ first }) => first),
    keys.map(({ after }) => after ?? ''),
  ];
  return prisma.$queryRaw`
    SELECT wanted.key::int AS key, page.id
    FROM unnest(${tenants}::uuid[], ${limits}::int[], ${cursors}::text[]) WITH ORDINALITY AS wanted (tenant, first, after, key)
    CROSS JOIN LATERAL (
      SELECT member.id, member.email FROM members AS member
      WHERE member.tenant_id = wanted.tenant AND member.email > wanted.after
      ORDER BY member.email
      LIMIT wanted.first
    ) AS page
    ORDER BY wanted.key, page.email`;
}
