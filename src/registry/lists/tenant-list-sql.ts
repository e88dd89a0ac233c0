import { Plan, TenantStatus } from '../../database/generated/prisma/enums.js';
import { type ListPosition, timeSql } from './list-cursor.js';
import { direction, type ListPage, type Values } from './list-page-sql.js';
import { createdTests } from './tenant-conditions.js';
import { inDatabase, plansOf, statusesOf, type TenantSelection } from './tenant-filter.js';

/*
 * The list of tenants, whose parts are read in the order of an index, from a position on: either the partial index of all
 * tenants that are not purged, or one index range per status and plan, which are merged. The tenants of a module are in
 * module_tenants, which has the same columns. By plan or status, the tenants of each are a list by name of its own.
 */

/** Fields by which tenants are listed. */
export type TenantOrderField = 'name' | 'slug' | 'createdAt' | 'updatedAt' | 'plan' | 'status';

export interface TenantPage extends ListPage {
  field: TenantOrderField;
}

interface OrderColumns {
  column: string;
  type: string;
  /** Whether the value is a time. */
  isTime?: boolean;
  /** The values that come before the column in the order; the position of a tenant has one of them before a colon. */
  groups?: { of: 'plans' | 'statuses'; column: string; values: readonly string[] };
}

const byName = { column: 'name', type: 'text' } as const;
const columns: Record<TenantOrderField, OrderColumns> = {
  name: byName,
  // Byte by byte, as in the indexes.
  slug: { column: 'slug COLLATE "C"', type: 'text' },
  createdAt: { column: 'created_at', type: 'timestamptz', isTime: true },
  updatedAt: { column: 'updated_at', type: 'timestamptz', isTime: true },
  plan: { ...byName, groups: { of: 'plans', column: 'plan', values: inDatabase(Object.values(Plan)) } },
  status: {
    ...byName,
    groups: { of: 'statuses', column: 'status', values: inDatabase(Object.values(TenantStatus)) },
  },
};

/** The values that a position may have before its colon; undefined for orders without. */
export function groupsOf(field: TenantOrderField): readonly string[] | undefined {
  return columns[field].groups?.values;
}

/** A condition on each tenant of the list, for the qualified column of its id. */
type Where = (id: string) => string;

/** The next tenants of the list as (id, value, rank), each part of it in the order of an index. */
export function listSql(
  values: Values,
  selection: TenantSelection,
  page: TenantPage,
  { limit, where }: { limit: number; where?: Where },
): string {
  const { groups } = columns[page.field];
  if (!groups) return partsSql(values, selection, page, { limit, where, rank: 0 });
  const included = groups.of === 'plans' ? plansOf(selection) : statusesOf(selection);
  const lists = groups.values.flatMap((group, at) => {
    const rank = at + 1;
    if (!included.includes(group)) return [];
    const after = withinGroup(rank, page.after, page, page.isDescending ? -1 : 1);
    const before = withinGroup(rank, page.before, page, page.isDescending ? 1 : -1);
    if (after === 'outside' || before === 'outside') return [];
    const ofGroup = { ...selection, [groups.of]: [group] };
    return [partsSql(values, ofGroup, { ...page, after, before }, { limit, where, rank })];
  });
  return lists.map((list) => `(${list})`).join(' UNION ALL ') || emptyList;
}

const emptyList = `SELECT NULL::uuid AS id, NULL::text AS value, 0 AS rank WHERE false`;

/** The limit of the list within a group; undefined when the whole group is beyond it. */
function withinGroup(
  rank: number,
  position: ListPosition | undefined,
  page: TenantPage,
  sign: 1 | -1,
): ListPosition | undefined | 'outside' {
  if (!position) return undefined;
  const [group, value] = splitPosition(position, page);
  if (rank === group) return { value, id: position.id };
  return (rank - group) * sign > 0 ? undefined : 'outside';
}

/** The rank of the group, from 1, and the value within it. */
function splitPosition({ value }: ListPosition, { field }: TenantPage): [number, string] {
  const values = groupsOf(field) ?? [];
  const colon = value.indexOf(':');
  return [values.indexOf(value.slice(0, colon)) + 1, value.slice(colon + 1)];
}

function partsSql(
  values: Values,
  selection: TenantSelection,
  page: TenantPage,
  { limit, where, rank }: { limit: number; where: Where | undefined; rank: number },
): string {
  const [module] = selection.modules;
  const { table, id } = module
    ? { table: 'module_tenants', id: 'tenant_id' }
    : { table: 'tenants', id: 'id' };
  const { column } = columns[page.field];
  const created = page.field === 'createdAt' ? createdTests(values, selection, '') : [];
  const part = (conditions: readonly string[]) => `
    SELECT ${id} AS id, ${column} AS value, ${rank} AS rank FROM ${table}
    WHERE ${[...conditions, ...(where ? [where(`${table}.${id}`)] : []), ...created, ...boundsSql(values, page, id)].join(' AND ')}
    ORDER BY ${column} ${direction(page)}, ${id} ${direction(page)} LIMIT ${values.add(limit, 'int')}`;
  const { statuses, plans } = selection;
  if (!module && !statuses && !plans) return part([`status <> 'purged'`]);
  const ofModule = module
    ? [`module = ${values.add(module.module, 'text')}`, 'subscription_status = of_subscription.status']
    : [];
  const subscriptions = module
    ? `CROSS JOIN unnest(${values.add(module.statuses, 'subscription_status[]')}) AS of_subscription (status)`
    : '';
  return `SELECT part.* FROM unnest(${values.add(statusesOf(selection), 'tenant_status[]')}) AS of_status (status)
    CROSS JOIN unnest(${values.add(plansOf(selection), 'plan[]')}) AS of_plan (plan) ${subscriptions}
    CROSS JOIN LATERAL (${part([...ofModule, 'status = of_status.status', 'plan = of_plan.plan'])}) AS part`;
}

/** Row comparisons, which PostgreSQL uses as conditions of the index on both columns. */
function boundsSql(values: Values, { field, isDescending, after, before }: TenantPage, id: string): string[] {
  const { column, type } = columns[field];
  const beyond = (operator: string, position: ListPosition) =>
    `(${column}, ${id}) ${operator} (${values.add(position.value, type)}, ${values.add(position.id, 'uuid')})`;
  return [
    ...(after ? [beyond(isDescending ? '<' : '>', after)] : []),
    ...(before ? [beyond(isDescending ? '>' : '<', before)] : []),
  ];
}

/** A row of `tenants AS tenant` as (id, value, rank), and the conditions that it is within the page’s limits. */
export function entrySql(values: Values, page: TenantPage): { entry: string; bounds: string[] } {
  const { column, groups } = columns[page.field];
  const rank = groups
    ? `array_position(${values.add(groups.values, `${groups.of === 'plans' ? 'plan' : 'tenant_status'}[]`)}, ${groups.column})`
    : '0';
  const entry = `id, ${column} AS value, ${rank} AS rank`;
  if (!groups) return { entry, bounds: boundsSql(values, page, 'id') };
  const beyond = (operator: string, position: ListPosition) => {
    const [group, value] = splitPosition(position, page);
    return `(${rank}, ${column}, id) ${operator} (${group}, ${values.add(value, 'text')}, ${values.add(position.id, 'uuid')})`;
  };
  const { after, before, isDescending } = page;
  return {
    entry,
    bounds: [
      ...(after ? [beyond(isDescending ? '<' : '>', after)] : []),
      ...(before ? [beyond(isDescending ? '>' : '<', before)] : []),
    ],
  };
}

export function orderSql(page: TenantPage, of: string): string {
  const keys = [...(columns[page.field].groups ? ['rank'] : []), 'value', 'id'];
  return `ORDER BY ${keys.map((key) => `${of}.${key} ${direction(page)}`).join(', ')}`;
}

/** The value of a position, written as text. */
export function positionSql(values: Values, { field }: TenantPage, of: string): string {
  const { isTime, groups } = columns[field];
  if (isTime) return timeSql(`${of}.value`);
  return groups
    ? `(${values.add(groups.values, 'text[]')})[${of}.rank] || ':' || ${of}.value`
    : `${of}.value`;
}
