import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** What the environment says, validated. Read once, by entry points. */
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
  /** Folder of client.yaml files that are served while a tenant's configuration is one; undefined: none. */
  clientsDir: string | undefined;
  authMode: 'open' | 'required';
  logLevel: string;
  /** Which requests get a line of the log; requests that change something always do. */
  logRequests: 'all' | 'failed' | 'none';
  /** URL of the shared cache: Redis, Sentinel or a comma-separated Cluster; undefined: none. */
  redisUrl: string | undefined;
  /** D: how long what a gateway knows may be trusted without news from the database, in milliseconds. */
  stalenessMs: number;
  /** How long a graceful stop may take, in milliseconds. */
  shutdownTimeoutMs: number;
  /** Whether the gateway takes up operations that are due, besides those that its own callers wait for. */
  runsWorker: boolean;
  /** How often whoever runs an operation says that it lives, in milliseconds. */
  heartbeatMs: number;
  /** After how long without a sign of life an operation is taken over, in milliseconds. */
  takeOverAfterMs: number;
  /** Whose tokens are taken beside API keys; undefined: nobody's. */
  identityProvider: IdentityProvider | undefined;
}

/** Tokens that the issuer signed for the audience are taken. */
export interface IdentityProvider {
  issuer: string;
  audience: string;
  /** Where its public keys are (RFC 7517). */
  jwksUrl: string;
}

/** Every problem of the environment at once, a line each; never a value that could hold a password. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

const defaultHost = '127.0.0.1';
const shippedModulesDir = fileURLToPath(new URL('../modules', import.meta.url));

const optionalText = z
  .string()
  .trim()
  .transform((text) => (text === '' ? undefined : text))
  .optional();

function whole(name: string, range: { min: number; max: number; otherwise: number }) {
  return optionalText.transform((text, context) => {
    if (text === undefined) return range.otherwise;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= range.min && value <= range.max) return value;
    context.addIssue(`${name} must be a whole number from ${range.min} to ${range.max}, not "${text}"`);
    return z.NEVER;
  });
}

function postgresUrl(name: string) {
  return optionalText.transform((text, context) => {
    if (text === undefined || isPostgresUrl(text)) return text;
    context.addIssue(`${name} must be a URL such as postgres://user:password@host:5432/database`);
    return z.NEVER;
  });
}

const environment = z.object({
  DATABASE_URL: postgresUrl('DATABASE_URL'),
  HOST: optionalText.transform((text) => text ?? defaultHost),
  PORT: whole('PORT', { min: 0, max: 65535, otherwise: 4000 }),
  DATA_DIR: optionalText.transform((text) => text ?? '.data'),
  MODULES_DIR: optionalText.transform((text) => text ?? shippedModulesDir),
  CLIENTS_DIR: optionalText,
  AUTH_MODE: optionalText.pipe(
    z.enum(['open', 'required'], { error: 'AUTH_MODE must be open or required' }).optional(),
  ),
  LOG_LEVEL: optionalText.pipe(
    z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
        error: 'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent',
      })
      .default('info'),
  ),
  LOG_REQUESTS: optionalText.pipe(
    z
      .enum(['all', 'failed', 'none'], { error: 'LOG_REQUESTS must be all, failed or none' })
      .default('failed'),
  ),
  REDIS_URL: optionalText.transform((text, context) => {
    if (text === undefined || isRedisUrl(text)) return text;
    context.addIssue(
      'REDIS_URL must be redis://host:6379, rediss://host:6379, redis-sentinel://host:26379,host:26379/master, ' +
        'or several redis:// URLs of a Cluster separated by commas; in a password write @ as %40, % as %25 and so on',
    );
    return z.NEVER;
  }),
  STALENESS_BOUND_MS: whole('STALENESS_BOUND_MS', { min: 1_000, max: 60_000, otherwise: 5_000 }),
  SHUTDOWN_TIMEOUT_MS: whole('SHUTDOWN_TIMEOUT_MS', { min: 100, max: 600_000, otherwise: 10_000 }),
  WORKER: optionalText.pipe(
    z.enum(['inside', 'none'], { error: 'WORKER must be inside or none' }).default('inside'),
  ),
  OPERATION_HEARTBEAT_MS: whole('OPERATION_HEARTBEAT_MS', { min: 100, max: 60_000, otherwise: 5_000 }),
  OPERATION_TAKE_OVER_MS: whole('OPERATION_TAKE_OVER_MS', { min: 300, max: 600_000, otherwise: 15_000 }),
});

/** Reads the environment; throws ConfigError with all problems found. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const parsed = environment.safeParse(env);
  const problems = parsed.success ? [] : parsed.error.issues.map((issue) => issue.message);

  const serviceDatabaseUrls: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const url = value?.trim();
    if (!url || name === 'DATABASE_URL' || name === 'REDIS_URL' || !/^[A-Z][A-Z0-9_]*_URL$/.test(name))
      continue;
    if (isPostgresUrl(url)) serviceDatabaseUrls[name] = url;
    else if (name.endsWith('_DB_URL'))
      problems.push(`${name} must be a URL such as postgres://user:password@host:5432/database`);
  }
  // From the environment itself, for there are no values while another variable is wrong.
  const isLocal = !env.DATABASE_URL?.trim() && isLoopback(env.HOST?.trim() || defaultHost);
  if (env.AUTH_MODE?.trim() === 'open' && !isLocal)
    problems.push(
      'AUTH_MODE=open is refused: it is only for the embedded database (no DATABASE_URL) on a loopback HOST; ' +
        'unset it and create a key with "tenant-registry keys create"',
    );
  if (parsed.success && parsed.data.OPERATION_TAKE_OVER_MS < 3 * parsed.data.OPERATION_HEARTBEAT_MS)
    problems.push(
      'OPERATION_TAKE_OVER_MS must be at least three times OPERATION_HEARTBEAT_MS: one lost heartbeat is no death',
    );
  const identityProvider = readIdentityProvider(env, problems);
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);

  const values = parsed.data;
  return {
    databaseUrl: values.DATABASE_URL,
    serviceDatabaseUrls,
    host: values.HOST,
    port: values.PORT,
    dataDir: values.DATA_DIR,
    modulesDir: values.MODULES_DIR,
    clientsDir: values.CLIENTS_DIR,
    authMode: values.AUTH_MODE ?? (isLocal ? 'open' : 'required'),
    logLevel: values.LOG_LEVEL,
    logRequests: values.LOG_REQUESTS,
    redisUrl: values.REDIS_URL,
    stalenessMs: values.STALENESS_BOUND_MS,
    shutdownTimeoutMs: values.SHUTDOWN_TIMEOUT_MS,
    runsWorker: values.WORKER === 'inside',
    heartbeatMs: values.OPERATION_HEARTBEAT_MS,
    takeOverAfterMs: values.OPERATION_TAKE_OVER_MS,
    identityProvider,
  };
}

function readIdentityProvider(
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): IdentityProvider | undefined {
  const [issuer, audience, given] = [env.JWT_ISSUER, env.JWT_AUDIENCE, env.JWT_JWKS_URL].map((text) =>
    text?.trim(),
  );
  if (!issuer && !audience && !given) return undefined;
  if (!issuer || !audience) {
    problems.push('JWT_ISSUER and JWT_AUDIENCE belong together: set both, or neither to take API keys only');
    return undefined;
  }
  const jwksUrl = given || `${issuer.replace(/\/+$/, '')}/.well-known/jwks.json`;
  if (!isSafeUrl(jwksUrl))
    problems.push(
      `${given ? 'JWT_JWKS_URL' : 'JWT_ISSUER, without JWT_JWKS_URL,'} must be a URL such as https://login.example/.well-known/jwks.json; ` +
        'http only on this machine, for whoever answers decides who is let in',
    );
  return { issuer, audience, jwksUrl };
}

function isSafeUrl(text: string): boolean {
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
  // A Cluster has one database, and TLS on all of its nodes or none.
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
