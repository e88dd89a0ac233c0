import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { cancelStatement } from '../../src/database/cancel-statement.js';
import { queryPrepared } from '../../src/database/prepared-query.js';
import { loadRouteFacts } from '../../src/registry/queries.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { openPgBouncer } from '../setup/pgbouncer.js';
import { describeWithPgBouncer } from '../setup/with-pgbouncer.js';

let registry: TestDatabase;
beforeAll(async () => {
  registry = await createRegistryDatabase();
});
afterAll(() => registry?.drop());

const timeoutMs = 5_000;

function openPool(url: string, max: number): pg.Pool & AsyncDisposable {
  const pool = new pg.Pool({ connectionString: url, max });
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.end() });
}

const statement = { text: 'SELECT $1::int + 1 AS next', values: [1] };

describe('a prepared query', () => {
  test('is planned once for a connection', async () => {
    await using pool = openPool(registry.url, 1);
    for (let at = 0; at < 10; at++)
      expect((await queryPrepared(pool, timeoutMs, { ...statement, values: [at] })).rows).toEqual([
        { next: at + 1 },
      ]);
    const { rows } = await pool.query('SELECT generic_plans > 0 AS kept FROM pg_prepared_statements');
    expect(rows).toEqual([{ kept: true }]);
  });

  test('goes on when the server has lost its statement, and when a migration gave it another form', async () => {
    await using pool = openPool(registry.url, 1);
    await queryPrepared(pool, timeoutMs, statement);
    await pool.query('DEALLOCATE ALL');
    expect((await queryPrepared(pool, timeoutMs, statement)).rows).toEqual([{ next: 2 }]);

    await using other = openPool(registry.url, 1);
    await other.query('CREATE TABLE moved AS SELECT 1 AS a');
    const all = { text: 'SELECT * FROM moved', values: [] };
    expect((await queryPrepared(other, timeoutMs, all)).rows).toEqual([{ a: 1 }]);
    await other.query('ALTER TABLE moved ADD COLUMN b int');
    expect((await queryPrepared(other, timeoutMs, all)).rows).toEqual([{ a: 1, b: null }]);
  });

  test('fails as any other', async () => {
    await using pool = openPool(registry.url, 1);
    const wrong = { text: 'SELECT 1 / $1::int', values: [0] };
    await expect(queryPrepared(pool, timeoutMs, wrong)).rejects.toMatchObject({ code: '22012' });
  });

  test('for one route reads by index, on a registry that was just made', async () => {
    await using pool = openPool(registry.url, 1);
    await loadRouteFacts(pool, [{ reference: 'acme', module: 'finance' }], timeoutMs);
    const { rows } = await pool.query(
      `SELECT name FROM pg_prepared_statements WHERE statement LIKE '%registry_head%'`,
    );
    await pool.query('SET plan_cache_mode = force_generic_plan');
    const plan = await pool.query(`EXPLAIN EXECUTE "${rows[0].name}" (NULL, 'acme', 'finance')`);
    const scans = plan.rows.map((row) => row['QUERY PLAN']).filter((line) => /Scan/.test(line));
    const byTable = scans.filter((line) => !/registry_head/.test(line));
    expect(byTable.length).toBeGreaterThanOrEqual(4);
    for (const line of byTable) expect(line).toMatch(/Index (Only )?Scan/);
  });
});

describeWithPgBouncer('behind PgBouncer in transaction mode', () => {
  test('every route is read, by whichever connection', async () => {
    await using bouncer = await openPgBouncer(registry.url, 3);
    await using pool = openPool(bouncer.url, 8);
    const asked = Array.from({ length: 200 }, (_, at) =>
      loadRouteFacts(pool, [{ reference: `tenant-${at}`, module: 'finance' }], timeoutMs),
    );
    for (const { values } of await Promise.all(asked)) expect(values).toMatchObject([{ moduleExists: true }]);
  });
});

test('a cancel request is over when the server has closed it, and needs no timeout for that', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.end())).listen(0, '127.0.0.1');
  await once(server, 'listening');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const { port } = server.address() as AddressInfo;
    const client = { processID: 1, secretKey: 2 } as unknown as pg.Client;
    await cancelStatement(client, `postgres://127.0.0.1:${port}/one`);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
    server.close();
  }
});
