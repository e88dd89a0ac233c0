import type { Tenant } from '../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../database/registry-database.js';
import { invalidField } from '../../errors.js';
import type { ListPosition } from './list-cursor.js';
import type { Statement, Values } from './list-page-sql.js';
import { conditionsOf, createdTests, maxFound, type TenantCondition } from './tenant-conditions.js';
import type { ModuleCondition, TenantSelection } from './tenant-filter.js';
import type { TenantPage } from './tenant-list-sql.js';
import {
  type Candidate,
  countedStatement,
  foundCountStatement,
  foundStatement,
  longWalkCountStatement,
  longWalkStatement,
  pageStatement,
  subscriptionCountsStatement,
  walkedCountStatement,
  walkStatement,
} from './tenant-page-sql.js';

/** A database or a transaction, to which statements are sent. */
export type Rows = Pick<RegistryDatabase, 'readRows'>;

/** How many pages are read in the order of the list before all tenants that meet a condition are. */
const pagesWalked = 10;

/**
 * The positions of the tenants of a page, in the order of the list, or from its end on when the page is. The work does not
 * grow with the number of tenants. Throws VALIDATION_ERROR when each condition has more than 10,000 tenants, and the next
 * 10,000 of the list are too few for the page; a text without other conditions is looked for to the end of the list.
 */
export async function listTenantPositions(
  database: Rows,
  given: TenantSelection,
  page: TenantPage,
): Promise<ListPosition[]> {
  const selection = await rarestModuleFirst(database, given);
  const conditions = [...conditionsOf(selection), ...createdCondition(selection, page)];
  if (conditions.length === 0) return await database.readRows<ListPosition>(pageStatement(selection, page));

  const walk = createWalk(database, selection, conditions, page);
  if (!conditions.some(({ isRare }) => isRare) && (await walk.advance(pagesWalked * page.limit)))
    return walk.positions;
  for (const candidate of candidatesOf(selection, conditions)) {
    const rows = await database.readRows<Part & { found: number }>(
      foundStatement(selection, candidate, page),
    );
    if ((rows[0]?.found ?? 0) <= maxFound) return positionsIn(rows);
  }
  if (selection.config !== undefined) throw tooManyConfigured();
  if (isTextAlone(selection, conditions))
    return await database.readRows<ListPosition>(longWalkStatement(selection, page));
  while (walk.length < maxFound)
    if (await walk.advance(Math.min(2 * walk.length || pagesWalked * page.limit, maxFound - walk.length)))
      return walk.positions;
  throw invalidField(
    'filter',
    `no condition has fewer than ${maxFound} tenants, and the page was not filled after reading ${maxFound}: add a condition`,
  );
}

/** A walk through the list that collects the tenants of a page. */
function createWalk(
  { readRows }: Rows,
  selection: TenantSelection,
  conditions: readonly TenantCondition[],
  page: TenantPage,
) {
  const walk = {
    positions: [] as ListPosition[],
    /** How many tenants of the list were read. */
    length: 0,
    /** Reads the next tenants of the list; returns whether the page is full or the list has ended. */
    async advance(length: number): Promise<boolean> {
      const rows = await readRows<Part & { walked: number; last_id: string; last_value: string }>(
        walkStatement(selection, conditions, rest, length),
      );
      walk.positions.push(...positionsIn(rows));
      walk.length += length;
      const { walked = 0, last_id: id = '', last_value: value = '' } = rows[0] ?? {};
      const isEnd = page.isFromEnd ? 'before' : 'after';
      rest = { ...rest, [isEnd]: { id, value }, limit: page.limit - walk.positions.length };
      return rest.limit <= 0 || walked < length;
    },
  };
  let rest = page;
  return walk;
}

/** The conditions by which tenants can be found, each with the others. */
function candidatesOf(selection: TenantSelection, conditions: readonly TenantCondition[]): Candidate[] {
  const { statuses, plans, modules, createdFrom, createdUntil } = selection;
  const isNarrowed = statuses || plans || modules.length > 0 || createdFrom || createdUntil;
  return [
    ...conditions.flatMap((by) =>
      by.find ? [{ by, others: conditions.filter((other) => other !== by) }] : [],
    ),
    ...(isNarrowed ? [{ by: undefined, others: conditions }] : []),
  ];
}

/** Within the list by registration the times are limits of the index. In other lists they are a condition. */
function createdCondition(
  selection: TenantSelection,
  { field }: Pick<TenantPage, 'field'>,
): TenantCondition[] {
  const { createdFrom, createdUntil } = selection;
  if (field === 'createdAt' || !(createdFrom || createdUntil)) return [];
  const test = (values: Values) => createdTests(values, selection, 'tenant.').join(' AND ');
  return [{ isRare: false, test, find: undefined }];
}

/** The list has the tenants of one module; those of the others are looked up. */
async function rarestModuleFirst({ readRows }: Rows, selection: TenantSelection): Promise<TenantSelection> {
  const { modules } = selection;
  if (modules.length < 2) return selection;
  const rows = await readRows<{ module: string; status: string; subscriptions: number }>(
    subscriptionCountsStatement(modules.map(({ module }) => module)),
  );
  const sizeOf = ({ module, statuses }: ModuleCondition) =>
    rows
      .filter((row) => row.module === module && statuses.includes(row.status))
      .reduce((sum, { subscriptions }) => sum + subscriptions, 0);
  return { ...selection, modules: modules.toSorted((one, other) => sizeOf(one) - sizeOf(other)) };
}

function isTextAlone({ text }: TenantSelection, conditions: readonly TenantCondition[]): boolean {
  return text !== undefined && conditions.length === 1;
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
 * How many tenants the selection has. By status, plan and one active subscription it is exact and one read of an index;
 * otherwise at most 10,000. Throws VALIDATION_ERROR for a configuration that more than 10,000 tenants contain.
 */
export async function countTenants(database: Rows, given: TenantSelection): Promise<TenantCount> {
  const run = async (statement: Statement) => {
    const [row] = await database.readRows<{ total: number; found?: number; walked?: number }>(statement);
    return row ?? { total: 0 };
  };
  if (isCounted(given)) return { total: (await run(countedStatement(given))).total, isCapped: false };
  const selection = await rarestModuleFirst(database, given);
  const conditions = conditionsOf(selection);
  for (const candidate of candidatesOf(selection, conditions)) {
    const { total, found = 0 } = await run(foundCountStatement(selection, candidate));
    if (found <= maxFound) return { total, isCapped: false };
    if (total > maxFound) return { total: maxFound, isCapped: true };
  }
  if (selection.config !== undefined) throw tooManyConfigured();
  const { total, walked = total } = await run(
    isTextAlone(selection, conditions)
      ? longWalkCountStatement(selection)
      : walkedCountStatement(selection, conditions),
  );
  return { total: Math.min(total, maxFound), isCapped: walked > maxFound };
}

/** Whether tenant_counts has the number. */
function isCounted(selection: TenantSelection): boolean {
  const [module, ...others] = selection.modules;
  const isActive = !module || (module.statuses.length === 1 && module.statuses[0] === 'active');
  const { createdFrom, createdUntil } = selection;
  return (
    isActive && others.length === 0 && !createdFrom && !createdUntil && conditionsOf(selection).length === 0
  );
}

/** A row of a statement that also says how much it has read; without a position when it has found nothing. */
type Part = ListPosition | { id: null; value: null };

function positionsIn(rows: readonly Part[]): ListPosition[] {
  return rows.flatMap((row) => (row.id === null ? [] : [{ id: row.id, value: row.value }]));
}

function tooManyConfigured() {
  return invalidField('filter.config', `more than ${maxFound} tenants match: add more keys to the filter`);
}
