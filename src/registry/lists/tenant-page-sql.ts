import { type ListPosition, timeSql } from './list-cursor.js';
import { direction, type ListPage, type Statement, Values } from './list-page-sql.js';
import { plansOf, statusesOf, type TenantSelection } from './tenant-filter.js';

/*
 * Statements of the list of tenants. Each of its parts is read in the order of an index, from a position (value, id) on:
 * either the partial index of all tenants that are not purged, or one index range per status and plan, which are merged.
 * The tenants of a module are in module_tenants, which has the same columns.
 */

/** Fields by which tenants are listed. */
export type TenantOrderField = 'name' | 'slug' | 'createdAt' | 'updatedAt';

export interface TenantPage extends ListPage {
  field: TenantOrderField;
}

/** How many tenants that a text or a configuration finds are sorted; and how far counts go. */
export const maxFound = 10_000;

const columns = {
  name: { column: 'name', type: 'text', written: 'page.value' },
  // Byte by byte, as in the indexes.
  slug: { column: 'slug COLLATE "C"', type: 'text', written: 'page.value' },
  createdAt: { column: 'created_at', type: 'timestamptz', written: timeSql('page.value') },
  updatedAt: { column: 'updated_at', type: 'timestamptz', written: timeSql('page.value') },
} as const;

/** The expression of tenants_text_idx. */
const searched = String.raw`lower(name || E'\n' || slug)`;

/** A page of a list that no text and no configuration limits. */
export function pageStatement(selection: TenantSelection, page: TenantPage): Statement {
  const values = new Values();
  const list = listSql(values, selection, page, { limit: page.limit });
  return { text: pageSql(values, page, list), values: values.list };
}

/**
 * The tenants with the text among the next `length` of the list; the column `walked` has how many there were. Finds a page
 * of a frequent text.
 */
export function walkStatement(selection: TenantSelection, page: TenantPage, length: number): Statement {
  const values = new Values();
  const list = listSql(values, selection, page, { limit: length });
  const walked = `SELECT * FROM (${list}) AS list ${orderSql(page, 'list')} LIMIT ${values.add(length, 'int')}`;
  const found = `SELECT id, value FROM walked WHERE ${textSql(values, selection, 'searched')}`;
  return {
    text: `WITH walked AS MATERIALIZED (${walked}) ${pageSql(values, page, found, 'walked')}`,
    values: values.list,
  };
}

/** The page among all tenants that text and configuration find by their indexes; `found` has how many these are. */
export function foundStatement(selection: TenantSelection, page: TenantPage): Statement {
  const values = new Values();
  const found = foundSql(values, selection);
  const conditions = [...selectedSql(values, selection), ...bounds(values, page, 'id')];
  const list = `SELECT id, ${columns[page.field].column} AS value FROM found AS tenant WHERE ${conditions.join(' AND ')}`;
  return { text: `${found} ${pageSql(values, page, list, 'found')}`, values: values.list };
}

/** The page by a walk through the list without end, for a text with too many tenants to sort. */
export function longWalkStatement(selection: TenantSelection, page: TenantPage): Statement {
  const values = new Values();
  const list = listSql(values, selection, page, {
    limit: page.limit,
    where: textSql(values, selection, searched),
  });
  return { text: pageSql(values, page, list), values: values.list };
}

/** How many tenants meet status, plan and module, as counted by trigger. */
export function countedStatement(selection: TenantSelection): Statement {
  const values = new Values();
  return {
    text: `SELECT coalesce(sum(tenants), 0)::int AS total FROM tenant_counts
      WHERE module = ${values.add(selection.module ?? '', 'text')} AND ${statusAndPlan(values, selection)}`,
    values: values.list,
  };
}

/** How many tenants text and configuration find, and how many of them meet the other conditions. */
export function foundCountStatement(selection: TenantSelection): Statement {
  const values = new Values();
  return {
    text: `${foundSql(values, selection)} SELECT (SELECT count(*)::int FROM found) AS found, count(*)::int AS total
      FROM found AS tenant WHERE ${selectedSql(values, selection).join(' AND ')}`,
    values: values.list,
  };
}

/** Number of tenants with a frequent text, by a walk that ends after maxFound + 1 of them. */
export function walkedCountStatement(selection: TenantSelection): Statement {
  const values = new Values();
  const { table, where } = source(values, selection);
  const conditions = [...where, statusAndPlan(values, selection), textSql(values, selection, searched)];
  return {
    text: `SELECT count(*)::int AS total FROM
      (SELECT FROM ${table} WHERE ${conditions.join(' AND ')} LIMIT ${maxFound + 1}) AS counted`,
    values: values.list,
  };
}

function source(values: Values, { module }: TenantSelection) {
  return module === undefined
    ? { table: 'tenants', id: 'id', where: [] }
    : { table: 'module_tenants', id: 'tenant_id', where: [`module = ${values.add(module, 'text')}`] };
}

/** The next tenants of the list as (id, value, searched); each part of it in the order of an index. */
function listSql(
  values: Values,
  selection: TenantSelection,
  page: TenantPage,
  { limit, where: more }: { limit: number; where?: string },
): string {
  const { table, id, where } = source(values, selection);
  const { column } = columns[page.field];
  const part = (conditions: string[]) => `
    SELECT ${id} AS id, ${column} AS value, ${searched} AS searched FROM ${table}
    WHERE ${[...conditions, ...where, ...(more ? [more] : []), ...bounds(values, page, id)].join(' AND ')}
    ORDER BY ${column} ${direction(page)}, ${id} ${direction(page)} LIMIT ${values.add(limit, 'int')}`;
  const { module, statuses, plans } = selection;
  if (module === undefined && !statuses && !plans) return part([`status <> 'purged'`]);
  return `SELECT part.* FROM unnest(${values.add(statusesOf(selection), 'tenant_status[]')}) AS of_status (status)
    CROSS JOIN unnest(${values.add(plansOf(selection), 'plan[]')}) AS of_plan (plan)
    CROSS JOIN LATERAL (${part([`status = of_status.status`, `plan = of_plan.plan`])}) AS part`;
}

/** All tenants that text and configuration find, at most maxFound + 1. */
function foundSql(values: Values, selection: TenantSelection): string {
  const { text, config } = selection;
  const conditions = [
    ...(text === undefined ? [] : [textSql(values, selection, searched)]),
    ...(config === undefined ? [] : [`tenant_config @> ${values.add(config, 'jsonb')}`]),
  ];
  return `WITH found AS MATERIALIZED (
    SELECT id, status, plan, name, slug, created_at, updated_at FROM tenants
    WHERE ${conditions.join(' AND ')} LIMIT ${maxFound + 1})`;
}

/** Status, plan and module of a found tenant. */
function selectedSql(values: Values, selection: TenantSelection): string[] {
  const { module } = selection;
  const subscribed =
    module !== undefined &&
    `EXISTS (SELECT FROM module_tenants WHERE tenant_id = tenant.id AND module = ${values.add(module, 'text')})`;
  return [statusAndPlan(values, selection), ...(subscribed ? [subscribed] : [])];
}

function statusAndPlan(values: Values, selection: TenantSelection): string {
  return (
    `status = ANY (${values.add(statusesOf(selection), 'tenant_status[]')}) AND ` +
    `plan = ANY (${values.add(plansOf(selection), 'plan[]')})`
  );
}

/**
 * One or two characters have no trigrams inside of a text, so they are looked for at the beginnings of name and slug, whose
 * trigrams begin with blanks.
 */
function textSql(values: Values, { text = '' }: TenantSelection, of: string): string {
  const literal = text.replace(/[\\%_]/g, '\\$&');
  const like = (pattern: string) => `${of} LIKE lower(${values.add(pattern, 'text')})`;
  if ([...text].length > 2) return like(`%${literal}%`);
  return `(${like(`${literal}%`)} OR ${like(`%\n${literal}%`)})`;
}

/** Row comparisons, which PostgreSQL uses as conditions of the index on both columns. */
function bounds(values: Values, { field, isDescending, after, before }: TenantPage, id: string): string[] {
  const { column, type } = columns[field];
  const beyond = (operator: string, position: ListPosition) =>
    `(${column}, ${id}) ${operator} (${values.add(position.value, type)}, ${values.add(position.id, 'uuid')})`;
  return [
    ...(after ? [beyond(isDescending ? '<' : '>', after)] : []),
    ...(before ? [beyond(isDescending ? '>' : '<', before)] : []),
  ];
}

function orderSql(page: TenantPage, of: string): string {
  return `ORDER BY ${of}.value ${direction(page)}, ${of}.id ${direction(page)}`;
}

/** The page of a list of (id, value), its values written as text; with the number of rows of a part of the statement. */
function pageSql(values: Values, page: TenantPage, list: string, counted?: 'walked' | 'found'): string {
  const sorted = `(SELECT id, value FROM (${list}) AS list ${orderSql(page, 'list')} LIMIT ${values.add(page.limit, 'int')}) AS page`;
  const written = `page.id, ${columns[page.field].written} AS value`;
  const order = orderSql(page, 'page');
  if (!counted) return `SELECT ${written} FROM ${sorted} ${order}`;
  return `SELECT number.${counted}, ${written}
    FROM (SELECT count(*)::int AS ${counted} FROM ${counted}) AS number LEFT JOIN ${sorted} ON true ${order}`;
}
