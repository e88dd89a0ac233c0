import { Client, type ClientBase, type Pool } from 'pg';
import type { Log } from '../log.js';
import { openPool } from './pool.js';
import { createTurnstile } from './turnstile.js';

/** A service database as a module's catalogue entry names it: the environment variable with its URL, and its name. */
export interface DatabaseReference {
  databaseRef: string;
  databaseName: string;
}

/**
 * The service databases of all modules. The registry stores names of environment variables; only this interface turns
 * them into connections.
 */
export interface ServiceDatabases {
  /** The database name in the variable's URL; undefined when the variable is not set. */
  configuredName(databaseRef: string): string | undefined;
  /** Server and user in the variable's URL, which are not secret; undefined when the variable is not set. */
  configuredServer(databaseRef: string): { server: string; user: string } | undefined;
  /**
   * Runs the work on a connection to the module's database. Every work gets a clean session, without the locks,
   * settings and temporary objects of earlier work, whose search_path is pg_catalog alone. When all connections are in use, the work waits for its turn
   * without a timeout.
   */
  withConnection<T>(reference: DatabaseReference, work: (client: ClientBase) => Promise<T>): Promise<T>;
  /** Opens a connection to another database on the module's server, for modules with a database per tenant. */
  connect(reference: DatabaseReference, database: string): Promise<Client>;
  close(): Promise<void>;
}

export interface ServiceDatabaseOptions {
  urls: Readonly<Record<string, string>>;
  /** URL of a database of this name in the embedded PostgreSQL, for modules whose variable is not set. */
  fallbackUrl(databaseName: string): Promise<string>;
  log: Log;
}

/**
 * The search_path of every session in a service database. Operators, functions and tables that a service created in schema public
 * are not found, so they cannot run with the rights of this session.
 */
export const pinnedPath = 'pg_catalog, pg_temp';

/** With row_security off, a policy that would apply is an error: its functions never run. */
const pinSession = `SET search_path = ${pinnedPath}; SET row_security = off`;

const poolSize = 5;

/** Statement timeout. A module's migrations may build large tables, but no statement may run for ever. */
const migrationTimeoutMs = 600_000;

/** After this time the locks of a process that froze in the middle of a transaction are released. */
const idleTransactionTimeoutMs = 10_000;

export function openServiceDatabases(options: ServiceDatabaseOptions): ServiceDatabases {
  const databases = new Map<string, { pool: Promise<Pool>; takeTurn: ReturnType<typeof createTurnstile> }>();

  async function url({ databaseRef, databaseName }: DatabaseReference): Promise<string> {
    return options.urls[databaseRef] ?? (await options.fallbackUrl(databaseName));
  }

  function databaseOf(reference: DatabaseReference) {
    const key = `${reference.databaseRef}/${reference.databaseName}`;
    const database = databases.get(key) ?? {
      pool: url(reference).then((text) =>
        openPool(text, {
          max: poolSize,
          applicationName: 'tenant-registry provisioning',
          statementTimeoutMs: migrationTimeoutMs,
          idleTransactionTimeoutMs,
          log: options.log,
        }),
      ),
      takeTurn: createTurnstile(poolSize),
    };
    databases.set(key, database);
    // The next caller tries again to open a database that could not be opened.
    database.pool.catch(() => databases.delete(key));
    return database;
  }

  return {
    configuredName(databaseRef) {
      const text = options.urls[databaseRef];
      return text === undefined ? undefined : decodeURIComponent(new URL(text).pathname.slice(1));
    },
    configuredServer(databaseRef) {
      const text = options.urls[databaseRef];
      if (text === undefined) return undefined;
      const { hostname, port, username } = new URL(text);
      return { server: `${hostname}:${port || '5432'}`, user: decodeURIComponent(username) };
    },
    async withConnection(reference, work) {
      const { pool, takeTurn } = databaseOf(reference);
      const opened = await pool;
      // The wait for a turn must not happen in the pool: its timeout is meant for a server that does not answer.
      return takeTurn(() => withPooled(opened, work));
    },
    async connect(reference, database) {
      const target = new URL(await url(reference));
      target.pathname = `/${encodeURIComponent(database)}`;
      const client = new Client({
        connectionString: target.href,
        application_name: 'tenant-registry provisioning',
        connectionTimeoutMillis: 5_000,
        statement_timeout: migrationTimeoutMs,
        idle_in_transaction_session_timeout: idleTransactionTimeoutMs,
      });
      client.on('error', (error) => options.log.warn({ err: error }, 'lost a tenant database connection'));
      await client.connect();
      await client.query(pinSession);
      return client;
    },
    async close() {
      const opened = await Promise.allSettled([...databases.values()].map(({ pool }) => pool));
      await Promise.all(opened.map((pool) => (pool.status === 'fulfilled' ? pool.value.end() : undefined)));
    },
  };
}

async function withPooled<T>(pool: Pool, work: (client: ClientBase) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let result: T;
  try {
    await client.query(pinSession);
    result = await work(client);
  } catch (error) {
    // Closing the connection rolls back and releases locks, whatever its state is.
    client.release(true);
    throw error;
  }
  // The work has succeeded even if this cleanup fails.
  await client.query('DISCARD ALL').then(
    () => client.release(),
    () => client.release(true),
  );
  return result;
}
