import { TenantRegistryError } from './error.js';
import type { OwnedPool } from './pool.js';
import type { ReadSecret } from './secret.js';

export interface TenantRegistryOptions {
  /** Of a gateway, or of several that serve one registry: "https://registry.internal:4000". */
  url: string | readonly string[];
  /** Needs the scope `resolve:<module>`; a gateway in open mode asks for none. */
  apiKey?: string;
  /** The module of this service: "finance". */
  module: string;
  /** How many tenants are held at a time. Default 100,000. */
  maxTenants?: number;
  /** How long one request to a gateway may take, in milliseconds. Default 2,000. */
  timeoutMs?: number;
  /**
   * For how long `withTenant`, which the fence of the service database makes safe, goes on with what was known when the
   * registry cannot be asked, in milliseconds; 0: not at all. Default 15 minutes.
   */
  serveStaleMs?: number;
  /**
   * Opens a pool for the database of a tenant that has one of its own, where the module keeps them apart that way. They are
   * closed by themselves.
   */
  databasePool?: (databaseName: string) => OwnedPool;
  /** How many of these pools are open at a time. Default 20. */
  maxDatabasePools?: number;
  /** Where `config` and `secret` find the value of a variable. Default: the environment of this process. */
  readSecret?: ReadSecret;
  /** false: no stream of the gateway's events; changes are then heard a second later. */
  hints?: boolean;
}

type Optional = 'url' | 'apiKey' | 'databasePool';

export interface ReadOptions extends Required<Omit<TenantRegistryOptions, Optional>> {
  urls: readonly string[];
  apiKey: string | undefined;
  databasePool: ((databaseName: string) => OwnedPool) | undefined;
}

/** Throws VALIDATION_ERROR. */
export function readOptions(options: TenantRegistryOptions): ReadOptions {
  const urls = (typeof options.url === 'string' ? options.url.split(',') : [...options.url]).map(readUrl);
  if (urls.length === 0) throw invalid('url: must name a gateway');
  if (!/^[a-z][a-z0-9_]{0,30}$/.test(options.module))
    throw invalid(`module: "${options.module}" is no name of a module, such as finance`);
  const { apiKey, module, databasePool, hints = true } = options;
  const { readSecret = (name: string) => process.env[name] } = options;
  const { maxTenants = 100_000, maxDatabasePools = 20 } = options;
  const { timeoutMs = 2_000, serveStaleMs = 15 * 60_000 } = options;
  for (const [name, value] of Object.entries({ maxTenants, timeoutMs, maxDatabasePools }))
    if (!(value >= 1)) throw invalid(`${name}: must be 1 or more`);
  if (!(serveStaleMs >= 0)) throw invalid('serveStaleMs: must be 0 or more');
  return {
    ...{ urls, apiKey, module, maxTenants, timeoutMs, serveStaleMs, hints, databasePool, maxDatabasePools },
    readSecret,
  };
}

function readUrl(text: string): string {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw invalid(`url: "${text}" is no URL of a gateway`);
  // Where people copy it from.
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '').replace(/\/graphql$/, '');
}

function invalid(message: string): TenantRegistryError {
  return new TenantRegistryError('VALIDATION_ERROR', message);
}
