import { existsSync } from 'node:fs';
import { BlockList } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from '../src/config.js';
import { settings } from '../src/settings/settings.js';
import { aDataDir, run } from './setup/process.js';

const database = 'postgres://someone:sesame@db.example:5432/registry';
const wrongUrl =
  'has a wrong value, which is not shown because it may hold a password: ' +
  'expected a URL such as postgres://user:password@host:5432/database, with names of at most 63 bytes';
const openRefused =
  'AUTH_MODE is "open", which is allowed only with the embedded registry database (no DATABASE_URL) on a loopback HOST: ' +
  'unset AUTH_MODE, and create a key with "tenant-registry keys create"';
const logLevels =
  'one of fatal, error, warn, info, debug, trace, silent, and for parts such as info,feed=debug one of requests, feed, cache, ' +
  'database, provisioning, importing';

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('the configuration', () => {
  test('of an empty environment suits a machine without any service', () => {
    expect(readConfig({})).toEqual({
      databaseUrl: undefined,
      serviceDatabaseUrls: {},
      serviceDatabaseReadUrls: {},
      databaseDirectUrl: undefined,
      serviceDatabaseDirectUrls: {},
      moduleDbVariables: [],
      host: '127.0.0.1',
      port: 4000,
      basePath: '',
      corsOrigins: [],
      keepAliveTimeoutMs: 75_000,
      dataDir: '.data',
      modulesDir: new URL('../modules', import.meta.url).pathname,
      authMode: 'open',
      showsGraphiql: true,
      requiresTrustedDocuments: false,
      rates: { failedAuthenticationsPerMinute: 30, documentMsPer10Seconds: 50, mutationsPerMinute: 6_000 },
      logLevel: { rest: 'info', parts: {} },
      logRequests: 'failed',
      configRules: { secretNames: [], allowsPrivateUrls: false },
      redisUrl: undefined,
      stalenessMs: 5_000,
      requiredStandbys: 0,
      traceFolder: undefined,
      shutdownTimeoutMs: 10_000,
      requestLimits: {
        queryTimeoutMs: 10_000,
        budgets: { resolve: 1_000, read: 20_000 },
        answerBytes: 10_000_000,
        streamsPerCaller: 200,
        streamsPerGateway: 5_000,
        shedDelayMs: 250,
      },
      runsWorker: true,
      heartbeatMs: 5_000,
      takeOverAfterMs: 15_000,
      driftScanHours: 24,
      auditKey: undefined,
      apiKeyLifetimeDays: 365,
      tokenKeyLifetimeDays: 90,
      identityProvider: undefined,
      adminLogin: undefined,
    });
  });

  test('accepts every variable and trims blanks around its value', () => {
    expect(
      readConfig({
        DATABASE_URL: ` ${database} `,
        DATABASE_DIRECT_URL: ` ${database}?application_name=direct `,
        FINANCE_DB_DIRECT_URL: ` ${database}?application_name=direct `,
        FINANCE_DB_URL: `${database}?sslmode=require\n`,
        FINANCE_DB_READ_URL: ` ${database}?user=reader `,
        MODULE_DB_VARIABLES: ' CRM_PRIMARY_URL , CRM_DSN ',
        HOST: ' 0.0.0.0 ',
        PORT: ' 8080 ',
        ADMIN_PORT: ' 8081 ',
        BASE_PATH: ' /registry/ ',
        CORS_ORIGINS: 'https://admin.acme.example, http://localhost:5173',
        KEEP_ALIVE_TIMEOUT_MS: ' 5000 ',
        DATA_DIR: ' /data ',
        MODULES_DIR: ' /modules ',
        CLIENTS_DIR: ' /clients ',
        SECRET_NAMES: ' SUPABASE_URL, SUPABASE_ANON_KEY ',
        PRIVATE_URLS: ' allow ',
        AUTH_MODE: ' required ',
        GRAPHIQL: ' on ',
        TRUSTED_DOCUMENTS: ' required ',
        RATE_FAILED_AUTHENTICATIONS: ' 10 ',
        RATE_DOCUMENT_MS: ' 70 ',
        RATE_MUTATIONS: ' 0 ',
        RATE_RESOLUTIONS: ' 20000 ',
        RATE_TENANT_RESOLUTIONS: ' 500 ',
        TRUSTED_PROXIES: ' 10.0.0.0/8, ::1 ',
        LOG_LEVEL: ' debug ',
        LOG_REQUESTS: ' all ',
        REDIS_URL: ' redis://cache:6379 ',
        STALENESS_BOUND_MS: ' 2000 ',
        REQUIRE_SYNC_STANDBYS: ' 2 ',
        PROTOCOL_TRACE: ' /tmp/trace ',
        SHUTDOWN_TIMEOUT_MS: ' 2500 ',
        QUERY_TIMEOUT_MS: ' 2000 ',
        QUERY_BUDGET: ' 3000 ',
        QUERY_BUDGET_RESOLVE: ' 600 ',
        ANSWER_LIMIT_MB: ' 2 ',
        STREAMS_PER_CALLER: ' 5 ',
        STREAMS_PER_GATEWAY: ' 50 ',
        SHED_DELAY_MS: '60',
        WORKER: ' none ',
        OPERATION_HEARTBEAT_MS: ' 1000 ',
        OPERATION_TAKE_OVER_MS: ' 4000 ',
        JWT_ISSUER: ' https://login.example/ ',
        JWT_AUDIENCE: ' registry ',
        DRIFT_SCAN_HOURS: '0',
        AUDIT_KEY: 'a'.repeat(32),
        API_KEY_LIFETIME_DAYS: ' 30 ',
        TOKEN_KEY_LIFETIME_DAYS: ' 7 ',
      }),
    ).toEqual({
      databaseUrl: database,
      serviceDatabaseUrls: { FINANCE_DB_URL: `${database}?sslmode=require` },
      serviceDatabaseReadUrls: { FINANCE_DB_URL: `${database}?user=reader` },
      databaseDirectUrl: `${database}?application_name=direct`,
      serviceDatabaseDirectUrls: { FINANCE_DB_URL: `${database}?application_name=direct` },
      moduleDbVariables: ['CRM_PRIMARY_URL', 'CRM_DSN'],
      host: '0.0.0.0',
      port: 8080,
      adminPort: 8081,
      basePath: '/registry',
      corsOrigins: ['https://admin.acme.example', 'http://localhost:5173'],
      keepAliveTimeoutMs: 5_000,
      dataDir: '/data',
      modulesDir: '/modules',
      clientsDir: '/clients',
      configRules: { secretNames: ['SUPABASE_URL', 'SUPABASE_ANON_KEY'], allowsPrivateUrls: true },
      authMode: 'required',
      showsGraphiql: true,
      requiresTrustedDocuments: true,
      rates: {
        failedAuthenticationsPerMinute: 10,
        documentMsPer10Seconds: 70,
        resolutionsPerSecond: 20_000,
        tenantResolutionsPerSecond: 500,
      },
      trustedProxies: expect.any(BlockList),
      logLevel: { rest: 'debug', parts: {} },
      logRequests: 'all',
      redisUrl: 'redis://cache:6379',
      stalenessMs: 2_000,
      requiredStandbys: 2,
      traceFolder: '/tmp/trace',
      shutdownTimeoutMs: 2_500,
      requestLimits: {
        queryTimeoutMs: 2_000,
        budgets: { resolve: 600, read: 3_000 },
        answerBytes: 2_000_000,
        streamsPerCaller: 5,
        streamsPerGateway: 50,
        shedDelayMs: 60,
      },
      runsWorker: false,
      heartbeatMs: 1_000,
      takeOverAfterMs: 4_000,
      driftScanHours: 0,
      auditKey: 'a'.repeat(32),
      apiKeyLifetimeDays: 30,
      tokenKeyLifetimeDays: 7,
      identityProvider: {
        issuer: 'https://login.example/',
        audience: 'registry',
        jwksUrl: undefined,
        audienceClaim: 'aud',
        types: ['jwt', 'at+jwt'],
        maxLifetimeSeconds: 86_400,
        scopes: undefined,
        scopeClaims: ['scope'],
        scopePrefix: '',
      },
    });
  });

  test('treats an empty or blank variable as not set', () => {
    const names = [
      ...['DATABASE_URL', 'FINANCE_DB_URL', 'HOST', 'PORT', 'DATA_DIR', 'MODULES_DIR', 'CLIENTS_DIR'],
      ...['AUTH_MODE', 'LOG_LEVEL', 'LOG_REQUESTS', 'SHUTDOWN_TIMEOUT_MS', 'REDIS_URL', 'STALENESS_BOUND_MS'],
    ];
    for (const blank of ['', '  '])
      expect(readConfig(Object.fromEntries(names.map((name) => [name, blank])))).toEqual(readConfig({}));
  });

  test.each([
    ['PORT', ['abc', '-1', '65536', '4.5', '1e3', '0x50', '+80', '٣'], 'a whole number from 0 to 65535'],
    ['ADMIN_PORT', ['no', '65536'], 'a whole number from 0 to 65535'],
    ['REQUIRE_SYNC_STANDBYS', ['one', '-1', '101'], 'a whole number from 0 to 100'],
    ['SHUTDOWN_TIMEOUT_MS', ['soon', '99', '600001', '-5', '1s'], 'a whole number from 100 to 600000'],
  ])('refuses %s with a value like %j', (name, values, expected) => {
    for (const value of values)
      expect(problemsOf({ [name]: value })).toEqual([`${name} is "${value}": expected ${expected}`]);
  });

  test.each([
    ['PORT', ['0', '1', '65535', '0080']],
    ['SHUTDOWN_TIMEOUT_MS', ['100', '600000']],
    ['LOG_LEVEL', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']],
    ['LOG_REQUESTS', ['all', 'failed', 'none']],
    ['AUTH_MODE', ['open', 'required']],
  ])('accepts %s with a value like %j', (name, values) => {
    for (const value of values) expect(problemsOf({ [name]: value })).toEqual([]);
  });

  test.each([
    ['LOG_REQUESTS', ['some', 'ALL', 'true'], 'one of all, failed, none'],
    ['AUTH_MODE', ['none', 'OPEN', 'open,required'], 'one of open, required'],
    ['LOG_LEVEL', ['loud', 'INFO', '30'], logLevels],
    ['WORKER', ['outside', 'INSIDE'], 'one of inside, none'],
    ['GRAPHIQL', ['true', 'ON'], 'one of on, off'],
    ['TRUSTED_DOCUMENTS', ['on', 'REQUIRED'], 'one of off, required'],
    ['RATE_DOCUMENT_MS', ['-1', '10001'], 'a whole number from 0 to 10000'],
    ['RATE_MUTATIONS', ['-1', 'many'], 'a whole number from 0 to 100000000'],
    [
      'TRUSTED_PROXIES',
      ['10.0.0.0/33', '::1/129', 'proxy.internal', '10.0.0.1,', '10.0.0/8', '10.0.0.1/', '10.0.0.1/8/8'],
      'IP addresses and networks separated by commas, such as 10.0.0.0/8,192.168.1.5,fd00::/8',
    ],
    ['PRIVATE_URLS', ['yes', 'ALLOW'], 'one of refuse, allow'],
    [
      'CORS_ORIGINS',
      [
        ...[
          '*',
          'null',
          'https://*.acme.example',
          'acme.example',
          'https://acme.example/',
          'https://acme.example/app',
        ],
        ...[
          'HTTPS://Acme.example',
          'ftp://acme.example',
          'https://a@acme.example',
          'https://acme.example:443',
        ],
        'https://acme.example,,https://b.example',
      ],
      'origins separated by commas, each exactly as browsers send it, such as https://admin.example.com,http://localhost:5173; ' +
        'a path, a slash at the end and * are not accepted',
    ],
    [
      'MODULE_DB_VARIABLES',
      [
        'A,,B',
        'A B',
        'a_url',
        'DATABASE_URL',
        'X_URL,REDIS_URL',
        'HOST',
        'JWT_JWKS_URL',
        'DATABASE_DIRECT_URL',
      ],
      'names of variables separated by commas, such as CRM_PRIMARY_URL, none of them a setting of the gateway',
    ],
    [
      'SECRET_NAMES',
      ['A,,B', 'A B', `\${A}`, 'A-B', '1A', ','],
      'names of variables separated by commas, such as SUPABASE_URL,SUPABASE_ANON_KEY',
    ],
  ])('refuses %s with a value like %j', (name, values, expected) => {
    for (const value of values)
      expect(problemsOf({ [name]: value })).toEqual([`${name} is "${value}": expected ${expected}`]);
  });

  test.each(['DATABASE_URL', 'OPERATIONS_DB_URL', 'FINANCE_DB_URL', 'MY_OWN_MODULE_DB_URL'])(
    'refuses %s when it is not the URL of a PostgreSQL database, and does not repeat its value',
    (name) => {
      const wrong = [
        ...['sesame', 'localhost:5432', '/var/run/postgresql', 'mysql://u:sesame@h/d', 'http://u:sesame@h/d'],
        ...['postgres://u:sesame@h', 'postgres://u:sesame@h/', 'postgres://u:sesame@h:port/d'],
        ...['postgres://u:sesame@h:70000/d', 'postgres://u:sesame@h/d%zz', 'postgres:sesame', 'file:///d'],
        // PostgreSQL would cut these names, and connect to another database or as another role.
        ...[`postgres://u:sesame@h/${'d'.repeat(64)}`, `postgres://${'u'.repeat(64)}:sesame@h/d`],
        ...[`postgres://u:sesame@h/${'%C3%BC'.repeat(32)}`, `postgres://u:sesame@h/${'ü'.repeat(32)}`],
      ];
      for (const value of wrong)
        expect(problemsOf({ [name]: value }), value).toEqual([`${name} ${wrongUrl}`]);
    },
  );

  test('takes service databases only from <MODULE>_DB_URL and from MODULE_DB_VARIABLES', () => {
    const env = {
      FINANCE_DB_URL: database,
      CRM_PRIMARY_URL: 'postgresql://crm@localhost/crm',
      CRM_DSN: database,
      REDIS_URL: 'redis://localhost',
      OTHER_URL: database,
      finance_db_url: database,
      DATABASE_URL: database,
      FINANCE_DB_READ_URL: database,
    };
    expect(Object.keys(readConfig(env).serviceDatabaseUrls)).toEqual(['FINANCE_DB_URL']);
    const listed = readConfig({ ...env, MODULE_DB_VARIABLES: 'CRM_PRIMARY_URL,CRM_DSN' });
    expect(listed.serviceDatabaseUrls).toEqual({
      FINANCE_DB_URL: database,
      CRM_PRIMARY_URL: 'postgresql://crm@localhost/crm',
      CRM_DSN: database,
    });
  });

  test('refuses a direct URL that is none, or that stands alone, and does not repeat its value', () => {
    expect(problemsOf({ FINANCE_DB_URL: database, FINANCE_DB_DIRECT_URL: 'sesame' })).toEqual([
      `FINANCE_DB_DIRECT_URL ${wrongUrl}`,
    ]);
    expect(problemsOf({ DATABASE_URL: database, DATABASE_DIRECT_URL: 'sesame' })).toEqual([
      `DATABASE_DIRECT_URL ${wrongUrl}`,
    ]);
    for (const kind of ['READ', 'DIRECT'])
      expect(problemsOf({ [`FINANCE_DB_${kind}_URL`]: database })).toEqual([
        `FINANCE_DB_${kind}_URL is set without FINANCE_DB_URL: set both, or neither`,
      ]);
    for (const kind of ['READ', 'DIRECT'])
      expect(problemsOf({ MODULE_DB_VARIABLES: 'CRM_DSN', [`CRM_DSN_${kind}_URL`]: database })).toEqual([
        `CRM_DSN_${kind}_URL is set without CRM_DSN: set both, or neither`,
      ]);
    expect(problemsOf({ DATABASE_DIRECT_URL: database })).toEqual([
      'DATABASE_DIRECT_URL is set without DATABASE_URL: set both, or neither',
    ]);
  });

  test('refuses a URL for reading that is none, or that names another database', () => {
    const problemsWith = (url: string) => problemsOf({ FINANCE_DB_URL: database, FINANCE_DB_READ_URL: url });
    expect(problemsWith('sesame')).toEqual([`FINANCE_DB_READ_URL ${wrongUrl}`]);
    expect(problemsWith(`${database}2`)).toEqual([
      'FINANCE_DB_READ_URL names another database than FINANCE_DB_URL: expected the same database with another role',
    ]);
    expect(problemsWith(database)).toEqual([]);
  });

  test('reads only variables that the table of settings describes', () => {
    const read = new Set<string>();
    readConfig(new Proxy({}, { get: (_env, name) => void read.add(String(name)) }));
    const described = Object.keys(settings).filter((name) => !name.startsWith('<MODULE>'));
    expect([...read].sort()).toEqual(described.sort());
  });

  test.each(Object.entries(settings))('describes %s in single lines', (_name, setting) => {
    for (const text of [setting.default, setting.expected]) expect(text).toMatch(/^[^\n|]+$/);
    expect(setting.meaning).toMatch(/^[A-Z][^\n|]+\.$/);
  });

  test('refuses an ADMIN_PORT that is PORT', () => {
    expect(problemsOf({ ADMIN_PORT: '4000' })).toEqual([
      'ADMIN_PORT is "4000", which is PORT: set it to another port',
    ]);
    expect(problemsOf({ PORT: '0', ADMIN_PORT: '0' })).toEqual([]);
  });

  test('refuses a time of taking over that a single lost heartbeat would reach', () => {
    expect(problemsOf({ OPERATION_HEARTBEAT_MS: '6000' })).toEqual([
      expect.stringMatching(/^OPERATION_TAKE_OVER_MS is "15000": expected at least three times .* \(6000\)/),
    ]);
    expect(problemsOf({ OPERATION_HEARTBEAT_MS: '6000', OPERATION_TAKE_OVER_MS: '18000' })).toEqual([]);
    expect(problemsOf({ REQUIRE_SYNC_STANDBYS: '1', STALENESS_BOUND_MS: '1999' })).toEqual([
      expect.stringMatching(
        /^STALENESS_BOUND_MS is "1999": expected at least 2000 with REQUIRE_SYNC_STANDBYS/,
      ),
    ]);
    expect(problemsOf({ REQUIRE_SYNC_STANDBYS: '1', STALENESS_BOUND_MS: '2000' })).toEqual([]);
    expect(problemsOf({ STALENESS_BOUND_MS: '1999' })).toEqual([]);
    expect(problemsOf({ OPERATION_HEARTBEAT_MS: 'often' })).toEqual([
      'OPERATION_HEARTBEAT_MS is "often": expected a whole number from 100 to 60000',
    ]);
  });
});

describe('the identity provider', () => {
  test('has its public keys at JWT_JWKS_URL', () => {
    const env = { JWT_ISSUER: 'urn:acme', JWT_AUDIENCE: 'registry', JWT_JWKS_URL: 'http://[::1]:9/keys' };
    expect(readConfig(env).identityProvider).toEqual({
      issuer: 'urn:acme',
      audience: 'registry',
      jwksUrl: 'http://[::1]:9/keys',
      audienceClaim: 'aud',
      types: ['jwt', 'at+jwt'],
      maxLifetimeSeconds: 86_400,
      scopes: undefined,
      scopeClaims: ['scope'],
      scopePrefix: '',
    });
  });

  test('can have other claims, types and scopes', () => {
    expect(
      readConfig({
        JWT_ISSUER: 'https://login.example',
        JWT_AUDIENCE: 'app-client',
        JWT_AUDIENCE_CLAIM: 'client_id',
        JWT_TYPES: ' at+JWT ',
        JWT_MAX_LIFETIME_SECONDS: '3600',
        JWT_SCOPES: 'resolve:*, registry:read',
        JWT_SCOPE_CLAIMS: 'scp, https://acme.example/roles',
        JWT_SCOPE_PREFIX: 'registry/',
      }).identityProvider,
    ).toEqual({
      issuer: 'https://login.example',
      audience: 'app-client',
      audienceClaim: 'client_id',
      jwksUrl: undefined,
      types: ['at+jwt'],
      maxLifetimeSeconds: 3_600,
      scopes: ['resolve:*', 'registry:read'],
      scopeClaims: ['scp', 'https://acme.example/roles'],
      scopePrefix: 'registry/',
    });
  });

  test.each([
    ['JWT_AUDIENCE_CLAIM', 'azp', 'expected one of aud, client_id'],
    ['JWT_TYPES', 'JWT,id+jwt', 'expected one or both of JWT and at+jwt'],
    ['JWT_MAX_LIFETIME_SECONDS', '0', 'expected a whole number from 60 to 31536000'],
    ['JWT_SCOPES', 'registry:read write', 'expected scopes separated by commas'],
    ['JWT_SCOPE_CLAIMS', 'scope,,roles', 'expected names of claims separated by commas'],
    ['JWT_SCOPE_PREFIX', 'my scope', 'expected a text without blanks'],
    ['API_KEY_LIFETIME_DAYS', '0', 'expected a whole number from 1 to 3650'],
  ])('and its keys are refused with %s=%s', (name, value, expected) => {
    const [problem, ...others] = problemsOf({ [name]: value });
    expect(problem).toContain(expected);
    expect(others).toEqual([]);
  });

  test.each([
    [
      { JWT_ISSUER: 'https://login.example' },
      'JWT_AUDIENCE is not set: set both JWT_ISSUER and JWT_AUDIENCE, or no JWT_ variable',
    ],
    [
      { JWT_AUDIENCE: 'registry' },
      'JWT_ISSUER is not set: set both JWT_ISSUER and JWT_AUDIENCE, or no JWT_ variable',
    ],
    [
      { JWT_JWKS_URL: 'https://login.example/keys' },
      'JWT_ISSUER and JWT_AUDIENCE are not set: set both JWT_ISSUER and JWT_AUDIENCE, or no JWT_ variable',
    ],
    [
      { JWT_ISSUER: 'acme', JWT_AUDIENCE: 'registry' },
      'JWT_ISSUER is "acme": without JWT_JWKS_URL, expected an https URL, or http on a loopback host',
    ],
    [
      { JWT_ISSUER: 'acme', JWT_AUDIENCE: 'registry', JWT_JWKS_URL: 'http://login.example/keys' },
      'JWT_JWKS_URL has a wrong value, which is not shown because it may hold a password: ' +
        'expected an https URL such as https://login.example/.well-known/jwks.json, or http on a loopback host',
    ],
  ])('is refused as %j', (env, problem) => {
    expect(problemsOf(env)).toEqual([expect.stringContaining(problem)]);
  });
});

describe('AUTH_MODE', () => {
  const loopback = ['127.0.0.1', '127.1.2.3', 'localhost', '::1'];
  const elsewhere = [
    '0.0.0.0',
    '::',
    '192.168.1.5',
    'gateway.internal',
    '127.0.0.1.example',
    '128.0.0.1',
    '',
  ];

  test.each(loopback)('is open with the embedded database at %s, unless it is set to required', (HOST) => {
    expect(readConfig({ HOST }).authMode).toBe('open');
    expect(readConfig({ HOST, AUTH_MODE: 'open' }).authMode).toBe('open');
    expect(readConfig({ HOST, AUTH_MODE: 'required' }).authMode).toBe('required');
  });

  test.each(elsewhere.filter((host) => host !== ''))('is required at %s, and open is refused', (HOST) => {
    expect(readConfig({ HOST }).authMode).toBe('required');
    expect(problemsOf({ HOST, AUTH_MODE: 'open' })).toEqual([openRefused]);
  });

  test.each([...loopback, ...elsewhere])(
    'is required with a DATABASE_URL at "%s", and open is refused',
    (HOST) => {
      expect(readConfig({ HOST, DATABASE_URL: database }).authMode).toBe('required');
      expect(problemsOf({ HOST, DATABASE_URL: database, AUTH_MODE: 'open' })).toEqual([openRefused]);
    },
  );
});

describe('GRAPHIQL', () => {
  test.each([
    [{}, true],
    [{ GRAPHIQL: 'off' }, false],
    [{ DATABASE_URL: database }, false],
    [{ DATABASE_URL: database, GRAPHIQL: 'on' }, true],
  ])('with %j: the page is served is %s', (env, shows) => {
    expect(readConfig(env).showsGraphiql).toBe(shows);
  });
});

describe('a start with a wrong environment', () => {
  const wrong = {
    DATABASE_URL: 'mysql://someone:sesame@db.example/registry',
    FINANCE_DB_URL: 'someone:sesame@db.example',
    PORT: 'http',
    SHUTDOWN_TIMEOUT_MS: '5',
    AUTH_MODE: 'none',
    LOG_LEVEL: 'loud',
  };

  test.each([[['serve']], [['migrate']], [['keys', 'list']]])(
    '%j prints every problem on a line of its own, without passwords, and exits with 1',
    async (command) => {
      const { code, stdout, stderr } = await run(command, wrong);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr.split('\n').sort()).toEqual([
        '',
        'AUTH_MODE is "none": expected one of open, required',
        `DATABASE_URL ${wrongUrl}`,
        `FINANCE_DB_URL ${wrongUrl}`,
        `LOG_LEVEL is "loud": expected ${logLevels}`,
        'PORT is "http": expected a whole number from 0 to 65535',
        'SHUTDOWN_TIMEOUT_MS is "5": expected a whole number from 100 to 600000',
      ]);
    },
  );

  test('that opens the gateway to the network without authentication is refused before anything is opened', async () => {
    const dataDir = await aDataDir();
    for (const env of [{ HOST: '0.0.0.0' }, { DATABASE_URL: database }]) {
      const ended = await run(['serve'], { ...env, AUTH_MODE: 'open', DATA_DIR: dataDir, PORT: '0' });
      expect(ended).toEqual({ code: 1, signal: null, stdout: '', stderr: `${openRefused}\n` });
    }
    expect(existsSync(dataDir)).toBe(false);
  });

  test('reports the refused open mode together with the other problems', () => {
    expect(problemsOf({ HOST: '0.0.0.0', AUTH_MODE: 'open', PORT: 'http' })).toEqual([
      'PORT is "http": expected a whole number from 0 to 65535',
      openRefused,
    ]);
  });
});
