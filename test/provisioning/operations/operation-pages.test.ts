import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRowReader } from '../../../src/database/statements/row-reader.js';
import {
  listOperationPositions,
  readOperationSelection,
} from '../../../src/provisioning/operations/reads/operation-pages.js';
import { createTenantOperationsLoader } from '../../../src/provisioning/operations/reads/tenant-operations.js';
import type { ListPosition } from '../../../src/registry/lists/list-cursor.js';
import type { ListPage, Statement } from '../../../src/registry/lists/list-page-sql.js';
import { explain } from '../../database/support/explain.js';
import { createRegistryDatabase, type TestDatabase } from '../../setup/database.js';

const operations = 20_000;
const pageSize = 20;
let registry: TestDatabase;
let client: pg.Client;
let sent: Statement[] = [];

beforeAll(async () => {
  registry = await createRegistryDatabase();
  client = new pg.Client({ connectionString: registry.url });
  await client.connect();
  // Without triggers, as a restore would do it. What is rare is at one end of the order, where a walk would not find it soon.
  await client.query(`
    SET session_replication_role = replica;
    INSERT INTO tenants (id, slug, name)
      SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'tenant-' || n, 'Tenant' FROM generate_series(0, 99) AS n;
    INSERT INTO operations (kind, tenant_id, actor, status, created_at, finished_at)
    SELECT CASE WHEN n < 50 THEN 'purge_tenant' WHEN n % 5 = 0 THEN 'provision_tenant' ELSE 'bind_storage' END::operation_kind,
      CASE WHEN n % 500 <> 1 THEN ('00000000-0000-4000-8000-' || lpad((n % 100)::text, 12, '0'))::uuid END, 'somebody',
      CASE WHEN n < 60 AND n % 3 = 0 THEN 'needs_attention' WHEN n % 7 = 0 THEN 'failed' ELSE 'succeeded' END::operation_status,
      '2026-01-01'::timestamptz + (n / 3) * interval '1 microsecond', CASE WHEN n >= 60 OR n % 3 <> 0 THEN now() END
    FROM generate_series(1, ${operations}) AS n;
    INSERT INTO operation_modules (operation_id, module, status, kind, created_at)
    SELECT id, module, status, kind, created_at FROM operations, unnest('{finance,inventory}'::text[]) AS module
    WHERE module = 'finance' OR created_at < '2026-01-01 00:00:00.00002Z';
    INSERT INTO operation_tenants (operation_id, position, reference, tenant_id, created_at)
    SELECT operations.id, row_number() OVER (PARTITION BY operations.id), slug, tenants.id, operations.created_at
    FROM operations, tenants WHERE tenant_id IS NULL`);
  await client.query('VACUUM ANALYZE');
});
afterAll(async () => {
  await client?.end();
  await registry?.drop();
});

/** Notes what is sent. */
const readRows = createRowReader((text, values) => {
  sent.push({ text, values });
  return client.query(text, values);
});

const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const of = (module: string) =>
  `id IN (SELECT operation_id FROM operation_modules WHERE module = '${module}')`;
const moment = (microseconds: number) =>
  `'2026-01-01'::timestamptz + ${microseconds} * interval '1 microsecond'`;

/** Filters, and the same conditions in SQL. */
const filters: [string, object, string][] = [
  ['no condition', {}, 'true'],
  ['a frequent status', { status: ['SUCCEEDED'] }, `status = 'succeeded'`],
  [
    'statuses',
    { status: ['FAILED', 'NEEDS_ATTENTION', 'FAILED'] },
    `status IN ('failed', 'needs_attention')`,
  ],
  ['no status', { status: [] }, 'false'],
  ['a status of none', { status: ['QUEUED'] }, 'false'],
  ['a kind', { kind: ['BIND_STORAGE'] }, `kind = 'bind_storage'`],
  ['a rare kind', { kind: ['PURGE_TENANT'] }, `kind = 'purge_tenant'`],
  [
    'status and kind',
    { status: ['FAILED'], kind: ['PURGE_TENANT'] },
    `status = 'failed' AND kind = 'purge_tenant'`,
  ],
  ['what needs attention', { needsAttention: true }, `status = 'needs_attention'`],
  ['what needs no attention', { needsAttention: false }, `status <> 'needs_attention'`],
  [
    'a status that needs no attention',
    { status: ['FAILED', 'NEEDS_ATTENTION'], needsAttention: false },
    `status = 'failed'`,
  ],
  ['a time', { since: new Date('2026-01-01T00:00:00.005Z') }, `created_at >= ${moment(5_000)}`],
  [
    'status and time',
    { status: ['FAILED'], since: new Date('2026-01-01T00:00:00.006Z') },
    `status = 'failed' AND created_at >= ${moment(6_000)}`,
  ],
  ['a time of none', { since: new Date('2027-01-01T00:00:00Z') }, 'false'],
  ['a module', { module: 'finance' }, of('finance')],
  ['a rare module', { module: 'inventory' }, of('inventory')],
  ['a module of none', { module: 'operations' }, 'false'],
  [
    'module, status and kind',
    { module: 'finance', status: ['FAILED'], kind: ['PURGE_TENANT'] },
    `${of('finance')} AND status = 'failed' AND kind = 'purge_tenant'`,
  ],
  [
    'module and time',
    { module: 'finance', since: new Date('2026-01-01T00:00:00.006Z') },
    `${of('finance')} AND created_at >= ${moment(6_000)}`,
  ],
];
/** Its own operations, and those on many tenants. */
const ofSeven = `(tenant_id = '${idOf(7)}' OR id IN (SELECT operation_id FROM operation_tenants WHERE tenant_id = '${idOf(7)}'))`;
const ofTenant: typeof filters = [
  ['a tenant', {}, ofSeven],
  ['tenant and kind', { kind: ['BIND_STORAGE'] }, `${ofSeven} AND kind = 'bind_storage'`],
  [
    'tenant, status, kind and module',
    { status: ['FAILED'], kind: ['BIND_STORAGE'], module: 'finance' },
    `tenant_id = '${idOf(7)}' AND status = 'failed' AND kind = 'bind_storage' AND ${of('finance')}`,
  ],
  [
    'tenant and time',
    { since: new Date('2026-01-01T00:00:00.006Z') },
    `${ofSeven} AND created_at >= ${moment(6_000)}`,
  ],
];

const columns = `id, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS value`;

describe.each([
  ...filters.map((row) => [...row, undefined] as const),
  ...ofTenant.map((row) => [...row, idOf(7)] as const),
])('the list of operations with %s', (_name, filter, condition, tenantId) => {
  test('has every operation once, by indexes and with few rows read in vain', async () => {
    const selection = readOperationSelection(filter, tenantId);
    const { rows: expected } = await client.query<ListPosition>(
      `SELECT ${columns} FROM operations WHERE ${condition} ORDER BY created_at, operations.id`,
    );
    const read = (more: Partial<ListPage>) =>
      listOperationPositions({ readRows }, selection, {
        ...{ isDescending: false, after: undefined, before: undefined, isFromEnd: false, limit: pageSize },
        ...more,
      });
    const at = Math.floor(expected.length / 2);
    const [here, between] = [expected[at], expected[at + 1]];
    const [first, last] = [expected.slice(0, pageSize), expected.slice(-pageSize).reverse()];
    const next = expected.slice(at + 1, at + 1 + pageSize);
    const previous = expected.slice(Math.max(at - pageSize, 0), at).reverse();

    sent = [];
    expect(await read({})).toEqual(first);
    expect(await read({ isFromEnd: true })).toEqual(last);
    expect(await read({ isDescending: true })).toEqual(last);
    expect(await read({ isDescending: true, isFromEnd: true })).toEqual(first);
    if (here) {
      expect(await read({ after: here })).toEqual(next);
      expect(await read({ before: here, isFromEnd: true })).toEqual(previous);
      expect(await read({ isDescending: true, after: here })).toEqual(previous);
      if (between) expect(await read({ after: here, before: between })).toEqual([]);
    }
    const { scanned, discarded } = await explain(client, sent);
    expect(scanned.filter((table) => /operation/.test(table))).toEqual([]);
    expect(discarded).toBeLessThanOrEqual(10 * pageSize);
  });
});

test('the operations of many tenants are one statement that reads their pages alone', async () => {
  sent = [];
  const loader = createTenantOperationsLoader({ readRows });
  const { rows: expected } = await client.query<ListPosition>(
    `SELECT ${columns} FROM operations WHERE ${ofSeven} ORDER BY created_at DESC, operations.id DESC LIMIT 40`,
  );
  const loaded = await Promise.all([
    loader.load({ tenantId: idOf(7), limit: 5, after: undefined, includesBulk: true }),
    loader.load({ tenantId: idOf(7), limit: 20, after: expected[4], includesBulk: true }),
    ...Array.from({ length: 50 }, (_, n) =>
      loader.load({ tenantId: idOf(n), limit: 3, after: undefined, includesBulk: true }),
    ),
  ]);
  const positionsOf = (at: number) => loaded[at]?.map(({ id, value }) => ({ id, value }));
  expect(positionsOf(0)).toEqual(expected.slice(0, 5));
  expect(positionsOf(1)).toEqual(expected.slice(5, 25));
  expect(positionsOf(9)).toEqual(expected.slice(0, 3));
  expect(sent).toHaveLength(1);
  const { scanned, discarded } = await explain(client, sent);
  expect(scanned).not.toContain('operations');
  expect(discarded).toBeLessThanOrEqual(10 * pageSize);
});

test('the operations of a module follow steps and statuses', async () => {
  await client.query('SET session_replication_role = origin');
  const read = async (filter: object) =>
    (
      await listOperationPositions({ readRows }, readOperationSelection(filter, undefined), {
        ...{ isDescending: true, after: undefined, before: undefined, isFromEnd: false, limit: pageSize },
      })
    ).map(({ id }) => id);
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO operations (kind, actor) VALUES ('adopt_storage', 'somebody') RETURNING id`,
  );
  const id = rows[0]?.id as string;
  await client.query(
    `INSERT INTO operation_steps (operation_id, position, name, module)
     VALUES ('${id}', 0, 'adopt_storage', 'dbtools'), ('${id}', 1, 'bind_storage', 'dbtools'), ('${id}', 2, 'activate_route', NULL)`,
  );
  expect(await read({ module: 'dbtools', status: ['QUEUED'] })).toEqual([id]);
  await client.query(`UPDATE operations SET status = 'needs_attention' WHERE id = '${id}'`);
  expect(await read({ module: 'dbtools', status: ['QUEUED'] })).toEqual([]);
  expect(await read({ module: 'dbtools', needsAttention: true })).toEqual([id]);
});
