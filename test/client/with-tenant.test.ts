import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { TenantRegistry } from '../../src/client/index.js';
import { recordStatements } from '../setup/gateway.js';
import type { StoryTenant } from '../setup/stories.js';
import { type GatewayWithTenants, openGatewayWithTenants, ownerOf } from './support/gateway-with-tenants.js';

let fixture: GatewayWithTenants;
let acme: StoryTenant;
let globex: StoryTenant;
let registry: TenantRegistry;
/** One connection, so that each transaction gets the connection that the last one returned. */
let pool: pg.Pool;
beforeAll(async () => {
  fixture = await openGatewayWithTenants(2);
  [acme, globex] = fixture.tenants as [StoryTenant, StoryTenant];
  registry = fixture.connect();
  await registry.resolveMany([acme.id, globex.id]);
});
afterAll(() => fixture?.close());
beforeEach(() => {
  pool = fixture.openPool({ max: 1 });
});
afterEach(() => pool.end());

const pathOf = async (client: Pick<pg.Pool, 'query'>) =>
  (await client.query<{ search_path: string }>('SHOW search_path')).rows[0]?.search_path;
const backendOf = async (client: Pick<pg.Pool, 'query'>) =>
  (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;

describe('work for a tenant', () => {
  test('sees the tenant’s tables; afterwards the connection sees no tenant’s', async () => {
    for (const { id, slug } of [acme, globex, acme])
      expect(await registry.withTenant(pool, id, ownerOf)).toBe(slug);
    expect(await pathOf(pool)).toBe('"$user", public');
    await expect(ownerOf(pool)).rejects.toMatchObject({ code: '42P01' });
  });

  test('adds one round trip before the work and one after it', async () => {
    const statements = await recordStatements(() => registry.withTenant(pool, acme.id, ownerOf));
    expect(statements).toEqual([
      expect.stringMatching(/^BEGIN.*tenant_guard\.enter\('/s),
      expect.stringMatching(/^SELECT value/),
      expect.stringMatching(/; COMMIT$/),
    ]);
  });

  test('is committed as a whole and returns the work’s result', async () => {
    const written = await registry.withTenant(pool, acme.id, async (tx) => {
      await tx.query(`INSERT INTO activity_log (action) VALUES ('one'), ('two')`);
      const { rowCount } = await tx.query('SELECT FROM activity_log');
      return rowCount;
    });
    expect(written).toBe(2);
    const { rowCount } = await registry.withTenant(pool, acme.id, (tx) =>
      tx.query('SELECT FROM activity_log'),
    );
    expect(rowCount).toBe(2);
  });

  test('is rolled back when the work throws, and rejects with the same error', async () => {
    const mistake = new Error('mine');
    const attempt = registry.withTenant(pool, globex.id, async (tx) => {
      await tx.query(`INSERT INTO activity_log (action) VALUES ('never')`);
      throw mistake;
    });
    await expect(attempt).rejects.toBe(mistake);
    const { rowCount } = await registry.withTenant(pool, globex.id, (tx) =>
      tx.query('SELECT FROM activity_log'),
    );
    expect(rowCount).toBe(0);
  });

  test('is rolled back and rejects when the work ignores the error of a statement', async () => {
    const attempt = registry.withTenant(pool, globex.id, async (tx) => {
      await tx.query(`INSERT INTO activity_log (action) VALUES ('never')`);
      await tx.query('SELECT 1 / 0').catch(() => undefined);
    });
    await expect(attempt).rejects.toThrow('was rolled back');
  });

  test('leaves the connection usable when it fails at its commit', async () => {
    const before = await backendOf(pool);
    const attempt = registry.withTenant(pool, globex.id, async (tx) => {
      await tx.query(`CREATE TABLE parent (id int PRIMARY KEY);
        CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)`);
      await tx.query('INSERT INTO child VALUES (1)');
    });
    await expect(attempt).rejects.toMatchObject({ code: '23503' });
    expect(await registry.withTenant(pool, acme.id, ownerOf)).toBe(acme.slug);
    expect(await backendOf(pool)).toBe(before);
  });

  test('stays in the tenant’s schema after a rollback to a savepoint', async () => {
    const owner = await registry.withTenant(pool, acme.id, async (tx) => {
      await tx.query('SAVEPOINT before');
      await expect(tx.query('SELECT FROM nothing')).rejects.toMatchObject({
        code: '42P01',
      });
      await tx.query('ROLLBACK TO before');
      return ownerOf(tx);
    });
    expect(owner).toBe(acme.slug);
  });

  test('uses the isolation level, access mode and timeout of its options', async () => {
    const settings = await registry.withTenant(
      pool,
      acme.id,
      async (tx) =>
        (
          await tx.query(`SELECT current_setting('transaction_isolation') AS level,
            current_setting('transaction_read_only') AS "readOnly", current_setting('statement_timeout') AS timeout`)
        ).rows[0],
      { isolation: 'REPEATABLE READ', readOnly: true, statementTimeoutMs: 1_234 },
    );
    expect(settings).toEqual({ level: 'repeatable read', readOnly: 'on', timeout: '1234ms' });
  });

  test('may use named statements, which read the tables of the current tenant', async () => {
    const owner = (tx: pg.ClientBase) =>
      tx.query({
        name: 'owner',
        text: `SELECT value #>> '{}' AS owner FROM settings WHERE key = $1`,
        values: ['owner'],
      });
    for (const { id, slug } of [acme, globex, acme, globex]) {
      const { rows } = await registry.withTenant(pool, id, owner);
      expect(rows).toEqual([{ owner: slug }]);
    }
  });
});

describe('after a transaction', () => {
  test('a statement sent by work that has ended is refused; it would run for the next tenant', async () => {
    let goOn: () => void = () => undefined;
    const later = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let late: Promise<unknown> = Promise.resolve();
    const attempt = registry.withTenant(pool, acme.id, (tx) => {
      late = later.then(() => tx.query('SELECT value FROM settings'));
      return Promise.all([tx.query('SELECT 1 / 0'), late]);
    });
    await expect(attempt).rejects.toMatchObject({ code: '22012' });
    await registry.withTenant(pool, globex.id, async (tx) => {
      goOn();
      await expect(late).rejects.toThrow('transaction is over');
      return ownerOf(tx);
    });
  });

  test('a statement that was sent in time but not awaited has run in its transaction', async () => {
    await registry.withTenant(pool, acme.id, (tx) => {
      void tx.query(`INSERT INTO settings (key, value) VALUES ('unawaited', '1')`);
    });
    const { rowCount } = await registry.withTenant(pool, acme.id, (tx) =>
      tx.query(`SELECT FROM settings WHERE key = 'unawaited'`),
    );
    expect(rowCount).toBe(1);
  });

  test('temporary tables are dropped', async () => {
    for (const end of ['COMMIT', 'ROLLBACK'])
      await registry
        .withTenant(pool, acme.id, async (tx) => {
          await tx.query('CREATE TEMP TABLE report AS SELECT * FROM settings');
          expect((await tx.query('SELECT FROM report')).rowCount).toBeGreaterThan(0);
          if (end === 'ROLLBACK') throw new Error('back');
        })
        .catch(({ message }) => expect(message).toBe('back'));
    await expect(
      registry.withTenant(pool, globex.id, (tx) => tx.query('SELECT FROM report')),
    ).rejects.toMatchObject({ code: '42P01' });
  });

  test('cursors WITH HOLD are closed', async () => {
    await registry.withTenant(pool, acme.id, (tx) =>
      tx.query('DECLARE held CURSOR WITH HOLD FOR SELECT * FROM settings'),
    );
    await expect(
      registry.withTenant(pool, globex.id, (tx) => tx.query('FETCH ALL FROM held')),
    ).rejects.toMatchObject({ code: '34000' });
  });

  test('deferred checks have run in the tenant’s schema, with its temporary tables', async () => {
    await registry.withTenant(pool, acme.id, async (tx) => {
      await tx.query(`CREATE TEMP TABLE due (key text);
        CREATE FUNCTION pg_temp.check_due() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO settings (key, value) SELECT key, '1' FROM due; RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER late AFTER INSERT ON due DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION pg_temp.check_due()`);
      await tx.query(`INSERT INTO due VALUES ('due at commit')`);
    });
    const { rowCount } = await registry.withTenant(pool, acme.id, (tx) =>
      tx.query(`SELECT FROM settings WHERE key = 'due at commit'`),
    );
    expect(rowCount).toBe(1);
  });

  test('an older temporary table of the session hides no table of a tenant', async () => {
    await pool.query(`CREATE TEMP TABLE settings AS SELECT 'owner' AS key, '"nobody"'::jsonb AS value`);
    expect(await registry.withTenant(pool, globex.id, ownerOf)).toBe(globex.slug);
  });

  test('a search_path set for the session is undone, and the pool’s own setting stays', async () => {
    const own = fixture.openPool({ max: 1 });
    own.on('connect', (client) => void client.query('SET search_path = tenant_guard'));
    for (const each of [pool, own]) {
      const before = await pathOf(each);
      await registry.withTenant(each, acme.id, (tx) => tx.query(`SET search_path = finance_${globex.slug}`));
      expect(await pathOf(each)).toBe(before);
    }
    expect(await pathOf(own)).toBe('tenant_guard');
  });

  test('the connection is returned by withTenant only: the work cannot release it', async () => {
    for (const method of ['release', 'end'] as const)
      await expect(
        registry.withTenant(pool, acme.id, (tx) => (tx as unknown as pg.Client & pg.PoolClient)[method]()),
      ).rejects.toThrow('leave out');
    expect(await registry.withTenant(pool, acme.id, ownerOf)).toBe(acme.slug);
  });
});

describe('work that is interrupted', () => {
  const sleep = (tx: pg.ClientBase) => tx.query('SELECT pg_sleep(20)');

  async function expectGone(pid: number | undefined): Promise<void> {
    const alive = () =>
      fixture.gateway.psqlIn('finance', 'SELECT FROM pg_stat_activity WHERE pid = $1', [pid]);
    await expect.poll(alive, { timeout: 3_000 }).toEqual([]);
  }

  test('by its signal rejects although the server still works, ends there, and its connection is not used again', async () => {
    const pid = await backendOf(pool);
    const request = new AbortController();
    const attempt = registry.withTenant(pool, acme.id, sleep, { signal: request.signal });
    const asleep = () =>
      fixture.gateway.psqlIn(
        'finance',
        `SELECT FROM pg_stat_activity WHERE pid = $1 AND query LIKE '%pg_sleep%'`,
        [pid],
      );
    await expect.poll(asleep).toHaveLength(1);
    request.abort(new Error('the client has gone'));
    await expect(attempt).rejects.toThrow('the client has gone');
    await expectGone(pid);
    expect(await registry.withTenant(pool, globex.id, ownerOf)).toBe(globex.slug);
    expect(await backendOf(pool)).not.toBe(pid);
  });

  test('by its signal before it has a connection never runs', async () => {
    const reason = new Error('too late');
    const attempts = registry.withTenant(pool, acme.id, sleep, { signal: AbortSignal.abort(reason) });
    await expect(attempts).rejects.toBe(reason);
    const held = await pool.connect();
    const waiting = new AbortController();
    const attempt = registry.withTenant(pool, acme.id, sleep, { signal: waiting.signal });
    await delay(20);
    waiting.abort(reason);
    await expect(attempt).rejects.toBe(reason);
    held.release();
    expect(await registry.withTenant(pool, acme.id, ownerOf)).toBe(acme.slug);
  });

  test('by its signal between two statements is rolled back', async () => {
    const request = new AbortController();
    const attempt = registry.withTenant(
      pool,
      acme.id,
      async (tx) => {
        await tx.query(`INSERT INTO settings (key, value) VALUES ('cut', '1')`);
        request.abort();
        await delay(50);
        await tx.query('SELECT 1');
      },
      { signal: request.signal },
    );
    await expect(attempt).rejects.toMatchObject({ name: 'AbortError' });
    const { rowCount } = await registry.withTenant(pool, acme.id, (tx) =>
      tx.query(`SELECT FROM settings WHERE key = 'cut'`),
    );
    expect(rowCount).toBe(0);
  });

  test('by the statement timeout keeps its connection', async () => {
    const pid = await backendOf(pool);
    const attempt = registry.withTenant(pool, acme.id, sleep, { statementTimeoutMs: 50 });
    await expect(attempt).rejects.toMatchObject({ code: '57014' });
    expect(await registry.withTenant(pool, globex.id, ownerOf)).toBe(globex.slug);
    expect(await backendOf(pool)).toBe(pid);
  });

  test('by the driver’s query_timeout drops its connection, since the statement still runs', async () => {
    const impatient = fixture.openPool({ max: 1, query_timeout: 100 });
    const pid = await backendOf(impatient);
    await expect(registry.withTenant(impatient, acme.id, sleep)).rejects.toThrow('timeout');
    await expectGone(pid);
    expect(await registry.withTenant(impatient, globex.id, ownerOf)).toBe(globex.slug);
  });

  test('by the loss of its connection rejects, and the next transaction gets another connection', async () => {
    const attempt = registry.withTenant(pool, acme.id, async (tx) => {
      await fixture.gateway.psqlIn('finance', 'SELECT pg_terminate_backend($1)', [await backendOf(tx)]);
      await delay(50);
      await tx.query('SELECT 1');
    });
    await expect(attempt).rejects.toThrow();
    expect(await registry.withTenant(pool, globex.id, ownerOf)).toBe(globex.slug);
  });

  test('by pg_cancel_backend is rolled back', async () => {
    const pid = await backendOf(pool);
    const attempt = expect(registry.withTenant(pool, acme.id, sleep)).rejects.toMatchObject({
      code: '57014',
    });
    await delay(100);
    await fixture.gateway.psqlIn('finance', 'SELECT pg_cancel_backend($1)', [pid]);
    await attempt;
    expect(await registry.withTenant(pool, globex.id, ownerOf)).toBe(globex.slug);
  });
});

describe('a rollback', () => {
  /** A transaction on a connection that answers ROLLBACK in this way. */
  function aFailedTransaction(answer: () => Promise<void>) {
    const released: (Error | boolean | undefined)[] = [];
    const client = {
      query: (sql: string) =>
        sql.startsWith('ROLLBACK') ? answer() : Promise.resolve([{ rows: [{ before: 'public' }] }]),
      on: () => undefined,
      removeListener: () => undefined,
      release: (destroy?: Error | boolean) => void released.push(destroy),
    };
    const ended = registry
      .withTenant({ connect: async () => client }, acme.id, () => Promise.reject(new Error('mine')))
      .catch((error) => error.message);
    return { released, ended };
  }

  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  test('that does not answer is waited for a second; then its connection is destroyed', async () => {
    const { released, ended } = aFailedTransaction(() => new Promise(() => undefined));
    await vi.advanceTimersByTimeAsync(999);
    expect(released).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await ended).toBe('mine');
    expect(released).toEqual([true]);
  });

  test('that fails destroys its connection, and one that succeeds returns it', async () => {
    const failing = aFailedTransaction(() => Promise.reject(new Error('no')));
    const succeeding = aFailedTransaction(() => Promise.resolve());
    expect(await Promise.all([failing.ended, succeeding.ended])).toEqual(['mine', 'mine']);
    expect([failing.released, succeeding.released]).toEqual([[true], [false]]);
  });
});
