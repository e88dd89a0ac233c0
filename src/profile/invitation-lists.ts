import DataLoader from 'dataloader';
import type { Invitation, Member, PrismaClient } from '../database/generated/prisma/client.js';

export type InvitationsLoader = DataLoader<Pick<Member, 'id' | 'status'>, Invitation | null, string>;

/**
 * Loads the invitation of each member, with one query for any number of members: the open one of an invited member, the one
 * that an active member has accepted last. A member who was removed may have accepted older ones.
 */
export function createInvitationsLoader(prisma: PrismaClient): InvitationsLoader {
  return new DataLoader(
    async (members) => {
      const found = await prisma.invitation.findMany({
        where: { memberId: { in: members.map(({ id }) => id) } },
        orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      });
      const newest = new Map(found.map((invitation) => [invitation.memberId, invitation]));
      return members.map(({ id, status }) => {
        const invitation = newest.get(id);
        if (!invitation || status === 'REMOVED') return null;
        return (invitation.acceptedAt === null) === (status === 'INVITED') ? invitation : null;
      });
    },
    { cacheKeyFn: ({ id }) => id },
  );
}
