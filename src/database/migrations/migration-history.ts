import pg from 'pg';
import { hasChecksum } from '../script-checksum.js';
import type { Migration } from './migration-folder.js';

/** A migration in Prisma's table that was not rolled back. */
interface RecordedMigration {
  name: string;
  checksum: string;
  finished: boolean;
}

/** The difference between the folder and the database. */
export interface MigrationPlan {
  pending: Migration[];
  /** Migrations that are applied but not in the folder: a newer version applied them. */
  newer: string[];
}

/** Key of the advisory lock that every Prisma engine takes before it migrates. */
const prismaLockKey = 72_707_369;

export async function readHistory(session: pg.Client): Promise<RecordedMigration[]> {
  try {
    const { rows } = await session.query<RecordedMigration>(
      `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
       FROM public._prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`,
    );
    return rows;
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === '42P01') return []; // a new database has no such table
    throw error;
  }
}

/**
 * Compares the folder with the history; throws when an applied migration was edited, because the database then differs
 * from the folder.
 */
export function planMigrations(folder: Migration[], history: RecordedMigration[]): MigrationPlan {
  const applied = new Map(history.filter((row) => row.finished).map((row) => [row.name, row.checksum]));
  const edited = folder.filter((migration) => {
    const checksum = applied.get(migration.name);
    return checksum !== undefined && !hasChecksum(migration.script, checksum);
  });
  if (edited.length > 0) {
    const names = edited.map((migration) => `"${migration.name}"`).join(', ');
    throw new Error(
      `Migration ${names} was edited after it had been applied: restore the file and put the change into a new migration`,
    );
  }
  const known = new Set(folder.map((migration) => migration.name));
  return {
    pending: folder.filter((migration) => !applied.has(migration.name)),
    newer: [...applied.keys()].filter((name) => !known.has(name)),
  };
}

/**
 * Polls for the lock instead of waiting for it: a session that waits in pg_advisory_lock holds a snapshot, and the
 * lock's owner would wait for that in CREATE INDEX CONCURRENTLY. The lock ends with the session.
 */
export async function acquireMigrationLock(session: pg.Client, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { rows } = await session.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [
      prismaLockKey,
    ]);
    if (rows[0]?.held) return;
    if (performance.now() > deadline) {
      throw new Error(
        `Another process has held the migration lock (advisory lock ${prismaLockKey}) for more than ${timeoutMs} ms: wait for it or end it, then start again`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 50));
  }
}

/**
 * Marks unfinished migrations as rolled back, as `prisma migrate resolve --rolled-back` does, so that the next start
 * tries them again; Prisma alone would refuse with P3009. This is safe because a script and its record commit together,
 * so an unfinished one left nothing behind. Scripts that cannot run in a transaction must be repeatable. Only the
 * holder of the lock may call it, as another process may be running them otherwise.
 */
export async function rollBackUnfinished(session: pg.Client): Promise<void> {
  await session.query(
    `UPDATE public._prisma_migrations SET rolled_back_at = now()
     WHERE finished_at IS NULL AND rolled_back_at IS NULL`,
  );
}

/**
 * Returns the SQL that records a migration as applied. It is sent together with the script, in the same transaction.
 */
export function recordFinished(migration: Migration): string {
  return `UPDATE public._prisma_migrations SET finished_at = now()
    WHERE checksum = '${migration.checksum}' AND finished_at IS NULL AND rolled_back_at IS NULL`;
}
