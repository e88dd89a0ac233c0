import { PrismaPg } from '@prisma/adapter-pg';
import type { Pool } from 'pg';
import type { Log } from '../log.js';
import { Prisma, PrismaClient } from './generated/prisma/client.js';
import { openPool } from './pool.js';

export type Transaction = Prisma.TransactionClient;

/** The registry's database: Prisma for rows, the pool for the hot path. Both use the same connections. */
export interface RegistryDatabase {
  prisma: PrismaClient;
  pool: Pool;
  /** Runs the work in one READ COMMITTED transaction. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const poolSize = 20;
const statementTimeoutMs = 30_000;

export function openRegistryDatabase(url: string, log: Log): RegistryDatabase {
  const pool = openPool(url, {
    max: poolSize,
    applicationName: 'tenant-registry',
    statementTimeoutMs,
    // The server's own timeout comes first; this one is for a server or a network that hangs.
    queryTimeoutMs: statementTimeoutMs + 5_000,
    log,
  });
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  return {
    prisma,
    pool,
    transaction: (work) =>
      prisma.$transaction(work, {
        isolationLevel: Prisma.TransactionIsolationLevel.ReadCommitted,
        maxWait: 10_000,
        timeout: 20_000,
      }),
    async close() {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}
