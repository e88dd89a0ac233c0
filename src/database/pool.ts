import { Pool, type PoolConfig, type QueryConfig, type QueryResult } from 'pg';
import type { Log } from '../log.js';
import { within } from '../within.js';
import { DatabaseClient, type DatabaseClientConfig } from './database-client.js';
import type { SessionBounds } from './session-settings.js';

/** How long to wait for a free or new connection, in milliseconds. */
const connectionTimeoutMs = 5_000;

export interface PoolOptions extends SessionBounds {
  max: number;
  applicationName: string;
  statementTimeoutMs: number;
  /** Timeout for the answer to a statement, which also covers a connection that hangs; default: none. */
  queryTimeoutMs?: number;
  /** See DatabaseClientConfig; default: every transaction is complete in itself. */
  directAdvice?: string;
  log: Log;
}

/**
 * Opens a connection pool in which every wait has a timeout. The loss of an idle connection is logged, and the pool
 * opens a new one.
 */
export function openPool(url: string, options: PoolOptions): Pool {
  return guardPool(new Pool(poolConfig(url, options)), options.log);
}

export function poolConfig(url: string, options: PoolOptions): PoolConfig & DatabaseClientConfig {
  const { max, applicationName, queryTimeoutMs, directAdvice, log, ...bounds } = options;
  return {
    // The pool passes its whole configuration to each client, which the types do not show.
    Client: DatabaseClient as unknown as NonNullable<PoolConfig['Client']>,
    connectionString: url,
    max,
    application_name: applicationName,
    connectionTimeoutMillis: connectionTimeoutMs,
    bounds,
    ...(queryTimeoutMs !== undefined && { query_timeout: queryTimeoutMs }),
    ...(directAdvice !== undefined && { directAdvice }),
    idleTimeoutMillis: 30_000,
    keepAlive: true,
  };
}

/** Listens for lost connections: an 'error' event without a listener would end the process. */
export function guardPool<P extends Pool>(pool: P, log: Log): P {
  // The loss of a connection in use shows in its queries.
  pool.on('connect', (client) => client.on('error', () => undefined));
  pool.on('error', (error) => log.warn({ err: error }, 'lost an idle database connection'));
  return pool;
}

/**
 * Runs one statement with one timeout for all its waits: for a free connection, for a new one, and for the server's
 * answer. A connection that hangs is not used again.
 */
export async function queryWithin(pool: Pool, timeoutMs: number, query: QueryConfig): Promise<QueryResult> {
  // The driver accepts this option per query, but its types do not have it.
  const bounded: QueryConfig & { query_timeout: number } = { ...query, query_timeout: timeoutMs };
  const answer = pool.query(bounded);
  return within(timeoutMs, answer, () => {
    throw new Error(`Query read timeout: ${timeoutMs} ms`);
  });
}
