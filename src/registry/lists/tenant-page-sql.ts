import { type Statement, Values } from './list-page-sql.js';
import { hasText, maxFound, structureTests, type TenantCondition } from './tenant-conditions.js';
import { plansOf, statusesOf, type TenantSelection } from './tenant-filter.js';
import { entrySql, listSql, orderSql, positionSql, type TenantPage } from './tenant-list-sql.js';

/** A page of a list whose parts have all conditions. */
export function pageStatement(selection: TenantSelection, page: TenantPage): Statement {
  const values = new Values();
  return pageOf(values, page, listSql(values, selection, page, { limit: page.limit }));
}

/**
 * Those of the next `length` tenants of the list that meet all conditions; the columns `walked`, `last_id` and `last_value`
 * have how many there were and the position of the last one.
 */
export function walkStatement(
  selection: TenantSelection,
  conditions: readonly TenantCondition[],
  page: TenantPage,
  length: number,
): Statement {
  const values = new Values();
  const list = listSql(values, selection, page, { limit: length });
  const walked = `SELECT * FROM (${list}) AS list ${orderSql(page, 'list')} LIMIT ${values.add(length, 'int')}`;
  const found = `SELECT walked.id, walked.value, walked.rank FROM walked CROSS JOIN LATERAL (${tenantSql(
    'walked',
    conditions.map(({ test }) => test(values)),
  )}) AS met`;
  const last = `SELECT ${positionSql(values, page, 'walked')} AS last_value, id AS last_id
    FROM walked ${orderSql({ ...page, isFromEnd: !page.isFromEnd }, 'walked')} LIMIT 1`;
  return written(
    values,
    `WITH walked AS MATERIALIZED (${walked}) SELECT number.walked, last.last_id, last.last_value, page.id, page.value
     FROM (SELECT count(*)::int AS walked FROM walked) AS number
     LEFT JOIN (${last}) AS last ON true LEFT JOIN (${pageSql(values, page, found)}) AS page ON true ORDER BY page.place`,
  );
}

/**
 * The page among all tenants that meet a condition, if these are at most maxFound; `found` has how many they are. Without
 * a condition, among all tenants that the parts of the list have.
 */
export function foundStatement(
  selection: TenantSelection,
  { by, others }: Candidate,
  page: TenantPage,
): Statement {
  const values = new Values();
  const candidate = candidateSql(values, selection, by);
  const { entry, bounds } = entrySql(values, page);
  const tests = [...structureTests(values, selection), ...others.map(({ test }) => test(values)), ...bounds];
  const found = `SELECT met.* FROM candidate CROSS JOIN LATERAL (${tenantSql('candidate', tests, entry)}) AS met
    WHERE (SELECT count(*) FROM candidate) <= ${maxFound}`;
  return written(
    values,
    `${candidate} SELECT number.found, page.id, page.value FROM (SELECT count(*)::int AS found FROM candidate) AS number
     LEFT JOIN (${pageSql(values, page, found)}) AS page ON true ORDER BY page.place`,
  );
}

/** A condition by which tenants are found, and those that each of them must meet as well. */
export interface Candidate {
  by: TenantCondition | undefined;
  others: readonly TenantCondition[];
}

/** The page by a walk through the list without end, for a text with too many tenants to sort. */
export function longWalkStatement(selection: TenantSelection, page: TenantPage): Statement {
  const values = new Values();
  const where = (id: string) => hasText(values, selection.text ?? '', id);
  return pageOf(values, page, listSql(values, selection, page, { limit: page.limit, where }));
}

/** How many tenants meet status, plan and an active subscription, as counted by trigger. */
export function countedStatement(selection: TenantSelection): Statement {
  const values = new Values();
  const [module] = selection.modules;
  return written(
    values,
    `SELECT coalesce(sum(tenants), 0)::int AS total FROM tenant_counts
      WHERE module = ${values.add(module?.module ?? '', 'text')}
        AND status = ANY (${values.add(statusesOf(selection), 'tenant_status[]')})
        AND plan = ANY (${values.add(plansOf(selection), 'plan[]')})`,
  );
}

/**
 * How many tenants a condition finds, and how many of them meet the others; if more than maxFound are found, this number is known
 * only for a costly condition without others, and otherwise 0.
 */
export function foundCountStatement(selection: TenantSelection, { by, others }: Candidate): Statement {
  const values = new Values();
  const candidate = candidateSql(values, selection, by);
  const tests = [...structureTests(values, selection), ...others.map(({ test }) => test(values))];
  const isLookedUp = by?.isCostly && others.length === 0;
  const bound = isLookedUp ? '' : `WHERE (SELECT count(*) FROM candidate) <= ${maxFound}`;
  return written(
    values,
    `${candidate} SELECT (SELECT count(*)::int FROM candidate) AS found, count(*)::int AS total
     FROM candidate CROSS JOIN LATERAL (${tenantSql('candidate', tests)}) AS met ${bound}`,
  );
}

/** How many of the first tenants of the list, at most maxFound + 1, meet the conditions; `walked` has how many there were. */
export function walkedCountStatement(
  selection: TenantSelection,
  conditions: readonly TenantCondition[],
): Statement {
  const values = new Values();
  const tests = conditions.map(({ test }) => test(values));
  return written(
    values,
    `SELECT count(*)::int AS walked, count(met.id)::int AS total
     FROM (${firstSql(values, selection)}) AS walked LEFT JOIN LATERAL (${tenantSql('walked', tests)}) AS met ON true`,
  );
}

/** Number of tenants with a frequent text, by a walk that ends after maxFound + 1 of them. */
export function longWalkCountStatement(selection: TenantSelection): Statement {
  const values = new Values();
  const where = (id: string) => hasText(values, selection.text ?? '', id);
  return written(
    values,
    `SELECT count(*)::int AS total FROM (${firstSql(values, selection, where)}) AS counted`,
  );
}

/** How many subscriptions there are in each status. */
export function subscriptionCountsStatement(modules: readonly string[]): Statement {
  const text = 'SELECT module, status, subscriptions FROM subscription_counts WHERE module = ANY ($1)';
  return { text, values: [modules] };
}

/** The first tenants of the list, at most maxFound + 1; within their registration time, which has an index. */
function firstSql(values: Values, selection: TenantSelection, where?: (id: string) => string): string {
  const page: TenantPage = {
    ...{ isDescending: false, isFromEnd: false, after: undefined, before: undefined },
    field: 'createdAt',
    limit: maxFound + 1,
  };
  const list = listSql(values, selection, page, { limit: page.limit, ...(where && { where }) });
  return `SELECT id FROM (${list}) AS list LIMIT ${page.limit}`;
}

function candidateSql(values: Values, selection: TenantSelection, by: TenantCondition | undefined): string {
  const found = by?.find
    ? `SELECT id FROM (${by.find(values)}) AS listed LIMIT ${maxFound + 1}`
    : firstSql(values, selection);
  return `WITH candidate AS MATERIALIZED (${found})`;
}

/** The tenant of a row of another query, if it meets the tests. LIMIT keeps the lookup one by the primary key. */
function tenantSql(of: string, tests: readonly string[], columns = 'tenant.id'): string {
  const conditions = [`tenant.id = ${of}.id`, ...tests];
  return `SELECT ${columns} FROM tenants AS tenant WHERE ${conditions.join(' AND ')} LIMIT 1`;
}

/** The page of a list of (id, value, rank), its values written as text and its rows numbered in order. */
function pageSql(values: Values, page: TenantPage, list: string): string {
  const order = orderSql(page, 'list');
  return `SELECT list.id, ${positionSql(values, page, 'list')} AS value, row_number() OVER (${order}) AS place
    FROM (SELECT * FROM (${list}) AS list ${order} LIMIT ${values.add(page.limit, 'int')}) AS list`;
}

function pageOf(values: Values, page: TenantPage, list: string): Statement {
  return written(values, `SELECT id, value FROM (${pageSql(values, page, list)}) AS page ORDER BY place`);
}

function written(values: Values, text: string): Statement {
  return { text, values: values.list };
}
