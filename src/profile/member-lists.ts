import DataLoader from 'dataloader';
import type { Member } from '../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../database/registry-database.js';
import type { ListPosition } from '../registry/lists/list-cursor.js';
import { direction, type ListPage, type Statement, Values } from '../registry/lists/list-page-sql.js';

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
      const pages = keys.map((): Members => ({ positions: [], members: [] }));
      const statements = [...groupByShape(keys).values()].map(pageStatement);
      for (const { text, values } of statements) {
        const { rows } = await database.rowPool.query<ListPosition & { key: number }>({ text, values });
        for (const { key, ...position } of rows) pages[key]?.positions.push(position);
      }
      const ids = pages.flatMap(({ positions }) => positions.map(({ id }) => id));
      const members =
        ids.length > 0 ? await database.prisma.member.findMany({ where: { id: { in: ids } } }) : [];
      const byId = new Map(members.map((member) => [member.id, member]));
      for (const page of pages) page.members = page.positions.flatMap(({ id }) => byId.get(id) ?? []);
      return pages;
    },
    { cacheKeyFn: (key) => JSON.stringify(key) },
  );
}

interface NumberedKey extends MembersKey {
  /** Place among the keys that are loaded together. */
  at: number;
}

/** The keys whose pages are read in the same direction, with limits at the same ends: usually all of them. */
function groupByShape(keys: readonly MembersKey[]): Map<string, NumberedKey[]> {
  const groups = new Map<string, NumberedKey[]>();
  keys.forEach((key, at) => {
    const { after, before } = key.page;
    const shape = [direction(key.page), after !== undefined, before !== undefined].join();
    groups.set(shape, [...(groups.get(shape) ?? []), { ...key, at }]);
  });
  return groups;
}

/** The limit is per tenant and in the database. Addresses are unique within a tenant. */
function pageStatement(keys: readonly NumberedKey[]): Statement {
  const values = new Values();
  const [{ page: shape } = { page: undefined }] = keys;
  if (!shape) return { text: 'SELECT WHERE false', values: [] };
  const columns = (name: string, type: string, of: (key: NumberedKey) => unknown) => ({
    name,
    array: values.add(keys.map(of), `${type}[]`),
  });
  const wanted = [
    columns('at', 'int', ({ at }) => at),
    columns('tenant', 'uuid', ({ tenantId }) => tenantId),
    columns('length', 'int', ({ page }) => page.limit),
    ...(shape.after ? [columns('after', 'text', ({ page }) => page.after?.value)] : []),
    ...(shape.before ? [columns('before', 'text', ({ page }) => page.before?.value)] : []),
  ];
  const [sooner, later] = shape.isDescending ? ['<', '>'] : ['>', '<'];
  const bounds = [
    'tenant_id = wanted.tenant',
    ...(shape.after ? [`email ${sooner} wanted.after`] : []),
    ...(shape.before ? [`email ${later} wanted.before`] : []),
  ];
  const text = `
    SELECT wanted.at AS key, page.id, page.value
    FROM unnest(${wanted.map(({ array }) => array).join(', ')}) AS wanted (${wanted.map(({ name }) => name).join(', ')})
    CROSS JOIN LATERAL (
      SELECT id, email AS value FROM members WHERE ${bounds.join(' AND ')}
      ORDER BY email ${direction(shape)} LIMIT wanted.length
    ) AS page
    ORDER BY wanted.at, page.value ${direction(shape)}`;
  return { text, values: values.list };
}
