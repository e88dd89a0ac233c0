import type { Pool, QueryResult } from 'pg';
import type { Log } from '../log.js';
import type { PoolUse } from '../metrics/pool-gauges.js';
import { connectionCounts } from './connections/connection-counts.js';
import { guardPool, openPool, poolConfig, readPoolUse } from './connections/pool.js';
import { adviseDirect } from './connections/pooler.js';
import { ScopedPool, StatementScope } from './connections/statement-scope.js';
import { PrismaClient } from './generated/prisma/client.js';
import { queryPrepared } from './statements/prepared-query.js';
import { createRowReader, type ReadRows } from './statements/row-reader.js';
import {
  asRegistryFailure,
  JoiningAdapter,
  runTransaction,
  type Transaction,
} from './statements/transaction.js';

export type { Transaction } from './statements/transaction.js';

/** The registry's database. The hot path has a pool of its own, so it never waits for a list or a command. */
export interface RegistryDatabase {
  prisma: PrismaClient;
  /** For routes, keys and what belongs to no caller. */
  pool: Pool;
  /** For SQL that is for a caller; Prisma's connections are of this pool. */
  rowPool: Pool;
  /** Reads rows for a caller. */
  readRows: ReadRows;
  /** For an operation that reads rows: bounds its connections and can cancel its statements. */
  openScope(): StatementScope;
  /** Sends a statement without Prisma, which costs a fraction; PostgreSQL keeps its plan. */
  query(text: string, values: unknown[]): Promise<QueryResult>;
  /** Runs the work in one READ COMMITTED transaction. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** How its connections are used, by what they are for. */
  readUse(): PoolUse[];
  close(): Promise<void>;
}

/** For connections to the registry that need a session: locks of migrations and notifications. */
export const registryDirectAdvice = adviseDirect(
  'DATABASE_URL',
  'DATABASE_DIRECT_URL',
  'migrations and notifications',
);

/** Connections of one operation that reads rows. */
const scopeSize = 2;
const statementTimeoutMs = 30_000;
/** Commands hold their locks for milliseconds. A lock that lasts longer belongs to somebody else. */
const lockTimeoutMs = 5_000;

export function openRegistryDatabase(url: string, log: Log): RegistryDatabase {
  const options = {
    applicationName: 'tenant-registry',
    statementTimeoutMs,
    lockTimeoutMs,
    // The server's own timeout comes first; this one is for a server or a network that hangs.
    queryTimeoutMs: statementTimeoutMs + 5_000,
    log,
  };
  const pool = openPool(url, { ...options, max: connectionCounts.routes });
  const rowPool = guardPool(new ScopedPool(poolConfig(url, { ...options, max: connectionCounts.rows })), log);
  const prisma = new PrismaClient({
    adapter: new JoiningAdapter(rowPool),
    transactionOptions: { maxWait: 10_000, timeout: 20_000 },
  });
  return {
    prisma,
    pool,
    rowPool,
    readRows: createRowReader((text, values) => rowPool.query({ text, values })),
    query: (text, values) =>
      queryPrepared(rowPool, options.queryTimeoutMs, { text, values }).catch((error) => {
        throw asRegistryFailure(error);
      }),
    openScope: () => new StatementScope(url, scopeSize),
    transaction: (work) => runTransaction(prisma, rowPool, work),
    readUse: () => [
      { database: 'registry', pool: 'routes', ...readPoolUse(pool) },
      { database: 'registry', pool: 'rows', ...readPoolUse(rowPool) },
    ],
    async close() {
      await prisma.$disconnect();
      await Promise.all([pool.end(), rowPool.end()]);
    },
  };
}
