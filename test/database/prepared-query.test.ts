import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { cancelStatement } from '../../src/database/connections/cancel-statement.js';
import { openRegistryDatabase } from '../../src/database/registry-database.js';
import { sendBatch } from '../../src/database/statements/batch.js';
import { queryPrepared } from '../../src/database/statements/prepared-query.js';
import { readRow } from '../../src/database/statements/row.js';
import { openLog } from '../../src/log.js';
import { createMembersLoader } from '../../src/profile/members/member-lists.js';
import { operationRow, stepRow } from '../../src/provisioning/operations/operation-row.js';
import { createAttemptsLoader } from '../../src/provisioning/operations/reads/history.js';
import {
  createTenantResultsLoader,
  operationTenantRow,
} from '../../src/provisioning/operations/reads/tenant-results.js';
import { subscriptionRow } from '../../src/provisioning/operations/subscription-storage.js';
import { listApiKeyPage, readApiKeySelection } from '../../src/registry/access/api-key-record.js';
import { moduleRow } from '../../src/registry/modules/module.js';
import { loadRouteFacts } from '../../src/registry/resolution/queries.js';
import { listPlanLimits } from '../../src/registry/tenants/plan-limits.js';
import { tenantRow } from '../../src/registry/tenants/tenant-row.js';
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

const statementsOf = (pool: pg.Pool) =>
  pool.query('SELECT count(*)::int AS known FROM pg_prepared_statements').then(({ rows }) => rows[0].known);

describe('statements in one message', () => {
  test('run in order, and those behind one that fails do not', async () => {
    await using pool = openPool(registry.url, 1);
    await pool.query('CREATE TEMPORARY TABLE ran (step int)');
    const insert = (step: number) => ({ text: 'INSERT INTO ran VALUES ($1) RETURNING step', values: [step] });
    const client = await pool.connect();
    const failing = [insert(1), { text: 'SELECT 1 / $1::int', values: [0] }, insert(2)];
    const { answers, error } = await sendBatch(client, [{ text: 'BEGIN' }, ...failing]).finally(() =>
      client.query('ROLLBACK').then(() => client.release()),
    );
    expect(answers.map(({ rows }) => rows)).toEqual([[], [{ step: 1 }]]);
    expect(error).toMatchObject({ code: '22012' });
    expect((await pool.query('SELECT step FROM ran')).rows).toEqual([]);
  });

  test('keep their names, also when another one fails', async () => {
    await using pool = openPool(registry.url, 1);
    const client = await pool.connect();
    const known = { name: 'known', text: 'SELECT $1::text AS value', values: ['a'] };
    const failing = { name: 'failing', text: 'SELECT 1 / $1::int AS value', values: [0] };
    const send = (...statements: Parameters<typeof sendBatch>[1]) => sendBatch(client, statements);
    expect((await send(known, failing)).error).toMatchObject({ code: '22012' });
    const { answers, error } = await send(known, { ...failing, values: [1] }, known);
    client.release();
    expect(error).toBeUndefined();
    expect(answers.map(({ rows }) => rows[0])).toEqual([{ value: 'a' }, { value: 1 }, { value: 'a' }]);
    expect(await statementsOf(pool)).toBe(2);
  });

  test('take every kind of parameter', async () => {
    await using pool = openPool(registry.url, 1);
    const client = await pool.connect();
    const texts = ['', 'a "b" \\ {c,d}', 'NULL'];
    const { answers } = await sendBatch(client, [
      {
        text: 'SELECT $1::text[] AS texts, $2::bytea AS bytes, $3::bool AS yes, $4::int8 AS big, $5::text AS none',
        values: [texts, new Uint8Array([0, 255]), true, 9_007_199_254_740_993n, null],
      },
    ]);
    client.release();
    const big = '9007199254740993';
    expect(answers[0]?.rows).toEqual([{ texts, bytes: Buffer.from([0, 255]), yes: true, big, none: null }]);
  });
});

describe('a transaction of the registry', () => {
  const openDatabase = () => {
    const database = openRegistryDatabase(registry.url, openLog('silent'));
    return Object.assign(database, { [Symbol.asyncDispose]: () => database.close() });
  };
  const add = (slug: string) => ({
    text: 'INSERT INTO tenants (slug, name) VALUES ($1, $1)',
    values: [slug],
  });

  test('is one for statements and for Prisma, and leaves nothing when the work fails', async () => {
    await using database = openDatabase();
    const work = database.transaction(async (tx) => {
      await tx.send(add('by-statement'));
      expect(await tx.tenant.count({ where: { slug: 'by-statement' } })).toBe(1);
      await tx.tenant.create({ data: { slug: 'by-prisma', name: 'By Prisma' } });
      throw new Error('refused');
    });
    await expect(work).rejects.toThrow('refused');
    expect(await database.prisma.tenant.count({ where: { slug: { startsWith: 'by-' } } })).toBe(0);
    await database.transaction(async (tx) => {
      await tx.tenant.create({ data: { slug: 'by-prisma', name: 'By Prisma' } });
      await tx.commit(add('by-statement'));
    });
    expect(await database.prisma.tenant.count({ where: { slug: { startsWith: 'by-' } } })).toBe(2);
  });

  test('is undone by a check, though the statements that wait for it would be committed in the same message', async () => {
    await using database = openDatabase();
    const work = database.transaction(async (tx) => {
      tx.prepend([add('unchecked')], () => {
        throw new Error('refused by the check');
      });
    });
    await expect(work).rejects.toThrow('refused by the check');
    expect(await database.prisma.tenant.count({ where: { slug: 'unchecked' } })).toBe(0);
  });

  test('reports the refusal of a check rather than the failure of a statement behind it', async () => {
    await using database = openDatabase();
    const work = database.transaction(async (tx) => {
      tx.prepend([{ text: 'SELECT 1' }], () => {
        throw new Error('refused by the check');
      });
      await tx.send({ text: 'SELECT 1 / 0' });
    });
    await expect(work).rejects.toThrow('refused by the check');
  });

  test('is done again when PostgreSQL has lost a statement of its connection', async () => {
    await using database = openDatabase();
    const count = { text: 'SELECT count(*) FROM tenants', isFrequent: true };
    await database.transaction((tx) => tx.send(count));
    await database.rowPool.query('DEALLOCATE ALL');
    expect(await database.transaction((tx) => tx.send(count))).toHaveLength(1);
  });
});

describe('a row that is read without Prisma', () => {
  test('is as Prisma reads it', async () => {
    const database = openRegistryDatabase(registry.url, openLog('silent'));
    const { prisma, query } = database;
    try {
      const { id: tenantId } = await prisma.tenant.create({ data: { slug: 'whole', name: 'Whole' } });
      await prisma.moduleSubscription.create({
        data: {
          tenantId,
          moduleName: 'finance',
          isolation: 'SCHEMA',
          databaseName: 'finance',
          schemaName: 'whole',
        },
      });
      const steps = { create: [{ position: 0, name: 'bind_storage', moduleName: 'finance' }] };
      await prisma.operation.create({ data: { kind: 'BIND_STORAGE', tenantId, actor: 'somebody', steps } });
      const read = async (form: Parameters<typeof readRow>[0], table: string, where: string) =>
        readRow(form, (await query(`SELECT * FROM ${table} WHERE ${where}`, [tenantId])).rows[0]);
      const where = { tenantId };
      expect(await read(tenantRow, 'tenants', 'id = $1')).toEqual(
        await prisma.tenant.findUnique({ where: { id: tenantId } }),
      );
      expect(await read(subscriptionRow, 'module_subscriptions', 'tenant_id = $1')).toEqual(
        await prisma.moduleSubscription.findFirst({ where }),
      );
      const operation = await prisma.operation.findFirstOrThrow({ where });
      expect(await read(operationRow, 'operations', 'tenant_id = $1')).toEqual({
        ...operation,
        fencingToken: '0',
      });
      expect(
        await read(
          stepRow,
          'operation_steps',
          'operation_id = (SELECT id FROM operations WHERE tenant_id = $1)',
        ),
      ).toEqual(await prisma.operationStep.findFirst({ where: { operationId: operation.id } }));
      await prisma.operationTenant.create({
        data: { operationId: operation.id, position: 0, reference: 'whole', tenantId, createdAt: new Date() },
      });
      expect(await read(operationTenantRow, 'operation_tenants', 'tenant_id = $1')).toEqual(
        await prisma.operationTenant.findFirst({ where }),
      );
      expect(await read(moduleRow, 'modules', `name = 'finance' AND $1::text IS NOT NULL`)).toEqual(
        await prisma.module.findUnique({ where: { name: 'finance' } }),
      );

      // The same as JSON.
      const member = await prisma.member.create({
        data: { tenantId, email: 'ann@example.com', status: 'ACTIVE' },
      });
      const invitation = {
        tenantId,
        memberId: member.id,
        tokenHash: randomBytes(32),
        acceptedAt: new Date(),
      };
      await prisma.invitation.create({ data: { ...invitation, expiresAt: new Date() } });
      const page = { isDescending: false, isFromEnd: false, after: undefined, before: undefined, limit: 1 };
      const [listed] = await createMembersLoader(database).load({ tenantId, page });
      const { tokenHash: _, ...invited } = await prisma.invitation.findFirstOrThrow({ where });
      expect(listed?.node).toEqual({ ...(await prisma.member.findFirst({ where })), invitations: [invited] });
      const withSteps = { steps: { orderBy: { position: 'asc' } } } as const;
      const attempts = await createAttemptsLoader(database).load({ operationId: operation.id, last: 1 });
      expect(attempts).toEqual(
        await prisma.operationAttempt.findMany({
          where: { operationId: operation.id },
          include: { operation: { include: withSteps } },
        }),
      );
      const key = { operationId: operation.id, statuses: undefined, limit: 1, after: -1 };
      expect(await createTenantResultsLoader(database).load(key)).toEqual([
        await prisma.operationTenant.findFirst({ where, include: { child: true } }),
      ]);
      expect(await listPlanLimits(database)).toEqual(
        (await prisma.planLimits.findMany({ orderBy: { name: 'asc' } })).map((plan) => ({
          ...plan,
          isApplied: true,
        })),
      );
      await prisma.apiKey.create({
        data: { name: 'key', scopes: ['audit:read'], secretHash: randomBytes(32) },
      });
      const [apiKey] = await listApiKeyPage(database, readApiKeySelection(null), page);
      expect(apiKey?.node).toEqual(await prisma.apiKey.findFirst({ omit: { secretHash: true } }));
    } finally {
      await database.close();
    }
  });
});

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
    const plan = await pool.query(`EXPLAIN EXECUTE "${rows[0].name}" (NULL, 'acme', NULL, 'finance')`);
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
      loadRouteFacts(pool, [{ reference: `tenant-${at}`, module: 'finance' }], 12 * timeoutMs),
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
