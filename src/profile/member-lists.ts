import DataLoader from 'dataloader';
import type { Member } from '../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../database/registry-database.js';
import type { ListPosition } from '../registry/lists/list-cursor.js';
import type { ListPage } from '../registry/lists/list-page-sql.js';
import { listPages } from '../registry/lists/page-batch.js';

/** A page of the members of one tenant, by e-mail address. */
interface MembersKey {
  tenantId: string;
  page: ListPage;
}

interface Members {
  /** In the order in which the page is read. */
  positions: ListPosition[];
  members: Member[];
}

export type MembersLoader = DataLoader<MembersKey, Members, string>;

/** Loads pages of members with the same number of queries for any number of tenants. */
export function createMembersLoader(database: Pick<RegistryDatabase, 'rowPool' | 'prisma'>): MembersLoader {
  return new DataLoader(
    async (keys) => {
      const pages = await listPages(database, keys, {
        parent: { tenant: { type: 'uuid', of: ({ tenantId }: MembersKey) => tenantId } },
        // An address is there once in a tenant.
        order: { email: { type: 'text', of: ({ value }) => value } },
        from: 'members WHERE tenant_id = wanted.tenant',
        ...{ id: 'id', value: 'email' },
      });
      const ids = pages.flatMap((positions) => positions.map(({ id }) => id));
      const members = await database.prisma.member.findMany({ where: { id: { in: ids } } });
      const byId = new Map(members.map((member) => [member.id, member]));
      return pages.map((positions) => ({
        positions,
        members: positions.flatMap(({ id }) => byId.get(id) ?? []),
      }));
    },
    { cacheKeyFn: (key) => JSON.stringify(key) },
  );
}
