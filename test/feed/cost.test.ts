import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadKeys } from '../../src/auth/api-key.js';
import { openFeedSource } from '../../src/feed/registry-feed.js';
import { loadRouteFacts, loadTenantConfigs } from '../../src/registry/resolution/queries.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';

/**
 * From this cost on, PostgreSQL compiles a statement before it runs it, which takes longer than all these statements
 * together. Without statistics it may estimate thousands of rows for a table with one.
 */
const jitAboveCost = 100_000;

let registry: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  registry = await createRegistryDatabase();
  pool = new pg.Pool({ connectionString: registry.url, max: 1 });
  await pool.query(
    `INSERT INTO tenants (slug, name) SELECT 't' || n, 'Tenant' FROM generate_series(1, 50) AS n`,
  );
});
afterAll(async () => {
  await pool.end();
  await registry.drop();
});

const id = '00000000-0000-4000-8000-000000000000';

test.each<[string, (explaining: pg.Pool) => Promise<unknown>]>([
  [
    'the poll of the change log',
    (explaining) =>
      openFeedSource(explaining, { stalenessMs: 5_000 }).poll({
        position: { epoch: 'e', revision: 1n, hash: '' },
        isSettled: true,
        clientsRevision: undefined,
      }),
  ],
  ['resolution', (explaining) => loadRouteFacts(explaining, [{ reference: id, module: 'finance' }], 5_000)],
  ['a configuration', (explaining) => loadTenantConfigs(explaining, [id], 5_000)],
  ['an API key', (explaining) => loadKeys(explaining, ['00'], 5_000)],
])('%s is not taken for expensive on a registry that was just made', async (_what, ask) => {
  const costs: number[] = [];
  const explaining = {
    async query({ text, values }: pg.QueryConfig) {
      const { rows } = await pool.query(`EXPLAIN (FORMAT JSON) ${text}`, values);
      costs.push(rows[0]['QUERY PLAN'][0].Plan['Total Cost']);
      throw new Error('explained');
    },
  } as unknown as pg.Pool;
  await expect(ask(explaining)).rejects.toThrow('explained');
  expect(costs).toHaveLength(1);
  expect(costs[0]).toBeLessThan(jitAboveCost);
});
