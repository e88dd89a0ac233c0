import type { ReadSecret } from './config/secret.js';
import type { TraceHeaders } from './gateways/trace-headers.js';
import { type Checks, checkOptions, isBoolean, isFunction, isNumberFrom, kindOf } from './option-check.js';
import type { OwnedPool } from './transactions/pool.js';

export interface TenantRegistryOptions {
  /** URL of a gateway, or of several that serve the same registry: "https://registry.internal:4000". */
  url: string | readonly string[];
  /** API key with the scope `resolve:<module>`. A gateway in open mode needs none; an empty text counts as none. */
  apiKey?: string | undefined;
  /** Name of the module of this service: "finance". */
  module: string;
  /**
   * Oldest migration of the module that this service works with: "finance/0007_invoices.sql", or the start of its name, "0007".
   * A tenant that is behind it is refused with SCHEMA_MIGRATING or SCHEMA_BEHIND. Default: none.
   */
  minMigration?: string | undefined;
  /** Maximum number of cached tenants. Default 100,000. */
  maxTenants?: number | undefined;
  /** Timeout of one request to a gateway, in milliseconds. Default 2,000. */
  timeoutMs?: number | undefined;
  /**
   * How long `withTenant` continues with the last known routes while the registry cannot be reached, in
   * milliseconds; 0 disables it. The fence of the service database makes this safe. Default 15 minutes.
   */
  serveStaleMs?: number | undefined;
  /** Opens a pool for the database of a tenant with isolation DATABASE. The client closes these pools itself. */
  databasePool?: ((databaseName: string) => OwnedPool) | undefined;
  /** Maximum number of these pools. Default 20. */
  maxDatabasePools?: number | undefined;
  /** Returns the value of a variable for `config` and `secret`. Default: the environment of this process. */
  readSecret?: ReadSecret | undefined;
  /**
   * Variables that the configuration of every tenant may refer to, besides the tenant's own and the shared ones. Only for
   * values that every tenant may know. Default: none.
   */
  secretNames?: readonly string[] | undefined;
  /**
   * Returns the headers `traceparent` and `tracestate` of the present trace, which the client sends to the gateway. Other headers
   * are left out. Several lookups may share a request; it then belongs to the trace of the first. Default: none.
   */
  traceHeaders?: TraceHeaders | undefined;
  /** false disables the stream of change events; changes then arrive about a second later. */
  hints?: boolean | undefined;
}

type Optional = 'url' | 'apiKey' | 'minMigration' | 'databasePool' | 'traceHeaders';

type Given = {
  readonly [Name in keyof TenantRegistryOptions]-?: Exclude<TenantRegistryOptions[Name], undefined>;
};

export interface ReadOptions extends Omit<Given, Optional> {
  urls: readonly string[];
  apiKey: string | undefined;
  minMigration: string | undefined;
  databasePool: ((databaseName: string) => OwnedPool) | undefined;
  traceHeaders: TraceHeaders | undefined;
}

/** The largest number of entries of a Map. */
const mostEntries = 2 ** 24;
/** Node.js runs a timer with a longer time at once. */
const longestTimerMs = 2 ** 31 - 1;

const checks: Checks<TenantRegistryOptions> = {
  url: (value) => {
    const urls = typeof value === 'string' ? value.split(',') : value;
    if (!Array.isArray(urls))
      return `expected a URL such as ${exampleUrl}, or an array of URLs, got ${kindOf(value)}`;
    if (urls.length === 0) return `expected the URL of at least one gateway, such as ${exampleUrl}`;
    return urls.map(problemOfUrl).find((problem) => problem !== undefined);
  },
  apiKey: (value) => {
    if (typeof value !== 'string') return `expected a string, got ${kindOf(value)}`;
    // Never shows the value.
    return /^[!-~]*$/.test(value)
      ? undefined
      : 'contains a space, a line break or another character that no key has';
  },
  module: (value) => {
    if (typeof value !== 'string')
      return `expected the name of a module such as finance, got ${kindOf(value)}`;
    return /^[a-z][a-z0-9_]{0,30}$/.test(value)
      ? undefined
      : `${shown(value)} is not a module name such as finance`;
  },
  minMigration: (value) => {
    if (typeof value !== 'string')
      return `expected the name of a migration such as 0007_invoices.sql, got ${kindOf(value)}`;
    return value.length <= 200 && /^(?!_every\/)(?:[^/\p{Cc}]+\/)?[^/\p{Cc}]+$/u.test(value)
      ? undefined
      : `${shown(value)} is not the name of a migration of the module, such as 0007_invoices.sql`;
  },
  maxTenants: isNumberFrom(1, mostEntries),
  timeoutMs: isNumberFrom(1, longestTimerMs),
  serveStaleMs: isNumberFrom(0, Number.POSITIVE_INFINITY),
  databasePool: isFunction,
  maxDatabasePools: isNumberFrom(1, Number.POSITIVE_INFINITY),
  readSecret: isFunction,
  secretNames: (value) => {
    if (!Array.isArray(value)) return `expected an array of names of variables, got ${kindOf(value)}`;
    const problemOf = (name: unknown) => {
      if (typeof name !== 'string') return `expected names of variables, got ${kindOf(name)}`;
      return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
        ? undefined
        : `${shown(name)} is not the name of a variable`;
    };
    return value.map(problemOf).find((problem) => problem !== undefined);
  },
  traceHeaders: isFunction,
  hints: isBoolean,
};

/** Validates the options. Throws VALIDATION_ERROR that names every wrong one. */
export function readOptions(options: TenantRegistryOptions): ReadOptions {
  checkOptions('createTenantRegistry', options, checks, ['url', 'module']);
  const { url, apiKey, module, minMigration, databasePool, traceHeaders, hints = true } = options;
  const { readSecret = (name: string) => process.env[name], secretNames = [] } = options;
  const { maxTenants = 100_000, maxDatabasePools = 20 } = options;
  const { timeoutMs = 2_000, serveStaleMs = 15 * 60_000 } = options;
  return {
    urls: (typeof url === 'string' ? url.split(',') : url).map(readUrl),
    apiKey: apiKey === '' ? undefined : apiKey,
    ...{ module, minMigration, maxTenants, timeoutMs, serveStaleMs, hints, databasePool, maxDatabasePools },
    traceHeaders,
    ...{ readSecret, secretNames: [...secretNames] },
  };
}

const exampleUrl = 'https://registry.internal:4000';

function problemOfUrl(text: unknown): string | undefined {
  if (typeof text !== 'string') return `expected a URL such as ${exampleUrl}, got ${kindOf(text)}`;
  const url = parseUrl(text.trim());
  // A text with an @ may contain a password.
  if (text.includes('@')) return 'a user or password in the URL is not used; give the key as apiKey';
  if (!url || !/^https?:$/.test(url.protocol))
    return `${shown(text)} is not the URL of a gateway, such as ${exampleUrl}`;
  return url.search || url.hash
    ? `"${url.origin}${url.pathname}" has a query or a fragment, which is not used`
    : undefined;
}

/** Variables are easily swapped, and a key must not get into a log. */
function shown(text: string): string {
  return /trk_|[?#]/.test(text) ? 'the value' : `"${text}"`;
}

function readUrl(text: string): string {
  const url = new URL(text.trim());
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
