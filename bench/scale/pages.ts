/** The lists, counts and pages of the audit log that are timed, as GraphQL. */
import type pg from 'pg';
import type { Gateway } from '../registry/gateway.js';

export interface Question {
  group: string;
  name: string;
  query: string;
  variables: Record<string, unknown>;
}

interface Filter {
  name: string;
  filter: Record<string, unknown>;
  /** The same for SQL, over tenants; undefined: a page in the middle can't be named. */
  condition: string | undefined;
}

const tenantsQuery = `query ($filter: TenantFilter, $orderBy: TenantOrder, $first: Int, $last: Int, $after: String) {
  tenants(filter: $filter, orderBy: $orderBy, first: $first, last: $last, after: $after) {
    edges { cursor node { id slug name status plan createdAt updatedAt } }
    pageInfo { hasNextPage hasPreviousPage }
  }
}`;
const countQuery = `query ($filter: TenantFilter) { tenants(filter: $filter, first: 1) { totalCount } }`;
const auditQuery = `query ($filter: AuditLogFilter, $tenantId: ID, $first: Int, $last: Int, $after: String) {
  auditLog(filter: $filter, tenantId: $tenantId, first: $first, last: $last, after: $after) {
    edges { cursor node { revision position kind tenantSlug actor changedAt } }
  }
}`;
const pageSize = 50;

function filtersFor(tenants: number): Filter[] {
  const middle = String(Math.floor(tenants / 2)).padStart(8, '0');
  return [
    { name: 'all', filter: {}, condition: `status <> 'purged'` },
    { name: 'ACTIVE', filter: { status: ['ACTIVE'] }, condition: `status = 'active'` },
    { name: 'SUSPENDED', filter: { status: ['SUSPENDED'] }, condition: `status = 'suspended'` },
    { name: 'PRO', filter: { plan: ['PRO'] }, condition: `plan = 'pro'` },
    { name: 'of finance', filter: { module: 'finance' }, condition: `status <> 'purged'` },
    {
      name: 'ACTIVE, PRO, of finance',
      filter: { status: ['ACTIVE'], plan: ['PRO'], module: 'finance' },
      condition: `status = 'active' AND plan = 'pro'`,
    },
    {
      name: 'finance ACTIVE or PENDING',
      filter: { modules: [{ module: 'finance', statuses: ['ACTIVE', 'PENDING'] }] },
      condition: `status <> 'purged'`,
    },
    {
      name: 'finance FAILED',
      filter: { modules: [{ module: 'finance', statuses: ['FAILED'] }] },
      condition: undefined,
    },
    {
      name: 'no migration',
      filter: { migration: { module: 'finance', below: 'finance/0001' } },
      condition: undefined,
    },
    { name: 'a member', filter: { memberEmail: 'ada@example.com' }, condition: undefined },
    { name: 'attention', filter: { needsAttention: true }, condition: undefined },
    { name: 'no attention', filter: { needsAttention: false }, condition: undefined },
    { name: 'YAML', filter: { configSource: 'YAML' }, condition: undefined },
    { name: 'registered since 2026', filter: { createdFrom: '2026-01-01T00:00:00Z' }, condition: undefined },
    { name: 'text of a hundred', filter: { text: `tenant-${middle.slice(0, -2)}` }, condition: undefined },
    { name: 'text of one', filter: { text: `tenant-${middle}` }, condition: undefined },
    { name: 'text of all', filter: { text: 'company' }, condition: undefined },
    { name: 'text of two characters', filter: { text: 'co' }, condition: undefined },
  ];
}

/** Every filter in every order: the first page, one in the middle, the last. The very first is what all is measured by. */
export async function listPages(gateway: Gateway, pool: pg.Pool, tenants: number): Promise<Question[]> {
  const questions: Question[] = [];
  for (const { name, filter, condition } of filtersFor(tenants))
    for (const field of ['NAME', 'SLUG', 'CREATED_AT', 'UPDATED_AT', 'PLAN', 'STATUS'])
      for (const direction of ['ASC', 'DESC']) {
        const variables = { filter, orderBy: { field, direction } };
        const add = (page: string, more: object) =>
          questions.push({
            group: `tenants, ${name}`,
            name: `by ${field} ${direction}, ${page}`,
            query: tenantsQuery,
            variables: { ...variables, ...more },
          });
        add('first', { first: pageSize });
        const slug = condition && (await findMiddle(pool, condition, field, tenants));
        const after = slug && (await findCursor(gateway, variables, slug));
        if (after) add('middle', { first: pageSize, after });
        add('last', { last: pageSize });
      }
  return questions;
}

export function countPages(tenants: number): Question[] {
  return filtersFor(tenants).map(({ name, filter }) => ({
    group: 'totalCount',
    name,
    query: countQuery,
    variables: { filter },
  }));
}

/** Slug of a tenant about half way down. Names are md5 sums, so half of them begin with 8 or more. */
async function findMiddle(
  pool: pg.Pool,
  condition: string,
  field: string,
  tenants: number,
): Promise<string | undefined> {
  const [column, half] =
    field === 'NAME'
      ? ['name', 'Company 8']
      : ['slug', `tenant-${String(Math.floor(tenants / 2)).padStart(8, '0')}`];
  const { rows } = await pool.query(
    `SELECT slug FROM tenants WHERE ${condition} AND ${column} >= $1 ORDER BY ${column} LIMIT 1`,
    [half],
  );
  return rows[0]?.slug;
}

/** Cursors are the gateway's own affair, so it is asked for that of a tenant that only the text finds. */
async function findCursor(gateway: Gateway, list: object, slug: string): Promise<string | undefined> {
  const { filter, ...rest } = list as { filter: object };
  const variables = { ...rest, filter: { ...filter, text: slug }, first: 1 };
  const { tenants } = (await gateway.ask(tenantsQuery, variables)) as {
    tenants: { edges: { cursor: string }[] };
  };
  return tenants.edges[0]?.cursor;
}

export async function auditPages(gateway: Gateway, pool: pg.Pool): Promise<Question[]> {
  const { rows } = await pool.query(
    `SELECT min(changed_at) + (max(changed_at) - min(changed_at)) / 2 AS middle,
       (SELECT actor FROM registry_change ORDER BY revision DESC LIMIT 1) AS actor FROM registry_change`,
  );
  const [{ middle, actor }] = rows;
  const since = new Date(middle).toISOString();
  const until = new Date(middle.getTime() + 1_000).toISOString();
  const tenantId = 'tenant-00000001';
  const first = { first: pageSize };
  const { auditLog } = (await gateway.ask(auditQuery, { ...first, filter: { until } })) as {
    auditLog: { edges: { cursor: string }[] };
  };
  const pages: Record<string, Record<string, unknown>> = {
    first,
    'in the middle': { ...first, after: auditLog.edges.at(-1)?.cursor },
    last: { last: pageSize },
    'of a tenant': { ...first, tenantId },
    'of an actor': { ...first, filter: { actor } },
    'of a kind': { ...first, filter: { kindText: ['tenant.registered'] } },
    'of a rare kind': { ...first, filter: { kindText: ['module.created'] } },
    'of all kinds of tenants': { ...first, filter: { kindText: ['tenant.'] } },
    'of the oldest half': { ...first, filter: { until: since } },
    'of one second in the middle': { ...first, filter: { since, until } },
    'of an actor, a kind, and the oldest half': {
      ...first,
      filter: { actor, kindText: ['tenant.registered'], until: since },
    },
  };
  return Object.entries(pages).map(([name, variables]) => ({
    group: 'audit log',
    name,
    query: auditQuery,
    variables,
  }));
}

const operationsQuery = `query ($filter: OperationFilter, $first: Int, $last: Int, $after: String) {
  operations(filter: $filter, first: $first, last: $last, after: $after) {
    edges { cursor node { id kind status actor createdAt finishedAt tenant { slug } } }
  }
}`;
const underTenantQuery = `query ($id: ID!) { tenant(id: $id) {
  operations(first: 20) { edges { node { kind status } } }
  members(first: 20) { edges { node { email role } } }
  auditLog(first: 20) { edges { node { kind } } }
  subscriptions { history(first: 20) { edges { node { number status operation { id } } } } }
} }`;

/** The list of operations with its filters, and the lists under a tenant. */
export async function operationPages(gateway: Gateway, pool: pg.Pool): Promise<Question[]> {
  const { rows } = await pool.query(
    'SELECT min(created_at) + (max(created_at) - min(created_at)) / 2 AS middle FROM operations',
  );
  const since = new Date(rows[0].middle).toISOString();
  const first = { first: pageSize };
  const { operations } = (await gateway.ask(operationsQuery, { ...first, filter: { since } })) as {
    operations: { edges: { cursor: string }[] };
  };
  const tenant = 'tenant-00000001';
  const pages: Record<string, Record<string, unknown>> = {
    first,
    'behind a cursor': { ...first, after: operations.edges.at(-1)?.cursor },
    last: { last: pageSize },
    SUCCEEDED: { ...first, filter: { status: ['SUCCEEDED'] } },
    'FAILED and NEEDS_ATTENTION': { ...first, filter: { status: ['FAILED', 'NEEDS_ATTENTION'] } },
    'that need attention': { ...first, filter: { needsAttention: true } },
    'that need none': { ...first, filter: { needsAttention: false } },
    'of a kind': { ...first, filter: { kind: ['SUBSCRIBE_TENANT'] } },
    'of a kind that has none': { ...first, filter: { kind: ['UPDATE_TENANTS'] } },
    'of a module': { ...first, filter: { module: 'finance' } },
    'of a module, FAILED': { ...first, filter: { module: 'finance', status: ['FAILED'] } },
    'of a tenant': { ...first, filter: { tenant } },
    'since the middle': { last: pageSize, filter: { since } },
  };
  const listed = Object.entries(pages).map(([name, variables]) => ({
    ...{ group: 'operations', name, query: operationsQuery, variables },
  }));
  return [
    ...listed,
    { ...{ group: 'tenant', name: 'its lists' }, query: underTenantQuery, variables: { id: tenant } },
  ];
}

/** The numbers of a dashboard, each alone and all together, and the reads of usage. */
export function statsPages(): Question[] {
  const range = 'since: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z"';
  const parts: Record<string, string> = {
    tenants: 'tenants { total byStatus { status count } byPlan { plan count } }',
    modules: 'modules { module tenants subscriptions { status count } }',
    'growth of 30 days': 'growth { start registered deleted purged }',
    'growth of a year by month': `growth(${range}, by: MONTH, timezone: "Africa/Johannesburg") { start registered deleted purged }`,
    quotas: 'quotas { metric used tenantsAbove80Percent tenantsAtLimit }',
    operations: 'operations { queued running failed needsAttention medianMs p95Ms }',
  };
  const all = Object.values(parts).map((part, at) => part.replace(/^\w+/, `part${at}: $&`));
  const stats = Object.entries({ ...parts, 'all together': all.join(' ') }).map(([name, part]) => ({
    ...{ group: 'registryStats', name, query: `{ registryStats { ${part} } }`, variables: {} },
  }));
  const tenant = 'tenant-00000001';
  return [
    ...stats,
    {
      ...{ group: 'usage', name: 'of a tenant', variables: {} },
      query: `{ tenant(id: "${tenant}") { usage { metric used limit remaining } } }`,
    },
    {
      ...{ group: 'usage', name: 'checkQuota', variables: {} },
      query: `{ checkQuota(tenantId: "${tenant}", metric: STORAGE_GB, amount: 1) { isAllowed remaining } }`,
    },
  ];
}
