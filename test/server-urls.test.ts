import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ConfigError, readConfig } from '../src/config.js';
import { DatabaseClient } from '../src/database/connections/database-client.js';
import {
  describeServer,
  findPostgresUrlProblems,
  libpqUrl,
  postgresParameters,
  readPostgresUrl,
  withDatabase,
} from '../src/urls/postgres-url.js';
import { readRedisUrl, redisParameters } from '../src/urls/redis-url.js';

/** A URL of each setting with its other half, where it needs one. */
const base = 'postgres://user:sesame@db.example/registry';
const postgresSettings: [string, Record<string, string>][] = [
  ['DATABASE_URL', {}],
  ['DATABASE_DIRECT_URL', { DATABASE_URL: base }],
  ['FINANCE_DB_URL', {}],
  ['FINANCE_DB_DIRECT_URL', { FINANCE_DB_URL: base }],
  ['FINANCE_DB_READ_URL', { FINANCE_DB_URL: base }],
  ['CRM_DSN', { MODULE_DB_VARIABLES: 'CRM_DSN' }],
];

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const problemsOfDatabase = (url: string) => problemsOf({ DATABASE_URL: url });

/** Parameters of other programs, from their documents. */
const libpq = [
  ...[
    'host',
    'hostaddr',
    'port',
    'dbname',
    'user',
    'password',
    'passfile',
    'require_auth',
    'channel_binding',
  ],
  ...['connect_timeout', 'client_encoding', 'options', 'application_name', 'fallback_application_name'],
  ...[
    'keepalives',
    'keepalives_idle',
    'keepalives_interval',
    'keepalives_count',
    'tcp_user_timeout',
    'replication',
  ],
  ...[
    'gssencmode',
    'sslmode',
    'requiressl',
    'sslnegotiation',
    'sslcompression',
    'sslcert',
    'sslkey',
    'sslkeylogfile',
  ],
  ...['sslpassword', 'sslcertmode', 'sslrootcert', 'sslcrl', 'sslcrldir', 'sslsni', 'requirepeer'],
  ...['ssl_min_protocol_version', 'ssl_max_protocol_version', 'min_protocol_version', 'max_protocol_version'],
  ...[
    'krbsrvname',
    'gsslib',
    'gssdelegation',
    'scram_client_key',
    'scram_server_key',
    'service',
    'servicefile',
  ],
  ...['target_session_attrs', 'load_balance_hosts', 'oauth_issuer', 'oauth_client_id', 'oauth_client_secret'],
  ...['oauth_scope'],
];
const prisma = [
  ...['schema', 'connection_limit', 'connect_timeout', 'pool_timeout', 'sslmode', 'sslcert', 'sslidentity'],
  ...[
    'sslpassword',
    'sslaccept',
    'host',
    'socket_timeout',
    'pgbouncer',
    'application_name',
    'channel_binding',
  ],
  ...['options', 'statement_cache_size', 'max_connection_lifetime', 'max_idle_connection_lifetime'],
];
const driver = [
  ...['ssl', 'uselibpqcompat', 'enableChannelBinding', 'statement_timeout', 'lock_timeout', 'query_timeout'],
  ...[
    'idle_in_transaction_session_timeout',
    'connectionTimeoutMillis',
    'keepAlive',
    'keepAliveInitialDelayMillis',
  ],
  ...[
    'binary',
    'encoding',
    'db',
    'database',
    'max',
    'min',
    'idleTimeoutMillis',
    'maxUses',
    'allowExitOnIdle',
  ],
  ...['maxLifetimeSeconds'],
];
const ioredis = [
  ...[
    'family',
    'db',
    'username',
    'password',
    'host',
    'port',
    'path',
    'tls',
    'sentinels',
    'name',
    'keyPrefix',
  ],
  ...[
    'connectTimeout',
    'commandTimeout',
    'maxRetriesPerRequest',
    'lazyConnect',
    'enableOfflineQueue',
    'keepAlive',
  ],
  ...[
    'connectionName',
    'enableReadyCheck',
    'protocol',
    'ssl_cert_reqs',
    'ssl_ca_certs',
    'ssl_certfile',
    'ssl_keyfile',
  ],
  ...[
    'skip_verify',
    'dial_timeout',
    'read_timeout',
    'write_timeout',
    'pool_size',
    'max_connections',
    'timeout',
  ],
];

describe('every parameter', () => {
  test.each([...new Set([...libpq, ...prisma, ...driver])])(
    '%s of a URL of PostgreSQL has an effect or is refused by name',
    (name) => {
      expect(postgresParameters).toHaveProperty([name]);
      const [problem, ...others] = problemsOfDatabase(`${base}?${name}=`);
      // None accepts an empty value.
      expect(problem).toMatch(
        new RegExp(`^DATABASE_URL: its parameter ${name} (is refused: \\w|has a wrong value: expected \\w)`),
      );
      expect(others).toEqual([]);
    },
  );

  test.each([...new Set(ioredis)])('%s of REDIS_URL has an effect or is refused by name', (name) => {
    expect(redisParameters).toHaveProperty([name]);
    const [problem] = problemsOf({ REDIS_URL: `redis://cache?${name}=` });
    expect(problem).toMatch(
      new RegExp(`^REDIS_URL: its parameter ${name} (is refused: \\w|has a wrong value: expected \\w)`),
    );
  });

  test.each(postgresSettings)('of %s is read by the same table', (name, others) => {
    const problems = problemsOf({ ...others, [name]: `${base}?connection_limit=1&sslmode=prefer&hunter2=x` });
    expect(problems).toEqual([
      `${name}: its parameter connection_limit is refused: remove it; the sizes of the pools are fixed (docs/operations.md has the numbers)`,
      `${name}: its parameter sslmode has a wrong value: expected one of disable, verify-full, require, verify-ca, no-verify`,
      `${name}: its parameter hunter2 is not known: remove it, or correct its name`,
    ]);
  });
});

describe('a URL of PostgreSQL', () => {
  test.each([
    ['schema=public&pgbouncer=true&client_encoding=utf8'],
    ['sslmode=disable&channel_binding=prefer'],
    ['sslmode=require&channel_binding=require&sslnegotiation=direct'],
    [
      'sslmode=verify-ca&sslrootcert=system&ssl_min_protocol_version=TLSv1.2&ssl_max_protocol_version=TLSv1.3',
    ],
    ['options=endpoint%3Dblue&application_name=x&ssl=true'],
  ])('with ?%s is accepted', (query) => {
    expect(problemsOfDatabase(`${base}?${query}`)).toEqual([]);
  });

  test.each([
    ['?schema=tenants', 'its parameter schema has a wrong value: expected public'],
    ['?sslmode=disable&sslmode=require', 'its parameter sslmode is given more than once: give it once'],
    ['?ssl=true&sslmode=require', 'its parameters ssl and sslmode say the same: give sslmode alone'],
    ['?sslrootcert=system', 'its parameter sslrootcert needs TLS: add sslmode=verify-full'],
    [
      '?sslmode=disable&channel_binding=require',
      'its parameter channel_binding needs TLS: add sslmode=verify-full',
    ],
    [
      '?sslmode=require&sslcert=/etc/passwd',
      'its parameters sslcert and sslkey belong together: give both, or neither',
    ],
    [
      '?host=one,two',
      'its parameter host has a wrong value: expected one host, or the folder of a Unix socket',
    ],
    ['?port=0', 'its parameter port has a wrong value: expected a port number'],
    ['#sesame', 'it has a #: write %23 where that belongs to a name or a password'],
    [
      '?&=sesame',
      'it has a parameter whose name is not known: remove it; in a password write ? as %3F, & as %26, # as %23 and so on',
    ],
  ])('with %s is refused in one line', (rest, problem) => {
    const problems = problemsOfDatabase(`${base}${rest}`);
    expect(problems).toContain(`DATABASE_URL: ${problem}`);
    expect(problems.join()).not.toContain('sesame');
  });

  test.each([
    ['PGSSLMODE', 'verify_full', 'PGSSLMODE must be one of'],
    ['PGSSLMODE', 'VERIFY-FULL', 'PGSSLMODE must be one of'],
    ['PGSSLMODE', 'true', 'PGSSLMODE must be one of'],
    ['PGSSLMODE', 'verify-full ', 'PGSSLMODE must be one of'],
    ['PGCHANNELBINDING', 'require', 'PGCHANNELBINDING has no effect here'],
  ])('beside %s=%j is refused, for which the driver would connect without', (name, value, problem) => {
    const env = { DATABASE_URL: 'postgres://u:p@db.example/n', AUTH_MODE: 'required', [name]: value };
    expect(() => readConfig(env)).toThrow(problem);
    expect(() => readConfig({ ...env, [name]: '' })).not.toThrow();
  });

  test('of a Unix socket takes parameters of TLS, which have no effect there', () => {
    for (const place of ['postgres://u@%2Fvar%2Frun/n?', 'postgres://u@/n?host=/var/run&'])
      expect(findPostgresUrlProblems(`${place}sslrootcert=/ca`)).toEqual([]);
  });

  test('with several hosts is refused in one line', () => {
    for (const url of ['postgres://u:sesame@one,two/d', 'postgres://u:sesame@one:1,two:2/d'])
      expect(problemsOfDatabase(url)).toEqual([
        'DATABASE_URL: it names several hosts: name one host that leads to the primary server',
      ]);
  });

  test.each([
    [
      'postgres://u:p@db/name',
      { host: 'db', port: undefined, database: 'name', user: 'u', password: 'p' },
      'db:5432',
    ],
    ['postgres://[::1]:6543/name', { host: '::1', port: 6543 }, '[::1]:6543'],
    ['postgres:///name', { host: undefined, user: undefined, password: undefined }, 'localhost:5432'],
    ['postgres:///name?host=/var/run/pg', { host: '/var/run/pg', tls: 'none' }, '/var/run/pg/.s.PGSQL.5432'],
    [
      'postgres://u:p@/name?host=/tmp&port=7',
      { host: '/tmp', port: 7, user: 'u', password: 'p' },
      '/tmp/.s.PGSQL.7',
    ],
    [
      'postgres://u:p@localhost/name?host=/cloudsql/a:b:c',
      { host: '/cloudsql/a:b:c' },
      '/cloudsql/a:b:c/.s.PGSQL.5432',
    ],
    [
      'postgres://u@%2Fvar%2Frun:7/name?sslmode=require',
      { host: '/var/run', port: 7, tls: 'none' },
      '/var/run/.s.PGSQL.7',
    ],
    ['postgres://u:p%40%2F@db/a%2Fb%20c', { database: 'a/b c', password: 'p@/' }, 'db:5432'],
    [
      'postgres://db?dbname=x&user=u&password=p%26',
      { database: 'x', user: 'u', password: 'p&', tls: 'default' },
      'db:5432',
    ],
  ])('%s leads to the place it names, for the driver and for grants', (url, expected, server) => {
    expect(problemsOfDatabase(url)).toEqual([]);
    const target = readPostgresUrl(url);
    expect(target).toMatchObject(expected);
    expect(describeServer(target)).toBe(server);
    vi.stubEnv('PGHOST', 'of-the-environment');
    try {
      const client = new DatabaseClient({ connectionString: url });
      expect(client).toMatchObject({
        host: target.host ?? 'of-the-environment',
        port: target.port ?? 5432,
        database: target.database,
      });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test.each([
    ['postgres://u:p@db/one?sslmode=require', 'postgres://u:p@db/t%22%2F?sslmode=require'],
    ['postgres://u:p@/one?host=/tmp', 'postgres://u:p@/t%22%2F?host=%2Ftmp'],
    ['postgres://db?dbname=one', 'postgres://db/t%22%2F'],
  ])('%s leads to another database of its server', (url, expected) => {
    expect(withDatabase(url, 't"/')).toBe(expected);
    expect(readPostgresUrl(expected).database).toBe('t"/');
  });

  test.each([
    ['postgres://u:sesame@db:7/n?schema=public&pgbouncer=true', 'postgresql:///n?host=db&port=7&user=u'],
    ['postgres://u:sesame@/n?host=/tmp', 'postgresql:///n?host=%2Ftmp&user=u'],
    ['postgres://u@db/n?sslmode=no-verify', 'postgresql:///n?host=db&user=u&sslmode=require'],
    ['postgres://u@db/n?sslmode=require', 'postgresql:///n?host=db&user=u&sslmode=verify-full'],
    ['postgres://u@db/n?sslmode=verify-ca', 'postgresql:///n?host=db&user=u&sslmode=verify-ca'],
    ['postgres://u@db/n?ssl=1', 'postgresql:///n?host=db&user=u&sslmode=verify-full'],
    ['postgres://u@db/n?ssl=0', 'postgresql:///n?host=db&user=u&sslmode=disable'],
    ['postgres://u@db/n?ssl=no-verify', 'postgresql:///n?host=db&user=u&sslmode=require'],
    [
      'postgres://u@db/n?sslmode=verify-full&sslrootcert=/ca&sslpassword=sesame',
      'postgresql:///n?host=db&user=u&sslmode=verify-full&sslrootcert=%2Fca',
    ],
    ['postgres:///n', 'postgresql:///n'],
  ])('%s is given to psql in the form of libpq, without a password', (url, expected) => {
    expect(libpqUrl(url, undefined)).toBe(expected);
  });
});

describe('REDIS_URL', () => {
  test.each([
    ['redis://cache?family=0', { family: 0, tls: undefined }],
    ['redis://u:p@cache:7/3?family=6', { family: 6, database: 3, nodes: [{ host: 'cache', port: 7 }] }],
    ['rediss://cache?sslmode=no-verify', { tls: { verifies: 'nothing' } }],
    ['rediss://cache', { tls: { verifies: 'certificate and host' }, family: undefined }],
    ['redis://one?family=0,redis://two?family=0', { kind: 'cluster', family: 0 }],
    [
      'redis-sentinel://one,two/primary/2?family=6',
      { kind: 'sentinel', family: 6, name: 'primary', database: 2 },
    ],
  ])('%s is honoured', (url, expected) => {
    expect(readConfig({ REDIS_URL: url }).redisUrl).toBe(url);
    expect(readRedisUrl(url)).toMatchObject(expected);
  });

  test.each([
    [
      'redis://:one@cache,redis://:two@other',
      'its user or password differs between the nodes of the Cluster: give it with the first node only',
    ],
    ['redis://cache?family=5', 'its parameter family has a wrong value: expected one of 0, 4, 6'],
    [
      'redis://cache?db=3',
      'its parameter db is refused: write it in the URL: redis://user:password@host:6379/0',
    ],
    [
      'redis://cache?sslrootcert=/ca',
      'its parameter sslrootcert needs TLS: write rediss:// (TLS with Sentinels is not supported)',
    ],
    [
      'redis-sentinel://cache?sslmode=no-verify',
      'its parameter sslmode needs TLS: write rediss:// (TLS with Sentinels is not supported)',
    ],
    [
      'redis://one?family=0,redis://two',
      'its parameters differ between the nodes of the Cluster: give every node the same',
    ],
    ['redis://cache?sesame=1', 'its parameter sesame is not known: remove it, or correct its name'],
    [
      'rediss://cache?sslcert=/etc/passwd',
      'its parameters sslcert and sslkey belong together: give both, or neither',
    ],
  ])('%s is refused in one line', (url, problem) => {
    expect(problemsOf({ REDIS_URL: url })).toEqual([`REDIS_URL: ${problem}`]);
  });
});

describe('files of TLS', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenant-registry-'));
    await writeFile(
      join(folder, 'no.pem'),
      '-----BEGIN CERTIFICATE-----\nsesame\n-----END CERTIFICATE-----\n',
    );
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each([
    [
      'sslrootcert',
      'sslrootcert=/nowhere/ca.pem',
      /^X: its parameter sslrootcert names the file \/nowhere\/ca.pem, which cannot be read \(ENOENT\): correct the path$/,
    ],
    [
      'sslcrl',
      'sslcrl=/',
      /^X: its parameter sslcrl names the file \/, which cannot be read \(EISDIR\): correct the path$/,
    ],
    [
      'sslrootcert',
      'sslrootcert=FOLDER/no.pem',
      /^X: its parameter sslrootcert cannot be used \(.+\): expected PEM files with the certificates of authorities$/,
    ],
    [
      'sslcert',
      'sslcert=FOLDER/no.pem&sslkey=FOLDER/no.pem',
      /^X: its parameter sslcert with sslkey cannot be used \(.+\): expected PEM files with a certificate/,
    ],
  ])('that cannot be used are refused at the start: %s=%s', (_, query, problem) => {
    const given = query.replaceAll('FOLDER', folder);
    for (const [variable, url] of [
      ['FINANCE_DB_URL', `${base}?sslmode=verify-full&${given}`],
      ['REDIS_URL', `rediss://cache?${given}`],
    ] as const) {
      const [found, ...others] = problemsOf({ [variable]: url });
      expect(found?.replace(variable, 'X')).toMatch(problem);
      expect(others).toEqual([]);
    }
  });
});
