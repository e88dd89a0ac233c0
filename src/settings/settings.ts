/**
 * Every environment variable of the product in one table. config.ts reads the environment by it, and
 * docs/configuration.md shows it.
 */
import { httpSettings } from './http-settings.js';
import { expectedLevels } from './log-levels.js';
import { metricsSettings } from './metrics-settings.js';
import { rateLimitSettings } from './rate-limit-settings.js';
import { oneOf, type Setting, wholeNumber } from './setting.js';
import { tokenSettings } from './token-settings.js';
import { tracingSettings } from './tracing-settings.js';
import { workerSettings } from './worker-settings.js';

const postgresUrl =
  'a URL such as postgres://user:password@host:5432/database, with names of at most 63 bytes';

/** The variables by name. `<MODULE>_DB_URL` stands for one variable per module. */
export const settings = {
  DATABASE_URL: {
    default: 'none',
    expected: postgresUrl,
    meaning:
      'URL of the registry database. Without it the registry uses the embedded PostgreSQL in `DATA_DIR`.',
    isSecret: true,
  },
  '<MODULE>_DB_URL': {
    default: 'none',
    expected: postgresUrl,
    meaning:
      'URL of a service database. The module’s catalogue entry names the variable. Without `DATABASE_URL`, a module whose variable ' +
      'is not set uses a database in the embedded PostgreSQL; with it, the module is not ready. The registry’s own database is refused.',
    isSecret: true,
  },
  DATABASE_DIRECT_URL: {
    default: 'the URL in `DATABASE_URL`',
    expected: postgresUrl,
    meaning:
      'URL of the registry database without a pooler. Needed where `DATABASE_URL` goes through a pooler that gives each transaction ' +
      'another session, such as PgBouncer with `pool_mode = transaction`: migrations and notifications (LISTEN) use this URL.',
    isSecret: true,
  },
  '<MODULE>_DB_DIRECT_URL': {
    default: 'the URL in `<MODULE>_DB_URL`',
    expected: postgresUrl,
    meaning:
      'URL of the same service database without a pooler. Needed where `<MODULE>_DB_URL` goes through a pooler that gives each ' +
      'transaction another session: the gateway creates, changes and drops storage through this URL. Services need no direct ' +
      'connection. For a variable X_URL the name is X_DIRECT_URL.',
    isSecret: true,
  },
  '<MODULE>_DB_READ_URL': {
    default: 'the URL in `<MODULE>_DB_URL`',
    expected: postgresUrl,
    meaning:
      'URL of the same service database with a role that may only examine it. `doctor` and the reading part of `import databases` log ' +
      'in as this role, so that nothing there runs with the provisioner’s rights. For a variable X_URL the name is X_READ_URL.',
    isSecret: true,
  },
  MODULE_DB_VARIABLES: {
    default: 'none',
    expected:
      'names of variables separated by commas, such as CRM_PRIMARY_URL, none of them a setting of the gateway',
    meaning:
      'Variables with URLs of service databases whose names do not have the form `<MODULE>_DB_URL`. Modules can name no other variable.',
  },
  HOST: {
    default: '127.0.0.1',
    expected: 'a host name or an IP address',
    meaning: 'Address on which the server listens.',
  },
  PORT: {
    default: '4000',
    ...wholeNumber(0, 65_535),
    meaning: 'Port on which the server listens. 0 chooses a free port.',
  },
  ADMIN_PORT: {
    default: 'none',
    ...wholeNumber(0, 65_535),
    meaning:
      'Port of its own, on `HOST`, for `/metrics` and the details of `/ready`. The other port then answers 404 at `/metrics` and ' +
      'says at `/ready` only whether the gateway is ready. 0 chooses a free port.',
  },
  ...httpSettings,
  DATA_DIR: {
    default: '.data',
    expected: 'a folder',
    meaning: 'Folder of the embedded PostgreSQL.',
  },
  MODULES_DIR: {
    default: 'the folder `modules` of the package',
    expected: 'a folder',
    meaning: 'Folder with one folder of SQL migrations per module.',
  },
  CLIENTS_DIR: {
    default: 'none',
    expected: 'a folder',
    meaning:
      'Folder with the `<id>/client.yaml` files. The gateway serves such a file as the configuration of a tenant that has not been ' +
      'imported yet.',
  },
  SECRET_NAMES: {
    default: 'none',
    expected: 'names of variables separated by commas, such as SUPABASE_URL,SUPABASE_ANON_KEY',
    meaning:
      'Variables that every tenant’s configuration may refer to, besides its own and the shared ones. The services list the same ' +
      'names in the option `secretNames` of the client.',
  },
  PRIVATE_URLS: {
    default: 'refuse',
    ...oneOf('refuse', 'allow'),
    meaning:
      'Whether a tenant’s settings, branding and configuration may name localhost and hosts inside a network. `allow` is for development.',
  },
  AUTH_MODE: {
    default: '`open` with the embedded registry database on a loopback `HOST`, otherwise `required`',
    ...oneOf('open', 'required'),
    meaning: 'Whether requests need an API key or a token. `open` accepts every request.',
  },
  GRAPHIQL: {
    default: '`on` where `AUTH_MODE` is `open`, otherwise `off`',
    ...oneOf('on', 'off'),
    meaning: 'Whether browsers get the GraphiQL page at `/graphql`.',
  },
  TRUSTED_DOCUMENTS: {
    default: 'off',
    ...oneOf('off', 'required'),
    meaning:
      'Whether keys and tokens without the scope `documents:any` may send only registered GraphQL documents, by id or text.',
  },
  ...rateLimitSettings,
  TRUSTED_PROXIES: {
    default: 'none',
    expected: 'IP addresses and networks separated by commas, such as 10.0.0.0/8,192.168.1.5,fd00::/8',
    meaning:
      'Proxies whose `X-Forwarded-For` names the address of a request. Without them the address is that of the connection.',
  },
  ...tokenSettings,
  API_KEY_LIFETIME_DAYS: {
    default: '365',
    ...wholeNumber(1, 3_650),
    meaning: 'Lifetime in days of API keys that are created without an expiry date.',
  },
  TOKEN_KEY_LIFETIME_DAYS: {
    default: '90',
    ...wholeNumber(1, 3_650),
    meaning:
      'Longest lifetime in days of API keys that are created with a token of the identity provider, and their lifetime when no ' +
      'expiry date is given.',
  },
  REDIS_URL: {
    default: 'none',
    expected:
      'redis://host:6379, rediss://host:6379, redis-sentinel://host:26379,host:26379/master, ' +
      'or several redis:// URLs of a Cluster separated by commas; in a password write @ as %40, % as %25 and so on',
    meaning: 'URL of the Redis that gateways share as a cache. Without it each gateway caches for itself.',
    isSecret: true,
  },
  LOG_LEVEL: {
    default: 'info',
    expected: expectedLevels,
    meaning:
      'Lowest level of the log lines that are written to standard error, for all lines and for parts: `info,feed=debug,requests=warn`. ' +
      'SIGUSR2 switches a gateway to `debug` and back.',
  },
  LOG_REQUESTS: {
    default: 'failed',
    ...oneOf('all', 'failed', 'none'),
    meaning:
      'Requests that get a log line: all, those that failed unexpectedly or took more than 1 s, or none. Requests that change something always get one.',
  },
  AUDIT_KEY: {
    default: 'none',
    expected: 'a secret of 32 to 1000 characters, such as openssl rand -hex 32 prints',
    meaning:
      'Key of the signatures of checkpoints, up to which `audit prune` deletes the audit log. Needed to prune, and to check a log ' +
      'that was pruned. Keep it where administrators of the database cannot read it, and never lose it.',
    isSecret: true,
  },
  STALENESS_BOUND_MS: {
    default: '5000',
    ...wholeNumber(1_000, 60_000),
    meaning:
      'Staleness bound in milliseconds: how long a gateway may use cached entries without news from the registry database.',
  },
  REQUIRE_SYNC_STANDBYS: {
    default: '0',
    ...wholeNumber(0, 100),
    meaning:
      'Number of synchronous standbys that must confirm the changes of the registry database. With fewer, a gateway answers nothing once its ' +
      'lease has ended: the server may be a primary that was replaced. The role needs pg_read_all_stats, and `STALENESS_BOUND_MS` at least 2000. 0: none are asked for.',
  },
  PROTOCOL_TRACE: {
    default: 'none',
    expected: 'a folder',
    meaning:
      'Folder in which gateways log the steps of the change protocol, for a check against its model. Two lines and more per poll: for tests.',
  },
  SHUTDOWN_TIMEOUT_MS: {
    default: '10000',
    ...wholeNumber(100, 600_000),
    meaning: 'How long requests in flight may take after SIGTERM, in milliseconds.',
  },
  QUERY_TIMEOUT_MS: {
    default: '10000',
    ...wholeNumber(100, 30_000),
    meaning:
      'Deadline of a GraphQL query that reads rows, in milliseconds, waiting included. A query that takes longer is cancelled in the ' +
      'database and refused with REGISTRY_UNAVAILABLE. Mutations have deadlines of their own.',
  },
  QUERY_BUDGET: {
    default: '20000',
    ...wholeNumber(1_000, 1_000_000),
    meaning:
      'Highest estimated cost of an operation: the number of objects that it reads, by its page sizes and nested lists. An operation ' +
      'beyond it is refused with QUERY_TOO_COMPLEX before it is executed.',
  },
  QUERY_BUDGET_RESOLVE: {
    default: '1000',
    ...wholeNumber(500, 1_000_000),
    meaning: 'The same for callers without any other scope than `resolve:<module>` or `resolve:*`.',
  },
  ANSWER_LIMIT_MB: {
    default: '10',
    ...wholeNumber(1, 200),
    meaning: 'Largest answer to a GraphQL query, in MB. A larger one is refused with QUERY_TOO_COMPLEX.',
  },
  STREAMS_PER_CALLER: {
    default: '200',
    ...wholeNumber(1, 100_000),
    meaning:
      'Number of event streams that one caller may have open at a gateway; more are refused with RATE_LIMITED.',
  },
  STREAMS_PER_GATEWAY: {
    default: '5000',
    ...wholeNumber(1, 100_000),
    meaning: 'Number of event streams that a gateway keeps open; more are refused with REGISTRY_UNAVAILABLE.',
  },
  SHED_DELAY_MS: {
    default: '250',
    ...wholeNumber(0, 10_000),
    meaning:
      'Lasting delay of a gateway’s event loop in milliseconds, beyond which new requests are refused with REGISTRY_UNAVAILABLE (503) until the ' +
      'delay is a tenth of it. Routes that memory answers are refused last. 0: no request is refused.',
  },
  ...metricsSettings,
  ...workerSettings,
  ...tracingSettings,
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;

/** Names of the settings that are whole numbers, and of those with a list of values. */
export type NumberSetting = {
  [Name in SettingName]: (typeof settings)[Name] extends { min: number } ? Name : never;
}[SettingName];
export type ChoiceSetting = {
  [Name in SettingName]: (typeof settings)[Name] extends { values: readonly string[] } ? Name : never;
}[SettingName];

export type Choice<Name extends ChoiceSetting> = (typeof settings)[Name]['values'][number];

/** The message about a wrong value: the variable, the value unless it may hold a password, and the accepted values. */
export function describeWrongValue(name: SettingName, given: string, variable: string = name): string {
  const { expected, isSecret }: Setting = settings[name];
  return isSecret
    ? `${variable} has a wrong value, which is not shown because it may hold a password: expected ${expected}`
    : `${variable} is "${given}": expected ${expected}`;
}

const databaseVariable = /^[A-Z][A-Z0-9_]{0,30}_DB_URL$/;

/** Whether a variable may name a service database: `<MODULE>_DB_URL`, or one of those in MODULE_DB_VARIABLES. */
export function isDatabaseVariable(name: string, moduleDbVariables: readonly string[]): boolean {
  return databaseVariable.test(name) || moduleDbVariables.includes(name);
}

/** The variable with the URL without a pooler that belongs to a variable of a service database. */
export function directVariableOf(databaseVariable: string): string {
  return `${databaseVariable.replace(/_URL$/, '')}_DIRECT_URL`;
}

/** The variable with the URL for reading that belongs to a variable of a service database. */
export function readVariableOf(databaseVariable: string): string {
  return `${databaseVariable.replace(/_URL$/, '')}_READ_URL`;
}
