import { TenantRegistryError } from './error.js';
import type { OwnedPool } from './pool.js';
import type { ReadSecret } from './secret.js';

export interface TenantRegistryOptions {
  /** URL of a gateway, or of several that serve the same registry: "https://registry.internal:4000". */
  url: string | readonly string[];
  /** API key with the scope `resolve:<module>`. A gateway in open mode needs none. */
  apiKey?: string;
  /** Name of the module of this service: "finance". */
  module: string;
  /** Maximum number of cached tenants. Default 100,000. */
  maxTenants?: number;
  /** Timeout of one request to a gateway, in milliseconds. Default 2,000. */
  timeoutMs?: number;
  /**
   * How long `withTenant` continues with the last known routes while the registry cannot be reached, in
   * milliseconds; 0 disables it. The fence of the service database makes this safe. Default 15 minutes.
   */
  serveStaleMs?: number;
  /** Opens a pool for the database of a tenant with isolation DATABASE. The client closes these pools itself. */
  databasePool?: (databaseName: string) => OwnedPool;
  /** Maximum number of these pools. Default 20. */
  maxDatabasePools?: number;
  /** Returns the value of a variable for `config` and `secret`. Default: the environment of this process. */
  readSecret?: ReadSecret;
  /**
   * Variables that the configuration of every tenant may refer to, besides the tenant's own and the shared ones. Only for
   * values that every tenant may know. Default: none.
   */
  secretNames?: readonly string[];
  /** false disables the stream of change events; changes then arrive about a second later. */
  hints?: boolean;
}

type Optional = 'url' | 'apiKey' | 'databasePool';

export interface ReadOptions extends Required<Omit<TenantRegistryOptions, Optional>> {
  urls: readonly string[];
  apiKey: string | undefined;
  databasePool: ((databaseName: string) => OwnedPool) | undefined;
}

/** Validates the options. Throws VALIDATION_ERROR. */
export function readOptions(options: TenantRegistryOptions): ReadOptions {
  const urls = (typeof options.url === 'string' ? options.url.split(',') : [...options.url]).map(readUrl);
  if (urls.length === 0) throw invalid('url: give the URL of at least one gateway');
  if (!/^[a-z][a-z0-9_]{0,30}$/.test(options.module))
    throw invalid(`module: "${options.module}" is not a module name such as finance`);
  const { apiKey, module, databasePool, hints = true } = options;
  const { readSecret = (name: string) => process.env[name], secretNames = [] } = options;
  for (const name of secretNames)
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw invalid(`secretNames: "${name}" is not the name of a variable`);
  const { maxTenants = 100_000, maxDatabasePools = 20 } = options;
  const { timeoutMs = 2_000, serveStaleMs = 15 * 60_000 } = options;
  for (const [name, value] of Object.entries({ maxTenants, timeoutMs, maxDatabasePools }))
    if (!(value >= 1)) throw invalid(`${name}: expected a number of 1 or more`);
  if (!(serveStaleMs >= 0)) throw invalid('serveStaleMs: expected a number of 0 or more');
  return {
    ...{ urls, apiKey, module, maxTenants, timeoutMs, serveStaleMs, hints, databasePool, maxDatabasePools },
    ...{ readSecret, secretNames: [...secretNames] },
  };
}

function readUrl(text: string): string {
  const url = parseUrl(text.trim());
  if (!url || !/^https?:$/.test(url.protocol))
    throw invalid(`url: "${text}" is not the URL of a gateway, such as https://registry.internal:4000`);
  // Users often copy the URL with the path /graphql.
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '').replace(/\/graphql$/, '');
}

/** Not by URL.canParse, which in Node.js 20 refuses letters such as ü once V8 has compiled the call. */
function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function invalid(message: string): TenantRegistryError {
  return new TenantRegistryError('VALIDATION_ERROR', message);
}
