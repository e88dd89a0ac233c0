import type { Tenant } from '../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../database/registry-database.js';
import { invalidField } from '../../errors.js';
import type { ListPosition } from './list-cursor.js';
import type { Statement } from './list-page-sql.js';
import type { TenantSelection } from './tenant-filter.js';
import {
  countedStatement,
  foundCountStatement,
  foundStatement,
  longWalkStatement,
  maxFound,
  pageStatement,
  type TenantPage,
  walkedCountStatement,
  walkStatement,
} from './tenant-page-sql.js';

type Rows = Pick<RegistryDatabase, 'rowPool'>;

/** How many pages a search reads in the order of the list before it asks the index of all texts. */
const pagesWalked = 10;

/**
 * The positions of the tenants of a page, in the order of the list, or from its end on when the page is. The work does not
 * grow with the number of tenants. Throws VALIDATION_ERROR for a configuration that more than 10,000 tenants contain.
 */
export async function listTenantPositions(
  { rowPool }: Rows,
  selection: TenantSelection,
  page: TenantPage,
): Promise<ListPosition[]> {
  const run = async <Row extends object>(statement: Statement) => (await rowPool.query<Row>(statement)).rows;
  const { text, config } = selection;
  if (text === undefined && config === undefined)
    return await run<ListPosition>(pageStatement(selection, page));

  if (config === undefined) {
    const length = pagesWalked * page.limit;
    const rows = await run<Part & { walked: number }>(walkStatement(selection, page, length));
    const positions = positionsIn(rows);
    if (positions.length >= page.limit || (rows[0]?.walked ?? 0) < length) return positions;
  }
  const rows = await run<Part & { found: number }>(foundStatement(selection, page));
  if ((rows[0]?.found ?? 0) <= maxFound) return positionsIn(rows);
  if (config !== undefined) throw tooManyConfigured();
  return await run<ListPosition>(longWalkStatement(selection, page));
}

/** The tenants with these ids, in any order. `selected` names the columns and relations to read, as Prisma's `select` does. */
export function loadTenants(
  { prisma }: Pick<RegistryDatabase, 'prisma'>,
  ids: readonly string[],
  selected: object,
): Promise<Tenant[]> {
  return prisma.tenant.findMany({ ...selected, where: { id: { in: [...ids] } } });
}

/** Ids of a page of tenants by slug; `after` is the slug of the last one before it. */
export async function listTenantsBySlug(
  database: Rows,
  selection: TenantSelection,
  { after, first }: { after: string | undefined; first: number },
): Promise<string[]> {
  const positions = await listTenantPositions(database, selection, {
    field: 'slug',
    isDescending: false,
    after: after === undefined ? undefined : { value: after, id: lastId },
    before: undefined,
    limit: first,
    isFromEnd: false,
  });
  return positions.map(({ id }) => id);
}

/** The rows in the order of these ids. */
export function inOrder<Row extends { id: string }>(rows: readonly Row[], ids: readonly string[]): Row[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

/** The position with it comes after every tenant of a slug. */
const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** A number of tenants; from `isCapped` on it is only known that there are more. */
export interface TenantCount {
  total: number;
  isCapped: boolean;
}

/**
 * How many tenants the selection has. By status, plan and module it is exact and one read of an index; by text at most 10,000.
 * Throws VALIDATION_ERROR for a configuration that more than 10,000 tenants contain.
 */
export async function countTenants({ rowPool }: Rows, selection: TenantSelection): Promise<TenantCount> {
  const run = async (statement: Statement) => {
    const { rows } = await rowPool.query<{ total: number; found?: number }>(statement);
    return rows[0] ?? { total: 0 };
  };
  const { text, config } = selection;
  if (text === undefined && config === undefined)
    return { total: (await run(countedStatement(selection))).total, isCapped: false };
  const { total, found = 0 } = await run(foundCountStatement(selection));
  if (found <= maxFound) return { total, isCapped: false };
  if (config !== undefined) throw tooManyConfigured();
  const walked = await run(walkedCountStatement(selection));
  return { total: Math.min(walked.total, maxFound), isCapped: walked.total > maxFound };
}

/** A row of a statement that also says how much it has read; without a position when it has found nothing. */
type Part = ListPosition | { id: null; value: null };

function positionsIn(rows: readonly Part[]): ListPosition[] {
  return rows.flatMap((row) => (row.id === null ? [] : [{ id: row.id, value: row.value }]));
}

function tooManyConfigured() {
  return invalidField('filter.config', `more than ${maxFound} tenants match: add more keys to the filter`);
}
