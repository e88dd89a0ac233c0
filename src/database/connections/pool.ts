import { Pool, type PoolConfig, type QueryConfig, type QueryResult } from 'pg';
import type { Log } from '../../log.js';
import { tracing } from '../../tracing/tracing.js';
import { within } from '../../within.js';
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

const waits = new WeakMap<Pool, { n: number }>();

/** How a pool is used now, and how often a work had to wait for a connection. */
export function readPoolUse(pool: Pool) {
  const { totalCount, idleCount, waitingCount } = pool;
  return {
    busy: totalCount - idleCount,
    idle: idleCount,
    waiting: waitingCount,
    waits: waits.get(pool)?.n ?? 0,
  };
}

function countWaits(pool: Pool): void {
  const counted = { n: 0 };
  waits.set(pool, counted);
  const connect = pool.connect.bind(pool) as (...parameters: unknown[]) => never;
  // The pool's own `query` connects by this method too.
  pool.connect = (...parameters: unknown[]) => {
    const { idleCount, totalCount, waitingCount } = pool;
    // Calls of this turn still count as waiting, also those that will get one of the free connections.
    if (waitingCount >= idleCount + pool.options.max - totalCount) counted.n++;
    const [done] = parameters;
    // Otherwise it would run among the spans of the request that releases a connection.
    if (tracing && typeof done === 'function') return connect(tracing.bind(done as () => void));
    return connect(...parameters);
  };
}

/** Listens for lost connections: an 'error' event without a listener would end the process. */
export function guardPool<P extends Pool>(pool: P, log: Log): P {
  countWaits(pool);
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
