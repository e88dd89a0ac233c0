import { Pool, type QueryConfig, type QueryResult } from 'pg';
import type { Log } from '../log.js';
import { within } from '../within.js';

/** How long to wait for a free or new connection before saying that the database is unavailable. */
const connectionTimeoutMs = 5_000;

export interface PoolOptions {
  max: number;
  applicationName: string;
  statementTimeoutMs: number;
  /** Gives up waiting for the server's answer, also when the connection hangs; default: never. */
  queryTimeoutMs?: number;
  /** A transaction whose client stands still for longer is ended by the server; default: never. */
  idleTransactionTimeoutMs?: number;
  log: Log;
}

/** A connection pool; every wait in it is bounded. Loss of an idle connection is logged, the pool makes a new one. */
export function openPool(url: string, options: PoolOptions): Pool {
  const pool = new Pool({
    connectionString: url,
    max: options.max,
    application_name: options.applicationName,
    connectionTimeoutMillis: connectionTimeoutMs,
    statement_timeout: options.statementTimeoutMs,
    ...(options.queryTimeoutMs !== undefined && { query_timeout: options.queryTimeoutMs }),
    ...(options.idleTransactionTimeoutMs !== undefined && {
      idle_in_transaction_session_timeout: options.idleTransactionTimeoutMs,
    }),
    idleTimeoutMillis: 30_000,
    keepAlive: true,
  });
  // While a connection is in use its loss shows in its queries; an 'error' without a listener would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  pool.on('error', (error) => options.log.warn({ err: error }, 'lost an idle database connection'));
  return pool;
}

/**
 * One statement, given up after a time whatever it waits for: a free connection, a new one, the server's answer. A
 * connection that hangs is not used again.
 */
export async function queryWithin(pool: Pool, timeoutMs: number, query: QueryConfig): Promise<QueryResult> {
  // The driver's types do not know that it takes this per query.
  const bounded: QueryConfig & { query_timeout: number } = { ...query, query_timeout: timeoutMs };
  const answer = pool.query(bounded);
  return within(timeoutMs, answer, () => {
    throw new Error(`Query read timeout: ${timeoutMs} ms`);
  });
}
