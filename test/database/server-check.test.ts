import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { countConnections } from '../../src/database/connections/connection-counts.js';
import { migrateRegistry } from '../../src/database/migrations/migrate.js';
import { findServerProblems, findServiceProblems } from '../../src/database/servers/find-server-problems.js';
import {
  judgeServer,
  ServerError,
  type ServerFacts,
  type ServerUse,
} from '../../src/database/servers/server-check.js';
import { uniqueName } from '../setup/database.js';
import { openPostgresServer, type PostgresServer } from '../setup/postgres-server.js';

const good: ServerFacts = {
  version: 150_004,
  isStandby: false,
  isReadOnly: false,
  role: 'own',
  database: 'da ta',
  hasPublic: true,
  mayUsePublic: true,
  mayCreateInPublic: true,
  mayCreateSchemas: true,
  mayEndSessions: true,
  maySeeStandbys: true,
  synchronousCommit: 'on',
  owner: null,
  ownsTables: true,
  isSuperuser: false,
  maxConnections: 100,
  reserved: 3,
  roleLimit: -1,
  databaseLimit: -1,
};
const registry: ServerUse = { of: 'registry', isRead: false, creates: true, connections: 33 };
const service: ServerUse = { of: 'service', isRead: false, creates: true, connections: 5 };
const grantPublic = 'GRANT USAGE, CREATE ON SCHEMA public TO "own"';

describe('what a server offers', () => {
  test.each<[Partial<ServerFacts>, Partial<ServerUse>, string[]]>([
    [{}, registry, []],
    [{}, service, []],
    [{ version: 180_000 }, registry, []],
    [{ version: 149_999 }, registry, ['The server is PostgreSQL 14: use PostgreSQL 15 or newer']],
    [
      { version: 140_000 },
      { ...registry, isRead: true },
      ['The server is PostgreSQL 14: use PostgreSQL 15 or newer'],
    ],
    [
      { isStandby: true, isReadOnly: true },
      registry,
      ['The server is a standby, which accepts no changes: set the URL to the primary server'],
    ],
    [{ isStandby: true, isReadOnly: true }, { ...registry, isRead: true }, []],
    [
      { isReadOnly: true },
      service,
      [
        'Database da ta is read-only: set the URL to the primary server, or end the read-only mode of the hosted service',
      ],
    ],
    [
      { hasPublic: false, mayUsePublic: false, mayCreateInPublic: false },
      registry,
      [`Database da ta has no schema public: CREATE SCHEMA public; ${grantPublic}`],
    ],
    [
      { mayCreateInPublic: false },
      registry,
      [`Role own may not create tables in schema public of database da ta: ${grantPublic}`],
    ],
    [{ mayCreateInPublic: false, owner: 'own' }, { ...registry, creates: false }, []],
    [
      { mayUsePublic: false, mayCreateInPublic: false },
      service,
      [
        `Role own may not create the procedures for services in schema public of database da ta: ${grantPublic}`,
      ],
    ],
    [
      { owner: 'Other', ownsTables: false },
      { ...registry, creates: false, isRead: true },
      [
        'Role own is not the owner of the registry’s tables in database da ta, which is Other: GRANT "Other" TO "own"',
      ],
    ],
    [{ owner: 'Other', ownsTables: false }, service, []],
    [
      { mayCreateSchemas: false },
      service,
      ['Role own may not create schemas in database da ta: GRANT CREATE ON DATABASE "da ta" TO "own"'],
    ],
    [{ mayCreateSchemas: false }, registry, []],
    [
      { mayEndSessions: false },
      service,
      [
        'Role own may not end sessions of services, so a suspension waits until they have left the tenant’s schema: GRANT pg_signal_backend TO "own"',
      ],
    ],
    [{ mayEndSessions: false }, registry, []],
    [
      { maxConnections: 25 },
      registry,
      [
        'The server accepts 22 connections of role own to database da ta, and this process opens up to 33: ' +
          'ALTER SYSTEM SET max_connections = 56 and restart the server, or set the URL to a pooler such as PgBouncer',
      ],
    ],
    [
      { roleLimit: 10, databaseLimit: 20 },
      registry,
      [
        'The server accepts 10 connections of role own to database da ta, and this process opens up to 33: ' +
          'ALTER ROLE "own" CONNECTION LIMIT -1; ALTER DATABASE "da ta" CONNECTION LIMIT -1, or set the URL to a pooler such as PgBouncer',
      ],
    ],
    [{ maySeeStandbys: false, synchronousCommit: 'off' }, registry, []],
    [
      { maySeeStandbys: false, synchronousCommit: 'remote_write' },
      { ...registry, requiresStandbys: true },
      [
        'Role own may not see the standbys, which REQUIRE_SYNC_STANDBYS asks for: ' +
          'GRANT pg_read_all_stats TO "own", or set REQUIRE_SYNC_STANDBYS=0',
      ],
    ],
    [
      { synchronousCommit: 'local' },
      { ...registry, requiresStandbys: true },
      [
        'Commits of role own wait for no standby (synchronous_commit = local), so a failover loses changes that were acknowledged: ' +
          `ALTER ROLE "own" SET synchronous_commit = 'on'`,
      ],
    ],
    [{ maxConnections: 25 }, { ...registry, connections: 0 }, []],
    [{ maxConnections: 34, isSuperuser: true, roleLimit: 1 }, registry, []],
  ])('%j, for %j', (facts, use, expected) => {
    expect(judgeServer({ ...good, ...facts }, { ...registry, ...use })).toEqual(expected);
  });

  test('is compared with the connections of all processes', () => {
    expect([1, 2, 4].map(countConnections)).toEqual([33, 94, 160]);
  });
});

describe('a server of another', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await openPostgresServer();
    await server.query(`CREATE ROLE bare LOGIN PASSWORD 'sesame'; CREATE ROLE owner LOGIN PASSWORD 'sesame';
      CREATE ROLE few LOGIN PASSWORD 'sesame' CONNECTION LIMIT 4`);
  });
  afterAll(() => server?.close());

  async function aDatabaseOf(owner = 'postgres'): Promise<string> {
    const name = uniqueName('other').slice(0, 60);
    await server.query(`CREATE DATABASE ${name} OWNER ${owner}`);
    onTestFinished(async () => void (await server.query(`DROP DATABASE ${name} WITH (FORCE)`)));
    return name;
  }

  function urlAs(role: string, database: string): string {
    const url = new URL(server.url(database));
    url.username = role;
    url.password = 'sesame';
    return url.href;
  }

  const failureOf = (migrating: Promise<unknown>) =>
    migrating.then(
      () => 'none',
      (error) => {
        expect(error).toBeInstanceOf(ServerError);
        return (error as Error).message;
      },
    );
  const tablesIn = (database: string) =>
    server.query(`SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace`, [], database);

  test('refuses nothing that a registry and a module need of the database’s owner', async () => {
    const name = await aDatabaseOf('owner');
    expect(await failureOf(migrateRegistry(urlAs('owner', name), { connections: 33 }))).toBe('none');
    expect(await failureOf(migrateRegistry(urlAs('owner', name), { connections: 33 }))).toBe('none');
  });

  test('where the role has no rights: all problems are one list, and nothing is made', async () => {
    const name = await aDatabaseOf();
    const migrating = migrateRegistry(urlAs('few', name), {
      connections: 33,
      variable: 'DATABASE_DIRECT_URL',
      findProblems: async () => ['DATABASE_URL: something else: do that'],
    });
    expect((await failureOf(migrating)).split('\n')).toEqual([
      `DATABASE_DIRECT_URL: Role few may not create tables in schema public of database ${name}: GRANT USAGE, CREATE ON SCHEMA public TO "few"`,
      `DATABASE_DIRECT_URL: The server accepts 4 connections of role few to database ${name}, and this process opens up to 33: ` +
        'ALTER ROLE "few" CONNECTION LIMIT -1, or set the URL to a pooler such as PgBouncer',
      'DATABASE_URL: something else: do that',
    ]);
    expect(await tablesIn(name)).toEqual([]);
  });

  test('where the SQL of the list was run: the registry is made', async () => {
    const name = await aDatabaseOf();
    const migrate = () => migrateRegistry(urlAs('bare', name));
    const [line = ''] = (await failureOf(migrate())).split('\n');
    await server.query(line.replace(/^.*: /, ''), [], name);
    expect(await failureOf(migrate())).toBe('none');
  });

  test('where another role owns the tables: one line, also for commands that only read', async () => {
    const name = await aDatabaseOf('owner');
    await migrateRegistry(urlAs('owner', name));
    for (const readOnly of [false, true])
      expect(await failureOf(migrateRegistry(urlAs('bare', name), { readOnly }))).toBe(
        `DATABASE_URL: Role bare is not the owner of the registry’s tables in database ${name}, which is owner: GRANT "owner" TO "bare"`,
      );
    await server.query('GRANT owner TO bare');
    onTestFinished(async () => void (await server.query('REVOKE owner FROM bare')));
    expect(await failureOf(migrateRegistry(urlAs('bare', name)))).toBe('none');
  });

  test('where schema public was dropped: one line', async () => {
    const name = await aDatabaseOf('owner');
    await server.query('DROP SCHEMA public', [], name);
    expect(await failureOf(migrateRegistry(urlAs('owner', name)))).toBe(
      `DATABASE_URL: Database ${name} has no schema public: CREATE SCHEMA public; GRANT USAGE, CREATE ON SCHEMA public TO "owner"`,
    );
  });

  test('whose settings say read-only is used, because sessions pin theirs', async () => {
    const name = await aDatabaseOf('owner');
    await server.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    expect(await failureOf(migrateRegistry(urlAs('owner', name)))).toBe('none');
  });

  test('with a role that may not see standbys, where they are required: one line, until it may', async () => {
    const name = await aDatabaseOf('owner');
    const use = {
      of: 'registry',
      isRead: false,
      creates: false,
      connections: 0,
      requiresStandbys: true,
    } as const;
    const problems = () => findServerProblems({ url: urlAs('owner', name), variable: 'DATABASE_URL', use });
    expect(await problems()).toEqual([
      'DATABASE_URL: Role owner may not see the standbys, which REQUIRE_SYNC_STANDBYS asks for: ' +
        'GRANT pg_read_all_stats TO "owner", or set REQUIRE_SYNC_STANDBYS=0',
    ]);
    const start = migrateRegistry(urlAs('owner', name), { requiresStandbys: true });
    expect(await failureOf(start)).toContain('GRANT pg_read_all_stats TO "owner"');
    await server.query('GRANT pg_monitor TO owner');
    expect(await problems()).toEqual([]);
    await server.query('REVOKE pg_monitor FROM owner');
  });

  test('that is a standby: one line, for the registry and for a module, and a command that reads goes on', async () => {
    const name = await aDatabaseOf('owner');
    await migrateRegistry(urlAs('owner', name));
    await using standby = await server.openStandby();
    const url = new URL(urlAs('owner', name));
    url.port = String(standby.port);
    const line = 'The server is a standby, which accepts no changes: set the URL to the primary server';
    expect(await failureOf(migrateRegistry(url.href))).toBe(`DATABASE_URL: ${line}`);
    expect(await failureOf(migrateRegistry(url.href, { readOnly: true }))).toBe('none');
    const use = { of: 'service', isRead: false, creates: true, connections: 5 } as const;
    expect(await findServerProblems({ url: url.href, variable: 'X_DB_URL', use })).toContain(
      `X_DB_URL: ${line}`,
    );
  });

  test('of modules: every problem has the variable and the SQL, and a server that is down is one line', async () => {
    const name = await aDatabaseOf();
    const problems = await findServiceProblems({
      serviceDatabaseUrls: {
        ONE_DB_URL: urlAs('few', name),
        TWO_DB_URL: 'postgres://someone:sesame@127.0.0.1:1/two',
        THREE_DB_URL: 'postgres://someone:sesame@127.0.0.1:1/pooled',
        FOUR_DB_URL: server.url(name),
      },
      serviceDatabaseDirectUrls: {
        THREE_DB_URL: server.url(name),
        FOUR_DB_URL: 'postgres://someone:sesame@127.0.0.1:1/four',
      },
    });
    expect(problems).toEqual([
      expect.stringMatching(
        /^ONE_DB_URL: Role few may not create the procedures for services .+: GRANT USAGE, CREATE ON SCHEMA public TO "few"$/,
      ),
      `ONE_DB_URL: Role few may not create schemas in database ${name}: GRANT CREATE ON DATABASE "${name}" TO "few"`,
      expect.stringMatching(
        /^ONE_DB_URL: Role few may not end sessions .+: GRANT pg_signal_backend TO "few"$/,
      ),
      expect.stringMatching(
        /^ONE_DB_URL: The server accepts 4 connections of role few .+: ALTER ROLE "few" CONNECTION LIMIT -1, or /,
      ),
      expect.stringMatching(
        /^Cannot connect to database "two" at 127\.0\.0\.1:1 as someone: .+: start the server, or correct the host and the port in TWO_DB_URL$/,
      ),
      expect.stringMatching(
        /^Cannot connect to database "four" .+ correct the host and the port in FOUR_DB_DIRECT_URL$/,
      ),
    ]);
  });
});
