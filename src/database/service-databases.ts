import { Client, type Pool } from 'pg';
import type { Log } from '../log.js';
import { openPool } from './pool.js';

/** A place that a module's catalogue entry names: the variable with the URL, and the database behind it. */
export interface DatabaseReference {
  databaseRef: string;
  databaseName: string;
}

/** The databases of the modules. The registry stores variables' names; only here do they become connections. */
export interface ServiceDatabases {
  /** Name of the database that the variable's URL holds; undefined when the variable is not set. */
  configuredName(databaseRef: string): string | undefined;
  /** The module's database. */
  pool(reference: DatabaseReference): Promise<Pool>;
  /** A connection to another database on the module's server, for modules with a database per tenant. */
  connect(reference: DatabaseReference, database: string): Promise<Client>;
  close(): Promise<void>;
}

export interface ServiceDatabaseOptions {
  urls: Readonly<Record<string, string>>;
  /** Where modules live whose variable is not set: a database of that name in the embedded PostgreSQL. */
  fallbackUrl(databaseName: string): Promise<string>;
  log: Log;
}

const poolSize = 5;

/** A module's migrations may build large tables; still no statement may hang for ever. */
const migrationTimeoutMs = 600_000;

export function openServiceDatabases(options: ServiceDatabaseOptions): ServiceDatabases {
  const pools = new Map<string, Promise<Pool>>();

  async function url({ databaseRef, databaseName }: DatabaseReference): Promise<string> {
    return options.urls[databaseRef] ?? (await options.fallbackUrl(databaseName));
  }

  return {
    configuredName(databaseRef) {
      const text = options.urls[databaseRef];
      return text === undefined ? undefined : decodeURIComponent(new URL(text).pathname.slice(1));
    },
    pool(reference) {
      const key = `${reference.databaseRef}/${reference.databaseName}`;
      const opened =
        pools.get(key) ??
        url(reference).then((text) =>
          openPool(text, {
            max: poolSize,
            applicationName: 'tenant-registry provisioning',
            statementTimeoutMs: migrationTimeoutMs,
            log: options.log,
          }),
        );
      pools.set(key, opened);
      // A database that could not be opened is tried anew by the next caller.
      opened.catch(() => pools.delete(key));
      return opened;
    },
    async connect(reference, database) {
      const place = new URL(await url(reference));
      place.pathname = `/${encodeURIComponent(database)}`;
      const client = new Client({
        connectionString: place.href,
        application_name: 'tenant-registry provisioning',
        connectionTimeoutMillis: 5_000,
        statement_timeout: migrationTimeoutMs,
      });
      client.on('error', (error) => options.log.warn({ err: error }, 'lost a tenant database connection'));
      await client.connect();
      return client;
    },
    async close() {
      const opened = await Promise.allSettled(pools.values());
      await Promise.all(opened.map((pool) => (pool.status === 'fulfilled' ? pool.value.end() : undefined)));
    },
  };
}
