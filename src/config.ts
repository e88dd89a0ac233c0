import { fileURLToPath } from 'node:url';
import { type RequestLimitSettings, readRequestLimits } from './request-limit-settings.js';
import {
  type Choice,
  type ChoiceSetting,
  describeWrongValue,
  type NumberSetting,
  type SettingName,
  settings,
} from './settings.js';

/** The validated environment. Entry points read it once. */
export interface Config {
  /** URL of the registry database; undefined: the embedded PostgreSQL in `dataDir`. */
  databaseUrl: string | undefined;
  /** URLs of service databases by the variable that holds them, such as FINANCE_DB_URL. */
  serviceDatabaseUrls: Readonly<Record<string, string>>;
  host: string;
  port: number;
  dataDir: string;
  /** Folder with one folder of SQL migrations per module. */
  modulesDir: string;
  /** Folder of the client.yaml files, for tenants whose configuration is such a file; undefined: none. */
  clientsDir: string | undefined;
  /** Rules for references to secrets and URLs in configurations. */
  configRules: { secretNames: readonly string[]; allowsPrivateUrls: boolean };
  authMode: 'open' | 'required';
  logLevel: string;
  /** Which requests get a line of the log; requests that change something always do. */
  logRequests: 'all' | 'failed' | 'none';
  /** URL of the shared cache: Redis, Sentinel or a comma-separated Cluster; undefined: none. */
  redisUrl: string | undefined;
  /** The staleness bound: how long a gateway trusts its cached entries without news from the database, in milliseconds. */
  stalenessMs: number;
  /** How long a graceful stop may take, in milliseconds. */
  shutdownTimeoutMs: number;
  requestLimits: RequestLimitSettings;
  /** Whether the gateway runs operations that are due, besides those that its own callers wait for. */
  runsWorker: boolean;
  /** How often the process that runs an operation reports that it is alive, in milliseconds. */
  heartbeatMs: number;
  /** After how long without a heartbeat another process takes an operation over, in milliseconds. */
  takeOverAfterMs: number;
  /** Lifetime of API keys that are created without an expiry date, in days. */
  apiKeyLifetimeDays: number;
  /** Longest lifetime of API keys that are created with a token, in days. */
  tokenKeyLifetimeDays: number;
  /** The provider whose tokens are accepted besides API keys; undefined: API keys only. */
  identityProvider: IdentityProvider | undefined;
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

type Environment = Readonly<Record<string, string | undefined>>;

const shippedModulesDir = fileURLToPath(new URL('../modules', import.meta.url));

/** Reads the environment; throws ConfigError with all problems found. */
export function readConfig(env: Environment): Config {
  const read = new EnvironmentReader(env);
  const databaseUrl = read.checked('DATABASE_URL', isPostgresUrl);
  const host = read.text('HOST') ?? settings.HOST.default;
  const config: Config = {
    databaseUrl,
    serviceDatabaseUrls: readServiceDatabaseUrls(env, read.problems),
    host,
    port: read.number('PORT'),
    dataDir: read.text('DATA_DIR') ?? settings.DATA_DIR.default,
    modulesDir: read.text('MODULES_DIR') ?? shippedModulesDir,
    clientsDir: read.text('CLIENTS_DIR'),
    configRules: {
      secretNames: readNames(read, 'SECRET_NAMES'),
      allowsPrivateUrls: read.choice('PRIVATE_URLS') === 'allow',
    },
    authMode: readAuthMode(read, host),
    logLevel: read.choice('LOG_LEVEL') ?? settings.LOG_LEVEL.default,
    logRequests: read.choice('LOG_REQUESTS') ?? settings.LOG_REQUESTS.default,
    redisUrl: read.checked('REDIS_URL', isRedisUrl),
    stalenessMs: read.number('STALENESS_BOUND_MS'),
    shutdownTimeoutMs: read.number('SHUTDOWN_TIMEOUT_MS'),
    requestLimits: readRequestLimits((name) => read.number(name)),
    runsWorker: (read.choice('WORKER') ?? settings.WORKER.default) === 'inside',
    heartbeatMs: read.number('OPERATION_HEARTBEAT_MS'),
    takeOverAfterMs: read.number('OPERATION_TAKE_OVER_MS'),
    apiKeyLifetimeDays: read.number('API_KEY_LIFETIME_DAYS'),
    tokenKeyLifetimeDays: read.number('TOKEN_KEY_LIFETIME_DAYS'),
    identityProvider: readIdentityProvider(read),
  };
  const { heartbeatMs, takeOverAfterMs } = config;
  if (takeOverAfterMs < 3 * heartbeatMs)
    read.problems.push(
      `OPERATION_TAKE_OVER_MS is "${takeOverAfterMs}": expected at least three times OPERATION_HEARTBEAT_MS (${heartbeatMs}), ` +
        'so that one lost heartbeat does not count as the end of a process',
    );
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return config;
}

/** Reads single variables and collects their problems. A wrong number is read as NaN, which no comparison complains of. */
class EnvironmentReader {
  readonly problems: string[] = [];
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** The value without blanks around it; undefined when it is not set, empty or blank. */
  text(name: SettingName): string | undefined {
    return this.#env[name]?.trim() || undefined;
  }

  number(name: NumberSetting): number {
    const text = this.text(name);
    if (text === undefined) return Number(settings[name].default);
    const { min, max } = settings[name];
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    this.problems.push(describeWrongValue(name, text));
    return Number.NaN;
  }

  choice<Name extends ChoiceSetting>(name: Name): Choice<Name> | undefined {
    const text = this.text(name);
    const values: readonly Choice<Name>[] = settings[name].values;
    const value = values.find((one) => one === text);
    if (text !== undefined && value === undefined) this.problems.push(describeWrongValue(name, text));
    return value;
  }

  /** A list separated by commas; undefined when it is not set. */
  list(name: SettingName, isValid: (text: string) => boolean): string[] | undefined {
    const text = this.text(name);
    const list = text?.split(',').map((one) => one.trim());
    if (text !== undefined && !list?.every(isValid)) this.problems.push(describeWrongValue(name, text));
    return list;
  }

  /** A text that `isValid` accepts. */
  checked(name: SettingName, isValid: (text: string) => boolean): string | undefined {
    const text = this.text(name);
    if (text !== undefined && !isValid(text)) this.problems.push(describeWrongValue(name, text));
    return text;
  }
}

function readNames(read: EnvironmentReader, setting: 'SECRET_NAMES'): string[] {
  const text = read.text(setting);
  const names = text?.split(',').map((name) => name.trim()) ?? [];
  if (text !== undefined && !names.every((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)))
    read.problems.push(describeWrongValue(setting, text));
  return names;
}

/** Variables of service databases have any name that ends in _URL, so they are recognised by their value. */
function readServiceDatabaseUrls(env: Environment, problems: string[]): Record<string, string> {
  const urls: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const url = value?.trim();
    if (!url || name === 'DATABASE_URL' || name === 'REDIS_URL' || !/^[A-Z][A-Z0-9_]*_URL$/.test(name))
      continue;
    if (isPostgresUrl(url)) urls[name] = url;
    else if (name.endsWith('_DB_URL')) problems.push(describeWrongValue('<MODULE>_DB_URL', url, name));
  }
  return urls;
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

/** Whether keys may be read from this URL. A forged key lets anybody in, so the network must be protected. */
export function isKeySource(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[|\]$/g, '')));
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function isPostgresUrl(text: string): boolean {
  try {
    return /^postgres(ql)?:\/\//.test(text) && decodeURIComponent(new URL(text).pathname).length > 1;
  } catch {
    return false;
  }
}

function isRedisUrl(text: string): boolean {
  const sentinel = /^redis-sentinel:\/\/(.*@)?([^@/]+)(\/[^/]+(\/\d+)?)?$/.exec(text);
  if (sentinel) {
    const [, userInfo = '', hosts = ''] = sentinel;
    return hosts.split(',').every((host) => isRedisNode(`redis://${userInfo}${host}`, /^$/));
  }
  const nodes = text.split(',');
  if (nodes.length === 1) return isRedisNode(text, /^(\/\d*)?$/);
  // A Cluster has database 0 only, and TLS on all nodes or on none.
  const schemes = new Set(nodes.map((node) => node.split(':')[0]));
  return schemes.size === 1 && nodes.every((node) => isRedisNode(node, /^(\/0?)?$/));
}

function isRedisNode(text: string, path: RegExp): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname, search, hash, username, password } = new URL(text);
  return (
    /^rediss?:$/.test(protocol) &&
    hostname !== '' &&
    path.test(pathname) &&
    search + hash === '' &&
    isDecodable(username + password)
  );
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
