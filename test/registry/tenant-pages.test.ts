import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRowReader } from '../../src/database/statements/row-reader.js';
import type { ListPosition } from '../../src/registry/lists/list-cursor.js';
import type { Statement } from '../../src/registry/lists/list-page-sql.js';
import { maxFound } from '../../src/registry/lists/tenant-conditions.js';
import { readTenantSelection } from '../../src/registry/lists/tenant-filter.js';
import type { TenantOrderField, TenantPage } from '../../src/registry/lists/tenant-list-sql.js';
import { countTenants, listTenantPositions } from '../../src/registry/lists/tenant-pages.js';
import { explain } from '../database/support/explain.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';

const tenants = 20_000;
const pageSize = 20;
let registry: TestDatabase;
let client: pg.Client;
let sent: Statement[] = [];

beforeAll(async () => {
  registry = await createRegistryDatabase();
  client = new pg.Client({ connectionString: registry.url });
  await client.connect();
  // Without triggers, as a restore would do it. What is rare is at one end of an order, where a walk would not find it soon.
  await client.query(`
    SET session_replication_role = replica;
    INSERT INTO tenants (id, slug, name, plan, status, created_at, updated_at, suspended_at, config_source, tenant_config)
    SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'tenant-' || lpad(n::text, 6, '0'), 'Company ' || md5(n::text) || CASE WHEN n <= ${maxFound + 10} THEN ' early' ELSE '' END,
      CASE WHEN n % 1000 = 0 THEN 'enterprise' WHEN n % 3 = 0 THEN 'pro' ELSE 'lite' END::plan,
      CASE WHEN n <= ${tenants / 4} THEN 'purged' WHEN n % 100 = 99 THEN 'suspended' WHEN n > ${tenants - 5} THEN 'failed' ELSE 'active' END::tenant_status,
      '2026-01-01'::timestamptz + (n / 3) * interval '1 microsecond', '2026-02-01'::timestamptz - (n / 7) * interval '1 minute',
      CASE WHEN n % 100 = 99 THEN now() END, CASE WHEN n % 50 = 0 THEN 'yaml' ELSE 'database' END::config_source,
      jsonb_build_object('branding', jsonb_build_object('theme_id', 'theme-' || n % 500))
    FROM generate_series(1, ${tenants}) AS n;
    INSERT INTO module_subscriptions
      (tenant_id, module, status, isolation, database_name, schema_name, provisioned_at, migration_version)
    SELECT id, module,
      CASE WHEN right(slug, 3) = '997' THEN 'failed' WHEN right(slug, 1) = '7' THEN 'pending' WHEN slug ~ '0003$' THEN 'cancelled'
        ELSE 'active' END::subscription_status,
      'schema', 'd', 's', now(),
      CASE WHEN right(slug, 1) <> '7' THEN CASE WHEN slug < 'tenant-019000' THEN 'finance/0002.sql' ELSE 'finance/0001.sql' END END
    FROM tenants, unnest('{finance,inventory}'::text[]) AS module WHERE module = 'finance' OR slug > 'tenant-01990';
    INSERT INTO members (tenant_id, email, status)
    SELECT id, person || '@example.com', CASE WHEN person = 'gone' THEN 'removed' ELSE 'active' END::member_status
    FROM tenants, unnest('{ann,gone}'::text[]) AS person WHERE slug ~ '[13]999$';
    INSERT INTO operations (kind, tenant_id, status, actor, finished_at)
    SELECT 'purge_tenant', id, CASE WHEN slug ~ '5$' THEN 'needs_attention' ELSE 'succeeded' END::operation_status, 'gateway',
      CASE WHEN slug !~ '5$' THEN now() END
    FROM tenants WHERE slug ~ '00[56]$';
    SELECT registry_recount()`);
  await client.query('VACUUM ANALYZE');
});
afterAll(async () => {
  await client?.end();
  await registry?.drop();
});

/** Notes what is sent. */
const database = {
  readRows: createRowReader((text, values) => {
    sent.push({ text, values });
    return client.query(text, values);
  }),
};

const fields = ['name', 'slug', 'createdAt', 'updatedAt', 'plan', 'status'] as const;
const columnOf = {
  ...{ name: 'name', slug: 'slug COLLATE "C"', createdAt: 'created_at', updatedAt: 'updated_at' },
  ...{ plan: 'plan, name', status: 'status, name' },
};
const timeOf = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
const writtenAs = {
  ...{ name: 'name', slug: 'slug', createdAt: timeOf('created_at'), updatedAt: timeOf('updated_at') },
  ...{ plan: `plan || ':' || name`, status: `status || ':' || name` },
};
const shown = `status <> 'purged'`;
const of = (module: string, statuses = 'active') =>
  `id IN (SELECT tenant_id FROM module_subscriptions WHERE module = '${module}' AND status = ANY ('{${statuses}}'))`;
const migrated = (condition: string) =>
  `id IN (SELECT tenant_id FROM module_subscriptions
   WHERE module = 'finance' AND status NOT IN ('cancelled', 'deprovisioning') AND ${condition})`;
const attention = `(id IN (SELECT tenant_id FROM module_subscriptions WHERE status = 'failed')
   OR id IN (SELECT tenant_id FROM operations WHERE status = 'needs_attention'))`;
const someIds = Array.from(
  { length: 40 },
  (_, at) => `00000000-0000-4000-8000-${String(4_990 + at).padStart(12, '0')}`,
);
/** The time at which a tenant was registered, and the condition that a tenant was registered then or later. */
const registered = (n: number) => new Date(Date.parse('2026-01-01') + Math.floor(n / 3000));

/** Filters, and the same conditions in SQL. */
const filters: [string, object, string][] = [
  ['no condition', {}, shown],
  ['a frequent status', { status: ['ACTIVE'] }, `status = 'active'`],
  ['a rare status', { status: ['SUSPENDED'] }, `status = 'suspended'`],
  ['the rarest status', { status: ['FAILED', 'FAILED'] }, `status = 'failed'`],
  ['every status', { status: ['PURGED', 'ACTIVE', 'SUSPENDED', 'FAILED'] }, 'true'],
  ['no status', { status: [] }, 'false'],
  ['a plan', { plan: ['PRO'] }, `${shown} AND plan = 'pro'`],
  ['a rare plan', { plan: ['ENTERPRISE'] }, `${shown} AND plan = 'enterprise'`],
  [
    'status and plan',
    { status: ['SUSPENDED'], plan: ['LITE', 'PRO'] },
    `status = 'suspended' AND plan <> 'enterprise'`,
  ],
  ['a module', { module: 'finance' }, `${shown} AND ${of('finance')}`],
  ['a rare module', { module: 'inventory' }, `${shown} AND ${of('inventory')}`],
  ['a module without tenants', { module: 'operations' }, 'false'],
  [
    'a module in a rare status',
    { modules: [{ module: 'finance', statuses: ['FAILED'] }] },
    `${shown} AND ${of('finance', 'failed')}`,
  ],
  [
    'a module in several statuses',
    { modules: [{ module: 'finance', statuses: ['CANCELLED', 'PENDING', 'ACTIVE'] }] },
    `${shown} AND ${of('finance', 'cancelled,pending,active')}`,
  ],
  [
    'several modules',
    { modules: [{ module: 'finance' }, { module: 'inventory', statuses: ['PENDING', 'ACTIVE'] }] },
    `${shown} AND ${of('finance')} AND ${of('inventory', 'pending,active')}`,
  ],
  [
    'modules that no tenant has together',
    { module: 'finance', modules: [{ module: 'finance', statuses: ['PENDING'] }] },
    'false',
  ],
  [
    'a migration of most',
    { migration: { module: 'finance', at: 'finance/0002.sql' } },
    `${shown} AND ${migrated(`migration_version = 'finance/0002.sql'`)}`,
  ],
  [
    'another migration',
    { migration: { module: 'finance', notAt: 'finance/0002.sql' } },
    `${shown} AND ${migrated(`migration_version IS DISTINCT FROM 'finance/0002.sql'`)}`,
  ],
  [
    'a migration before one',
    { migration: { module: 'finance', below: 'finance/0002.sql' }, status: ['ACTIVE'] },
    `status = 'active' AND ${migrated(`coalesce(migration_version, '') < 'finance/0002.sql'`)}`,
  ],
  ['files as source', { configSource: 'YAML' }, `${shown} AND config_source = 'yaml'`],
  ['the registry as source', { configSource: 'DATABASE' }, `${shown} AND config_source = 'database'`],
  ['a member', { memberEmail: 'Ann@Example.com' }, `${shown} AND slug ~ '[13]999$'`],
  ['a removed member', { memberEmail: 'gone@example.com' }, 'false'],
  ['attention', { needsAttention: true }, `${shown} AND ${attention}`],
  ['no attention', { needsAttention: false }, `${shown} AND NOT ${attention}`],
  ['ids', { ids: someIds }, `${shown} AND id = ANY ('{${someIds}}')`],
  ['no ids', { ids: [] }, 'false'],
  [
    'a short time',
    { createdFrom: registered(9_000), createdUntil: registered(12_000) },
    `${shown} AND created_at >= '2026-01-01Z'::timestamptz + interval '3 ms' AND created_at < '2026-01-01Z'::timestamptz + interval '4 ms'`,
  ],
  [
    'a long time',
    { createdFrom: registered(6_000) },
    `${shown} AND created_at >= '2026-01-01Z'::timestamptz + interval '2 ms'`,
  ],
  [
    'a time, a plan and a module',
    { createdUntil: registered(12_000), plan: ['PRO'], module: 'finance' },
    `${shown} AND created_at < '2026-01-01Z'::timestamptz + interval '4 ms' AND plan = 'pro' AND ${of('finance')}`,
  ],
  [
    'everything',
    {
      ...{
        status: ['ACTIVE', 'SUSPENDED'],
        plan: ['LITE', 'PRO'],
        modules: [{ module: 'finance' }],
      },
      ...{ createdFrom: registered(6_000), configSource: 'DATABASE', needsAttention: false },
      migration: { module: 'finance', at: 'finance/0002.sql' },
    },
    `status IN ('active', 'suspended') AND plan IN ('lite', 'pro') AND ${of('finance')} AND config_source = 'database' AND NOT ${attention}
     AND created_at >= '2026-01-01Z'::timestamptz + interval '2 ms' AND ${migrated(`migration_version = 'finance/0002.sql'`)}`,
  ],
  [
    'status, plan and module',
    { status: ['ACTIVE'], plan: ['PRO'], module: 'finance' },
    `status = 'active' AND plan = 'pro' AND ${of('finance')}`,
  ],
  ['a text of all', { text: 'COMPANY' }, shown],
  ['a text of a hundred', { text: 'nant-0123' }, `${shown} AND slug LIKE 'tenant-0123%'`],
  ['a text of one', { text: 'tenant-012345' }, `${shown} AND slug = 'tenant-012345'`],
  ['a text of none', { text: 'nobody' }, 'false'],
  ['one character', { text: 'C' }, shown],
  ['two characters', { text: 'co' }, shown],
  ['two characters of none', { text: 'om' }, 'false'],
  [
    'text and status',
    { text: 'tenant-0123', status: ['SUSPENDED'] },
    `status = 'suspended' AND slug LIKE 'tenant-0123%'`,
  ],
  ['text and module', { text: 'company', module: 'inventory' }, `${shown} AND ${of('inventory')}`],
  [
    'text, status, plan and module',
    { text: 'nant-0', status: ['ACTIVE'], plan: ['LITE'], module: 'inventory' },
    `status = 'active' AND plan = 'lite' AND ${of('inventory')}`,
  ],
  [
    'a configuration',
    { config: '{"branding": {"theme_id": "theme-7"}}' },
    `${shown} AND slug ~ '(007|507)$'`,
  ],
];

/** Filters whose tenants are all sorted, or far from some of the pages. */
const manyRead = /migration|files|long time|everything/;

function page(field: TenantOrderField, more: Partial<TenantPage> = {}): TenantPage {
  return {
    ...{ field, isDescending: false, after: undefined, before: undefined, isFromEnd: false },
    limit: pageSize,
    ...more,
  };
}

describe.each(filters)(
  'the list of tenants with %s',
  (name, { config, ...filter }: { config?: string }, condition) => {
    const selection = readTenantSelection(filter, config);

    test.each(fields)(
      'by %s has every tenant once, by indexes and with few rows read in vain',
      async (field) => {
        const expected = await listNaively(condition, field);
        const read = async (more: Partial<TenantPage>) =>
          (await listTenantPositions(database, selection, page(field, more))).map(({ id }) => id);
        const at = Math.floor(expected.length / 2);
        const here = await positionOf(expected[at], field);
        const [first, last] = [expected.slice(0, pageSize), expected.slice(-pageSize).reverse()];
        const next = expected.slice(at + 1, at + 1 + pageSize);
        const previous = expected.slice(Math.max(at - pageSize, 0), at).reverse();

        sent = [];
        expect(await read({})).toEqual(first);
        expect(await read({ isFromEnd: true })).toEqual(last);
        if (here) {
          expect(await read({ after: here })).toEqual(next);
          expect(await read({ before: here, isFromEnd: true })).toEqual(previous);
        }
        const { scanned, discarded } = await explain(client, sent);
        expect(scanned.filter((table) => /tenants/.test(table))).toEqual([]);
        expect(discarded).toBeLessThanOrEqual(manyRead.test(name) ? maxFound : 10 * pageSize);

        // The same statements from the other end.
        expect(await read({ isDescending: true })).toEqual(last);
        expect(await read({ isDescending: true, isFromEnd: true })).toEqual(first);
        if (!here) return;
        expect(await read({ isDescending: true, after: here })).toEqual(previous);
        const between = await positionOf(expected[at + 1], field);
        if (between) expect(await read({ after: here, before: between })).toEqual([]);
      },
    );

    test('is counted', async () => {
      const { rows } = await client.query(`SELECT count(*)::int AS total FROM tenants WHERE ${condition}`);
      const { total } = rows[0];
      const count = await countTenants(database, selection);
      if (isExactlyCounted(filter) || total <= maxFound) expect(count).toEqual({ total, isCapped: false });
      else if (Object.keys(filter).join() === 'text')
        expect(count).toEqual({ total: maxFound, isCapped: true });
      else {
        // The first 10,000 tenants of the list were tested.
        expect(count.isCapped).toBe(true);
        expect(count.total).toBeGreaterThan(maxFound / 2);
        expect(count.total).toBeLessThanOrEqual(maxFound);
      }
    });
  },
);

/** By status, plan and one active subscription. */
function isExactlyCounted(filter: object): boolean {
  return Object.keys(filter).every((name) => ['status', 'plan', 'module'].includes(name));
}

const lists = new Map<string, string[]>();

async function listNaively(condition: string, field: (typeof fields)[number]): Promise<string[]> {
  const key = `${condition} ORDER BY ${columnOf[field]}, id`;
  const known = lists.get(key);
  if (known) return known;
  const { rows } = await client.query({ text: `SELECT id FROM tenants WHERE ${key}`, rowMode: 'array' });
  const list = rows.map(([id]) => id as string);
  lists.set(key, list);
  return list;
}

async function positionOf(
  id: string | undefined,
  field: TenantOrderField,
): Promise<ListPosition | undefined> {
  if (id === undefined) return undefined;
  const { rows } = await client.query<ListPosition>(
    `SELECT id, ${writtenAs[field]} AS value
     FROM tenants WHERE id = $1`,
    [id],
  );
  return rows[0];
}

test('a count by status, plan and module reads one index', async () => {
  for (const filter of [{}, { status: ['ACTIVE'], plan: ['PRO'] }, { module: 'finance' }]) {
    sent = [];
    await countTenants(database, readTenantSelection(filter));
    expect(sent).toHaveLength(1);
    expect(sent[0]?.text).toContain('FROM tenant_counts');
  }
});

test('a page for which more tenants would be sorted or read than bounded is refused with the way out', async () => {
  // Each condition has more than can be sorted, and the last ones by slug meet only one of them.
  const created = { createdFrom: registered(tenants / 2 - 400) };
  const selection = readTenantSelection({ text: 'early', needsAttention: false, ...created });
  const last = page('slug', { isDescending: true });
  await expect(listTenantPositions(database, selection, last)).rejects.toMatchObject({
    code: 'VALIDATION_ERROR',
    message: expect.stringContaining('add a condition'),
  });
  expect(await countTenants(database, selection)).toMatchObject({ isCapped: true });
  expect(await listTenantPositions(database, selection, page('createdAt'))).toHaveLength(pageSize);
});
