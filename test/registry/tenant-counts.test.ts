import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRowReader } from '../../src/database/statements/row-reader.js';
import { readTenantSelection } from '../../src/registry/lists/tenant-filter.js';
import { countTenants } from '../../src/registry/lists/tenant-pages.js';
import { listCountProblems } from '../../src/registry/log/count-check.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { createDraw } from '../setup/random.js';
import { promiseSeed, seed } from '../setup/seed.js';

let registry: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  registry = await createRegistryDatabase();
  pool = new pg.Pool({ connectionString: registry.url, max: 8 });
  pool.on('error', () => undefined);
});
afterAll(async () => {
  await pool?.end();
  await registry?.drop();
});

const readRows = createRowReader((text, values) => pool.query(text, values));
const count = (filter: object) => countTenants({ readRows }, readTenantSelection(filter));
const problems = () => listCountProblems({ pool });

/** Tenants and subscriptions as the tables have them, by the keys of the two tables of counts. */
async function readCounts() {
  const { rows } = await pool.query(
    `SELECT concat_ws('/', module, status, plan) AS key, tenants AS number FROM tenant_counts WHERE tenants <> 0
     UNION ALL SELECT module || ' ' || status, subscriptions FROM subscription_counts WHERE subscriptions <> 0`,
  );
  return Object.fromEntries(rows.map(({ key, number }) => [key, number]));
}

async function newRegistry() {
  await pool.query(
    `BEGIN; SET LOCAL session_replication_role = replica;
     TRUNCATE tenants, module_subscriptions, storage_names, personal_data_keys, operations CASCADE;
     SELECT registry_recount(), registry_recount_growth(); COMMIT`,
  );
}

test.each<[string, string[], Record<string, number>]>([
  ['a tenant', [`INSERT INTO tenants (slug, name) VALUES ('a1', 'A')`], { '/active/lite': 1 }],
  [
    'a tenant and its subscription in one statement',
    [
      `WITH made AS (INSERT INTO tenants (slug, name) VALUES ('a1', 'A') RETURNING id)
       INSERT INTO module_subscriptions (tenant_id, module, status) SELECT id, 'finance', 'active' FROM made`,
    ],
    { '/active/lite': 1, 'finance/active/lite': 1, 'finance active': 1 },
  ],
  [
    'a tenant that changes before and after its subscription in one transaction',
    [
      `BEGIN; INSERT INTO tenants (slug, name, status) VALUES ('a1', 'A', 'pending');
       UPDATE tenants SET status = 'active', plan = 'pro' WHERE slug = 'a1';
       INSERT INTO module_subscriptions (tenant_id, module) SELECT id, 'finance' FROM tenants WHERE slug = 'a1';
       UPDATE module_subscriptions SET status = 'active';
       UPDATE tenants SET status = 'suspended' WHERE slug = 'a1';
       SET CONSTRAINTS ALL IMMEDIATE;
       UPDATE tenants SET plan = 'enterprise' WHERE slug = 'a1';
       INSERT INTO module_subscriptions (tenant_id, module, status) SELECT id, 'inventory', 'active' FROM tenants;
       COMMIT`,
    ],
    {
      '/suspended/enterprise': 1,
      'finance/suspended/enterprise': 1,
      'inventory/suspended/enterprise': 1,
      'finance active': 1,
      'inventory active': 1,
    },
  ],
  [
    'a change that was rolled back to a savepoint',
    [
      `BEGIN; INSERT INTO tenants (slug, name) VALUES ('a1', 'A'); SAVEPOINT s;
       UPDATE tenants SET status = 'suspended'; ROLLBACK TO s; COMMIT`,
    ],
    { '/active/lite': 1 },
  ],
  [
    'a cancelled subscription and a purged tenant',
    [
      `INSERT INTO tenants (slug, name) VALUES ('a1', 'A'), ('b1', 'B')`,
      `INSERT INTO module_subscriptions (tenant_id, module, status) SELECT id, 'finance', 'active' FROM tenants`,
      `UPDATE module_subscriptions SET status = 'cancelled' WHERE tenant_id = (SELECT id FROM tenants WHERE slug = 'a1')`,
      `UPDATE tenants SET status = 'deleted' WHERE slug = 'b1'`,
      `UPDATE tenants SET status = 'purged' WHERE slug = 'b1'`,
      `UPDATE tenants SET name = 'B renamed' WHERE slug = 'b1'`,
    ],
    {
      '/active/lite': 1,
      '/purged/lite': 1,
      'finance/purged/lite': 1,
      'finance active': 1,
      'finance cancelled': 1,
    },
  ],
])('%s is counted', async (_what, statements, expected) => {
  await newRegistry();
  for (const statement of statements) await pool.query(statement);
  expect(await readCounts()).toEqual(expected);
  expect(await problems()).toEqual([]);
});

test('counts are exact whatever transactions change at the same time', async () => {
  promiseSeed();
  await newRegistry();
  await pool.query(
    `INSERT INTO tenants (slug, name) SELECT 'tenant-' || n, 'Tenant' FROM generate_series(0, 5) AS n`,
  );
  const change = (random: (below: number) => number): string => {
    const one = <T>(list: readonly T[]) => list[random(list.length)] as T;
    const tenant = `(SELECT id FROM tenants WHERE slug = 'tenant-${random(6)}')`;
    return one([
      `UPDATE tenants SET status = '${one(['active', 'suspended', 'deleted', 'failed'])}' WHERE id = ${tenant}`,
      `UPDATE tenants SET plan = '${one(['lite', 'pro'])}', name = 'Name ${random(9)}' WHERE id = ${tenant}`,
      `INSERT INTO module_subscriptions (tenant_id, module, status) VALUES (${tenant}, '${one(['finance', 'inventory'])}', '${one(['active', 'pending'])}')
       ON CONFLICT (tenant_id, module) DO UPDATE SET status = excluded.status`,
      `UPDATE module_subscriptions SET status = '${one(['active', 'suspended', 'cancelled'])}' WHERE tenant_id = ${tenant}`,
      `INSERT INTO tenants (slug, name) VALUES ('more-${random(1_000_000)}', 'More') ON CONFLICT DO NOTHING`,
      'SAVEPOINT s',
      'ROLLBACK TO s',
      'SET CONSTRAINTS ALL IMMEDIATE',
    ]);
  };
  const write = async (writer: number) => {
    const random = createDraw(seed * 31 + writer * 7_919);
    const client = await pool.connect();
    for (let at = 0; at < 40; at++) {
      // Deadlocks of these writers, and collisions of snapshots, end a transaction as they would end a script's.
      try {
        await client.query(
          `BEGIN ISOLATION LEVEL ${random(3) ? 'READ COMMITTED' : 'REPEATABLE READ'}; SAVEPOINT s`,
        );
        for (let more = random(4); more >= 0; more--) await client.query(change(random));
        await client.query(random(5) ? 'COMMIT' : 'ROLLBACK');
      } catch (error) {
        await client.query('ROLLBACK');
        expect((error as { code?: string }).code).toMatch(/^(40001|40P01)$/);
      }
    }
    client.release();
  };
  await Promise.all(Array.from({ length: 6 }, (_, writer) => write(writer)));
  expect(await problems()).toEqual([]);
  expect((await count({ status: ['ACTIVE', 'SUSPENDED', 'DELETED', 'FAILED'] })).total).toBe(
    (await pool.query('SELECT FROM tenants')).rowCount,
  );
});

test('rows that were changed without triggers are found, and counted again', async () => {
  await newRegistry();
  await pool.query(`INSERT INTO tenants (slug, name) VALUES ('a1', 'A'), ('b1', 'B')`);
  await pool.query(
    `INSERT INTO module_subscriptions (tenant_id, module, status) SELECT id, 'finance', 'active' FROM tenants`,
  );
  await pool.query(
    `BEGIN; SET LOCAL session_replication_role = replica; UPDATE tenants SET plan = 'pro' WHERE slug = 'a1';
     UPDATE module_subscriptions SET status = 'suspended' WHERE tenant_id = (SELECT id FROM tenants WHERE slug = 'b1'); COMMIT`,
  );
  expect((await problems()).map(({ subject, kept, found }) => [subject, kept, found])).toEqual([
    // Two rows of module_tenants, and the two that there should be.
    ['rows of module_tenants that are wrong', 4, 0],
    ['subscriptions active of finance', 2, 1],
    ['subscriptions suspended of finance', 0, 1],
    ['tenants active lite', 2, 1],
    ['tenants active lite of finance', 2, 0],
    ['tenants active pro', 0, 1],
    ['tenants active pro of finance', 0, 1],
  ]);
  await pool.query('SELECT registry_recount(), registry_recount_growth()');
  expect(await problems()).toEqual([]);
  expect(await count({ plan: ['PRO'], module: 'finance' })).toEqual({ total: 1, isCapped: false });
});
