import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { DatabaseClient } from '../../src/database/connections/database-client.js';
import { openMigrationSession } from '../../src/database/migrations/migration-session.js';
import { openRegistryDatabase, type RegistryDatabase } from '../../src/database/registry-database.js';
import { openServiceDatabases } from '../../src/database/service-databases.js';
import { sendAll } from '../../src/database/statements/batch.js';
import { inTransaction } from '../../src/database/statements/in-transaction.js';
import { openLog } from '../../src/log.js';
import { createRegistryDatabase, type TestDatabase, uniqueName } from '../setup/database.js';
import settings from '../setup/hostile-settings.json' with { type: 'json' };
import { openPgBouncer, type PgBouncer } from '../setup/pgbouncer.js';
import { describeWithPgBouncer } from '../setup/with-pgbouncer.js';

/*
 * What a session is must not depend on the server, the database, the role, the URL or the environment: every connection of the
 * product reads the same values where all of them are hostile.
 */

// Only administrators can set the last one.
const hostile = { ...settings, session_replication_role: ['replica', 'origin'] };
const names = Object.keys(hostile);
const log = openLog('silent');

/** Values that differ from those which PostgreSQL has by default, by the kind of connection. */
const registryOwn = { search_path: 'public, pg_temp', statement_timeout: '30s', lock_timeout: '5s' };
const serviceOwn = {
  search_path: 'pg_catalog, pg_temp',
  row_security: 'off',
  statement_timeout: '10min',
  idle_in_transaction_session_timeout: '10s',
};

function expected(own: Record<string, string>): Record<string, string> {
  const usual = Object.fromEntries(Object.entries(hostile).map(([name, [, value]]) => [name, String(value)]));
  return { ...usual, ...own };
}

const readAll = `SELECT ${names.map((name) => `current_setting('${name}') AS "${name}"`).join(', ')},
  current_setting('transaction_isolation') AS isolation, current_setting('transaction_read_only') AS "readOnly"`;

type Values = Record<string, string>;

let registry: TestDatabase;
let url: string;
let role: string;

beforeAll(async () => {
  registry = await createRegistryDatabase();
  role = uniqueName('hostile');
  const server = new pg.Client({ connectionString: inject('postgresUrl') });
  await server.connect();
  try {
    await server.query(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD 'sesame'`);
    for (const [name, [value = '']] of Object.entries(hostile)) {
      const text = name === 'search_path' ? value : pg.escapeLiteral(value);
      // Half of them by the role, half by the database.
      const owner = names.indexOf(name) % 2 ? `ROLE ${role}` : `DATABASE ${registry.name}`;
      await server.query(`ALTER ${owner} SET ${name} = ${text}`);
    }
  } finally {
    await server.end();
  }
  const hostileUrl = new URL(registry.url);
  hostileUrl.username = role;
  hostileUrl.password = 'sesame';
  url = hostileUrl.href;
});

afterAll(() => registry.drop());

/** Opens the registry's database as the product does, for the duration of the work. */
async function inRegistry<T>(at: string, work: (database: RegistryDatabase) => Promise<T>): Promise<T> {
  const database = openRegistryDatabase(at, log);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function inService(at: string, kind: 'pooled' | 'own'): Promise<Values | undefined> {
  const reference = { databaseRef: 'FINANCE_DB_URL', databaseName: registry.name };
  const services = openServiceDatabases({ urls: { FINANCE_DB_URL: at }, log });
  try {
    // The second lease gets the same session after it was reset.
    for (const round of [1, 2]) {
      if (kind === 'own') {
        const client = await services.connect(reference, registry.name);
        return (await client.query<Values>(readAll).finally(() => client.end())).rows[0];
      }
      const values = await services.withConnection(reference, async (client) => {
        const { rows } = await client.query<Values>(readAll);
        await client.query(`SET TimeZone = 'Asia/Kolkata'; SET statement_timeout = '7s'`);
        return rows[0];
      });
      if (round === 2) return values;
    }
    return undefined;
  } finally {
    await services.close();
  }
}

function inClient(at: string, work: (client: pg.ClientBase) => Promise<Values | undefined>) {
  return inRegistry(at, async ({ pool }) => {
    const client = await pool.connect();
    try {
      return await work(client);
    } finally {
      client.release();
    }
  });
}

/** Every kind of connection, with what it pins besides. */
const connections: [string, Record<string, string>, (at: string) => Promise<Values | undefined>][] = [
  [
    'the pool of the hot path',
    registryOwn,
    (at) => inRegistry(at, async ({ pool }) => (await pool.query<Values>(readAll)).rows[0]),
  ],
  [
    'a statement with parameters',
    registryOwn,
    (at) =>
      inRegistry(at, async ({ pool }) => (await pool.query<Values>(`${readAll}, $1::text`, [''])).rows[0]),
  ],
  [
    'several statements in one message',
    registryOwn,
    (at) =>
      inClient(
        at,
        async (client) => (await sendAll(client, { text: readAll }, { text: 'SELECT 1' }))[0]?.rows[0],
      ),
  ],
  [
    'a transaction that begins with several statements in one message',
    registryOwn,
    (at) =>
      inClient(at, (client) =>
        inTransaction(client, async (_commit, [first]) => first?.rows[0], [
          { text: readAll },
          { text: 'SELECT 1' },
        ]),
      ),
  ],
  [
    'Prisma outside of a transaction',
    registryOwn,
    (at) => inRegistry(at, async ({ prisma }) => (await prisma.$queryRawUnsafe<Values[]>(readAll))[0]),
  ],
  [
    'a transaction of a command',
    registryOwn,
    (at) =>
      inRegistry(at, (database) =>
        database.transaction(async (tx) => {
          await tx.$queryRawUnsafe('SELECT 1');
          return (await tx.$queryRawUnsafe<Values[]>(readAll))[0];
        }),
      ),
  ],
  ['a lease of a service database', serviceOwn, (at) => inService(at, 'pooled')],
  ['a tenant’s own database', serviceOwn, (at) => inService(at, 'own')],
  [
    'the session of migrations',
    { search_path: 'public' },
    async (at) => {
      const session = await openMigrationSession(at);
      return (await session.query<Values>(readAll).finally(() => session.end())).rows[0];
    },
  ],
];

describe.each(connections)('%s', (_, own, read) => {
  let values: Values | undefined;

  beforeAll(async () => {
    vi.stubEnv('PGOPTIONS', '-c TimeZone=Asia/Kolkata -c search_path=elsewhere -c lock_timeout=3');
    vi.stubEnv('PGBINARY', '1');
    vi.stubEnv('PGCLIENT_ENCODING', 'LATIN1');
    try {
      const withOptions = new URL(url);
      withOptions.searchParams.set('options', '-c DateStyle=SQL -c statement_timeout=3333');
      values = await read(withOptions.href);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test.each(names)('%s is ours', (name) => {
    expect(values?.[name]).toBe(expected(own)[name]);
  });

  test('begins a transaction that is READ COMMITTED and may write', () => {
    expect(values).toMatchObject({ isolation: 'read committed', readOnly: 'off' });
  });
});

describeWithPgBouncer('behind PgBouncer in transaction mode', () => {
  let pooler: PgBouncer;

  beforeAll(async () => {
    pooler = await openPgBouncer(url, 3);
  });
  afterAll(() => pooler?.close());

  describe.each(connections.slice(0, 6))('%s', (_, own, read) => {
    let values: Values | undefined;
    beforeAll(async () => {
      values = await read(pooler.url);
    });

    test.each(names)('%s is ours', (name) => {
      expect(values?.[name]).toBe(expected(own)[name]);
    });
  });

  test('a transaction keeps its isolation level, and the results of several statements are its own', async () => {
    await inRegistry(pooler.url, async ({ pool }) => {
      const client = await pool.connect();
      try {
        await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
        const inside = await client.query<Values>(readAll);
        await client.query('COMMIT');
        const results: unknown = await client.query('SELECT 1 AS one; SELECT 2 AS two');
        expect(inside.rows[0]).toMatchObject({
          ...expected(registryOwn),
          isolation: 'repeatable read',
          readOnly: 'on',
        });
        expect((results as pg.QueryResult[]).map(({ rows }) => rows)).toEqual([[{ one: 1 }], [{ two: 2 }]]);
      } finally {
        client.release();
      }
    });
  });

  test('an error is that of the statement, and the next statement works', async () => {
    await inRegistry(pooler.url, async ({ pool }) => {
      await expect(pool.query('SELECT $1::int / 0', [1])).rejects.toMatchObject({ code: '22012' });
      await expect(pool.query('SELECT 1 / 0')).rejects.toMatchObject({ code: '22012' });
      await expect(pool.query('SELECT nothing')).rejects.toMatchObject({ code: '42703' });
      expect((await pool.query('SELECT $1::text AS a', ['x'])).rows).toEqual([{ a: 'x' }]);
    });
  });

  test('nothing of it stays in the sessions, which other clients use after us', async () => {
    const other = new pg.Client({ connectionString: pooler.url });
    await inRegistry(pooler.url, async ({ pool }) => {
      await Promise.all(Array.from({ length: 6 }, () => pool.query('SELECT pg_sleep(0.01)')));
    });
    await other.connect();
    const { rows } = await other.query<Values>(readAll).finally(() => other.end());
    expect(rows[0]).toMatchObject({
      search_path: 'nowhere, pg_catalog',
      lock_timeout: '1ms',
      isolation: 'serializable',
    });
  });

  test('what needs a session says which variable takes a direct URL', async () => {
    await expect(openMigrationSession(pooler.url)).rejects.toThrow('set DATABASE_DIRECT_URL');
    await expect(inService(pooler.url, 'pooled')).rejects.toThrow('set FINANCE_DB_DIRECT_URL');
  });
});

describeWithPgBouncer('behind PgBouncer in session mode', () => {
  test.each(connections)('%s', async (_, own, read) => {
    await using pooler = await openPgBouncer(url, 5, 'session');
    expect(await read(pooler.urlOf(registry.name))).toMatchObject(expected(own));
  });
});

describe('SQL by hand in a session whose settings are hostile', () => {
  /** Those that would end or refuse its statements are the session's own business. */
  const bearable = Object.entries(settings).filter(
    ([name]) => !/timeout|read_only|exit_on_error|client_encoding|row_security/.test(name),
  );
  let client: pg.Client;
  let own: TestDatabase;

  beforeAll(async () => {
    own = await createRegistryDatabase();
    client = new pg.Client({ connectionString: own.url });
    await client.connect();
    for (const [name, [value = '']] of bearable)
      await client.query(`SET ${name} = ${name === 'search_path' ? value : pg.escapeLiteral(value)}`);
  });
  afterAll(async () => {
    await client?.end();
    await own?.drop();
  });

  test('is recorded without personal data and with right hashes, and secrets are refused', async () => {
    const config = JSON.stringify({ email: { primary: 'sally.smith@shoes.example' } });
    await client.query(
      `INSERT INTO public.tenants (slug, name, primary_email, tenant_config)
       VALUES ('byhand', 'By hand', 'sally.smith@shoes.example', '${config}')`,
    );
    await client.query(
      `UPDATE public.tenants SET status = 'suspended', timezone = 'UTC' WHERE slug = 'byhand'`,
    );
    await client.query(`CALL public.register_tenant('procedure', 'By procedure')`);
    const secret = JSON.stringify({ email: { smtp: { password: 'hunter2 is so secret' } } });
    await expect(
      client.query(`UPDATE public.tenants SET tenant_config = '${secret}' WHERE slug = 'byhand'`),
    ).rejects.toMatchObject({ constraint: 'tenants_config_without_secrets' });

    const usual = new pg.Client({ connectionString: own.url });
    await usual.connect();
    try {
      const { rows } = await usual.query(
        `SELECT kind, concat(before, after) AS content, hash = registry_change_hash(entry) AS "isHashed",
                changed_at BETWEEN now() - interval '1 minute' AND now() + interval '1 minute' AS "isNow"
         FROM registry_change AS entry ORDER BY revision, position`,
      );
      expect(rows.map(({ kind, isHashed, isNow }) => [kind, isHashed, isNow])).toEqual(
        expect.arrayContaining([
          ['tenant.registered', true, true],
          ['tenant.suspended', true, true],
        ]),
      );
      expect(rows.every(({ isHashed }) => isHashed)).toBe(true);
      expect(rows.map(({ content }) => content).join()).not.toMatch(/smith|shoes/);
    } finally {
      await usual.end();
    }
  });
});

test('a plain connection would read the hostile values', async () => {
  const client = new DatabaseClient({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(readAll).finally(() => client.end());
  const differing = names.filter((name) => rows[0]?.[name] === hostile[name as keyof typeof hostile][0]);
  // The four of the startup message are ours already.
  expect(differing.length).toBe(names.length - 4);
});
