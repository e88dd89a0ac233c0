import { BlockList, isIP } from 'node:net';
import { join } from 'node:path';
import { packageFolder } from './package-folder.js';
import { type DatabaseUrls, readDatabaseUrls, readUrl } from './settings/database-urls.js';
import { type Environment, EnvironmentReader } from './settings/environment-reader.js';
import { type LogLevels, readLogLevels } from './settings/log-levels.js';
import { readTop } from './settings/metrics-settings.js';
import { type RateSettings, readRates } from './settings/rate-settings.js';
import { type RequestLimitSettings, readRequestLimits } from './settings/request-limit-settings.js';
import { readSettingFiles } from './settings/setting-files.js';
import { isBasePath, isKeySource, isLoopback, isOrigin, normalizeBasePath } from './settings/setting-urls.js';
import { describeWrongValue, settings } from './settings/settings.js';
import { isCollector, isRatio } from './settings/tracing-settings.js';
import { findRedisUrlProblems } from './urls/redis-url.js';

/** The validated environment. Entry points read it once. */
export interface Config extends DatabaseUrls {
  host: string;
  port: number;
  /** Port for metrics and the details of readiness; undefined: they are on `port`. */
  adminPort: number | undefined;
  /** Path prefix of all addresses, "/registry"; empty: none. */
  basePath: string;
  /** Origins of pages of other sites that may use the gateway from a browser. */
  corsOrigins: readonly string[];
  /** How long an idle connection stays open, in milliseconds. */
  keepAliveTimeoutMs: number;
  dataDir: string;
  /** Folder with one folder of SQL migrations per module. */
  modulesDir: string;
  /** Folder of the client.yaml files, for tenants whose configuration is such a file; undefined: none. */
  clientsDir: string | undefined;
  /** Rules for references to secrets and URLs in configurations. */
  configRules: { secretNames: readonly string[]; allowsPrivateUrls: boolean };
  authMode: 'open' | 'required';
  /** Whether browsers get GraphiQL at /graphql. */
  showsGraphiql: boolean;
  /** Whether callers without `documents:any` may send registered documents only. */
  requiresTrustedDocuments: boolean;
  rates: RateSettings;
  /** Proxies whose X-Forwarded-For is believed; undefined: none. */
  trustedProxies: BlockList | undefined;
  logLevel: LogLevels;
  /** Which requests get a line of the log; requests that change something always do. */
  logRequests: 'all' | 'failed' | 'none';
  /** URL of the shared cache: Redis, Sentinel or a comma-separated Cluster; undefined: none. */
  redisUrl: string | undefined;
  /** The staleness bound: how long a gateway trusts its cached entries without news from the database, in milliseconds. */
  stalenessMs: number;
  /** Number of synchronous standbys without which the registry database gets no trust; 0: none are asked for. */
  requiredStandbys: number;
  /** Folder for a log of the protocol's steps; undefined: none is written. */
  traceFolder: string | undefined;
  /** How long a graceful stop may take, in milliseconds. */
  shutdownTimeoutMs: number;
  requestLimits: RequestLimitSettings;
  /** How many tenants get a metric of their own; undefined: none. */
  metricsTenants: number | undefined;
  /** Where spans go; undefined: there are none. */
  tracing: { exporter: 'otlp' | 'console' } | undefined;
  /** Whether the gateway runs operations that are due, besides those that its own callers wait for. */
  runsWorker: boolean;
  /** How often the process that runs an operation reports that it is alive, in milliseconds. */
  heartbeatMs: number;
  /** After how long without a heartbeat another process takes an operation over, in milliseconds. */
  takeOverAfterMs: number;
  /** How often a worker compares the registry with the service databases, in hours; 0: never. */
  driftScanHours: number;
  /** Key of the signatures of checkpoints of the audit log; undefined: it cannot be pruned. */
  auditKey: string | undefined;
  /** Lifetime of API keys that are created without an expiry date, in days. */
  apiKeyLifetimeDays: number;
  /** Longest lifetime of API keys that are created with a token, in days. */
  tokenKeyLifetimeDays: number;
  /** The provider whose tokens are accepted besides API keys; undefined: API keys only. */
  identityProvider: IdentityProvider | undefined;
  /** The admin page's login by that provider; undefined: by API key only. */
  adminLogin: { clientId: string; scope: string } | undefined;
}

/** The gateway accepts tokens that this issuer signed for this audience. */
export interface IdentityProvider {
  issuer: string;
  audience: string;
  /** The claim that names the audience. */
  audienceClaim: 'aud' | 'client_id';
  /** URL of the issuer's public keys (RFC 7517); undefined: in the issuer's discovery document. */
  jwksUrl: string | undefined;
  /** Accepted values of the header `typ`, in lower case. */
  types: readonly string[];
  maxLifetimeSeconds: number;
  /** Scopes that tokens may carry; undefined: every scope. */
  scopes: readonly string[] | undefined;
  scopeClaims: readonly string[];
  /** Text before each scope in a token; may be empty. */
  scopePrefix: string;
}

/** All problems of the environment, one per line. No message repeats a value that could hold a password. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

const shippedModulesDir = join(packageFolder, 'modules');

/** Reads the environment; throws ConfigError with all problems found. */
export function readConfig(given: Environment): Config {
  const { env, problems } = readSettingFiles(given);
  const read = new EnvironmentReader(env);
  read.problems.push(...problems);
  const host = read.text('HOST') ?? settings.HOST.default;
  const config: Config = {
    ...readDatabaseUrls(env, read),
    host,
    port: read.number('PORT'),
    adminPort: read.text('ADMIN_PORT') === undefined ? undefined : read.number('ADMIN_PORT'),
    corsOrigins: read.list('CORS_ORIGINS', isOrigin) ?? [],
    basePath: normalizeBasePath(read.checked('BASE_PATH', isBasePath) ?? ''),
    keepAliveTimeoutMs: read.number('KEEP_ALIVE_TIMEOUT_MS'),
    dataDir: read.text('DATA_DIR') ?? settings.DATA_DIR.default,
    modulesDir: read.text('MODULES_DIR') ?? shippedModulesDir,
    clientsDir: read.text('CLIENTS_DIR'),
    configRules: {
      secretNames: readNames(read, 'SECRET_NAMES'),
      allowsPrivateUrls: read.choice('PRIVATE_URLS') === 'allow',
    },
    ...readAccess(read, host),
    requiresTrustedDocuments: read.choice('TRUSTED_DOCUMENTS') === 'required',
    rates: readRates((name) => read.number(name)),
    trustedProxies: readProxies(read),
    logLevel: readLevels(read),
    logRequests: read.choice('LOG_REQUESTS') ?? settings.LOG_REQUESTS.default,
    redisUrl: readUrl('REDIS_URL', read.text('REDIS_URL'), findRedisUrlProblems, read.problems),
    stalenessMs: read.number('STALENESS_BOUND_MS'),
    requiredStandbys: read.number('REQUIRE_SYNC_STANDBYS'),
    traceFolder: read.text('PROTOCOL_TRACE'),
    shutdownTimeoutMs: read.number('SHUTDOWN_TIMEOUT_MS'),
    requestLimits: readRequestLimits((name) => read.number(name)),
    metricsTenants: readTop(read.checked('METRICS_TENANTS', (text) => readTop(text) !== undefined) ?? ''),
    tracing: readTracing(read),
    runsWorker: (read.choice('WORKER') ?? settings.WORKER.default) === 'inside',
    heartbeatMs: read.number('OPERATION_HEARTBEAT_MS'),
    takeOverAfterMs: read.number('OPERATION_TAKE_OVER_MS'),
    auditKey: read.checked('AUDIT_KEY', (text) => /^.{32,1000}$/.test(text)),
    apiKeyLifetimeDays: read.number('API_KEY_LIFETIME_DAYS'),
    driftScanHours: read.number('DRIFT_SCAN_HOURS'),
    tokenKeyLifetimeDays: read.number('TOKEN_KEY_LIFETIME_DAYS'),
    identityProvider: readIdentityProvider(read),
    adminLogin: readAdminLogin(read),
  };
  const { heartbeatMs, takeOverAfterMs, port, adminPort, requiredStandbys, stalenessMs } = config;
  if (adminPort === port && port !== 0)
    read.problems.push(`ADMIN_PORT is "${adminPort}", which is PORT: set it to another port`);
  if (requiredStandbys > 0 && stalenessMs < 2_000)
    read.problems.push(
      `STALENESS_BOUND_MS is "${stalenessMs}": expected at least 2000 with REQUIRE_SYNC_STANDBYS, as leases then begin one poll earlier`,
    );
  if (takeOverAfterMs < 3 * heartbeatMs)
    read.problems.push(
      `OPERATION_TAKE_OVER_MS is "${takeOverAfterMs}": expected at least three times OPERATION_HEARTBEAT_MS (${heartbeatMs}), ` +
        'so that one lost heartbeat does not count as the end of a process',
    );
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return config;
}

function readNames(read: EnvironmentReader, setting: 'SECRET_NAMES'): string[] {
  const text = read.text(setting);
  const names = text?.split(',').map((name) => name.trim()) ?? [];
  if (text !== undefined && !names.every((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)))
    read.problems.push(describeWrongValue(setting, text));
  return names;
}

function readProxies(read: EnvironmentReader): BlockList | undefined {
  const proxies = new BlockList();
  const list = read.list('TRUSTED_PROXIES', (text) => addProxy(proxies, text));
  return list && proxies;
}

/** False for what is no address and no network. */
function addProxy(proxies: BlockList, text: string): boolean {
  const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  const longest = version === 6 ? 128 : 32;
  if (version === 0 || Number(prefix ?? longest) > longest) return false;
  proxies.addSubnet(address, Number(prefix ?? longest), version === 6 ? 'ipv6' : 'ipv4');
  return true;
}

function readAccess(read: EnvironmentReader, host: string): Pick<Config, 'authMode' | 'showsGraphiql'> {
  const authMode = readAuthMode(read, host);
  const graphiql = read.choice('GRAPHIQL') ?? (authMode === 'open' ? 'on' : 'off');
  return { authMode, showsGraphiql: graphiql === 'on' };
}

function readAuthMode(read: EnvironmentReader, host: string): Config['authMode'] {
  const mode = read.choice('AUTH_MODE');
  const isLocal = read.text('DATABASE_URL') === undefined && isLoopback(host);
  if (mode === 'open' && !isLocal)
    read.problems.push(
      'AUTH_MODE is "open", which is allowed only with the embedded registry database (no DATABASE_URL) on a loopback HOST: ' +
        'unset AUTH_MODE, and create a key with "tenant-registry keys create"',
    );
  return mode ?? (isLocal ? 'open' : 'required');
}

function readIdentityProvider(read: EnvironmentReader): IdentityProvider | undefined {
  const [issuer, audience] = [read.text('JWT_ISSUER'), read.text('JWT_AUDIENCE')];
  const jwksUrl = read.checked('JWT_JWKS_URL', isKeySource);
  const tokens = readTokenRules(read);
  if (!issuer && !audience && !jwksUrl) return undefined;
  if (!issuer || !audience) {
    const missing = [...(issuer ? [] : ['JWT_ISSUER']), ...(audience ? [] : ['JWT_AUDIENCE'])];
    read.problems.push(
      `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not set: ` +
        'set both JWT_ISSUER and JWT_AUDIENCE, or no JWT_ variable to accept API keys only',
    );
    return undefined;
  }
  if (jwksUrl === undefined && !isKeySource(issuer))
    read.problems.push(
      `JWT_ISSUER is "${issuer}": without JWT_JWKS_URL, expected an https URL, or http on a loopback host`,
    );
  return { issuer, audience, jwksUrl, ...tokens };
}

function readAdminLogin(read: EnvironmentReader): Config['adminLogin'] {
  const isPlain = (text: string) => /^[\x20-\x7e]{1,1000}$/.test(text);
  const clientId = read.checked('ADMIN_OIDC_CLIENT_ID', isPlain);
  const scope = read.checked('ADMIN_OIDC_SCOPE', isPlain) ?? settings.ADMIN_OIDC_SCOPE.default;
  if (clientId === undefined) return undefined;
  const issuer = read.text('JWT_ISSUER');
  if (issuer === undefined || !isKeySource(issuer))
    read.problems.push(
      'ADMIN_OIDC_CLIENT_ID is set, which needs JWT_ISSUER to be an https URL, or http on a loopback host',
    );
  return { clientId, scope };
}

function readLevels(read: EnvironmentReader): LogLevels {
  const text = read.checked('LOG_LEVEL', (given) => readLogLevels(given) !== undefined);
  return readLogLevels(text ?? '') ?? { rest: settings.LOG_LEVEL.default, parts: {} };
}

function readTracing(read: EnvironmentReader): Config['tracing'] {
  const endpoints = [
    read.checked('OTEL_EXPORTER_OTLP_ENDPOINT', isCollector),
    read.checked('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', isCollector),
  ];
  read.choice('OTEL_EXPORTER_OTLP_PROTOCOL');
  read.choice('OTEL_TRACES_SAMPLER');
  read.checked('OTEL_TRACES_SAMPLER_ARG', isRatio);
  const hasEndpoint = endpoints.some((one) => one !== undefined);
  const exporter = read.choice('OTEL_TRACES_EXPORTER') ?? (hasEndpoint ? 'otlp' : 'none');
  return read.choice('OTEL_SDK_DISABLED') === 'true' || exporter === 'none' ? undefined : { exporter };
}

function readTokenRules(read: EnvironmentReader) {
  const types = read.list('JWT_TYPES', (text) => /^(jwt|at\+jwt)$/i.test(text));
  const isName = (text: string) => /^[\x21-\x7e]{1,255}$/.test(text);
  return {
    audienceClaim: read.choice('JWT_AUDIENCE_CLAIM') ?? settings.JWT_AUDIENCE_CLAIM.default,
    types: (types ?? settings.JWT_TYPES.default.split(',')).map((type) => type.toLowerCase()),
    maxLifetimeSeconds: read.number('JWT_MAX_LIFETIME_SECONDS'),
    scopes: read.list('JWT_SCOPES', (text) => /^[a-z]+(:([a-z][a-z0-9_]*|\*))?$/.test(text)),
    scopeClaims: read.list('JWT_SCOPE_CLAIMS', isName) ?? [settings.JWT_SCOPE_CLAIMS.default],
    scopePrefix: read.checked('JWT_SCOPE_PREFIX', isName) ?? '',
  };
}
