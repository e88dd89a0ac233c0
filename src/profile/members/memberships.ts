import type { Member, PrismaClient } from '../../database/generated/prisma/client.js';

export const maxMemberships = 100;
export const defaultMemberships = 50;

/**
 * The tenants of a token's subject that it has not been removed from, by tenant id, after this one. `selected` names the
 * columns and relations to read, as Prisma's `select` does.
 */
export function listMemberships(
  prisma: PrismaClient,
  { subject, first, after }: { subject: string; first: number; after: string | undefined },
  selected: object,
): Promise<Member[]> {
  return prisma.member.findMany({
    ...selected,
    where: { subject, status: 'ACTIVE', ...(after !== undefined && { tenantId: { gt: after } }) },
    orderBy: { tenantId: 'asc' },
    take: first,
  });
}
