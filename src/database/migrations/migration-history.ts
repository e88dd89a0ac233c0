import pg from 'pg';
import { hasChecksum, type Migration } from './migration-folder.js';

/** A migration that Prisma's table knows and nobody took back. */
interface RecordedMigration {
  name: string;
  checksum: string;
  finished: boolean;
}

/** What the folder and the database say about each other. */
export interface MigrationPlan {
  pending: Migration[];
  /** Applied, but not in the folder: a newer version was here. */
  newer: string[];
}

/** The key of the advisory lock under which every Prisma engine migrates. */
const prismaLockKey = 72_707_369;

export async function readHistory(session: pg.Client): Promise<RecordedMigration[]> {
  try {
    const { rows } = await session.query<RecordedMigration>(
      `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
       FROM public._prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`,
    );
    return rows;
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === '42P01') return []; // no table: a new database
    throw error;
  }
}

/** Refuses a folder in which an applied migration was edited: the database no longer is what the folder says. */
export function planMigrations(folder: Migration[], history: RecordedMigration[]): MigrationPlan {
  const applied = new Map(history.filter((row) => row.finished).map((row) => [row.name, row.checksum]));
  const edited = folder.filter((migration) => {
    const checksum = applied.get(migration.name);
    return checksum !== undefined && !hasChecksum(migration, checksum);
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
 * Waits for its turn by asking again and again: a session that blocks in pg_advisory_lock holds a snapshot, for which
 * CREATE INDEX CONCURRENTLY of the lock's owner would wait in turn. The lock ends with the session.
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
        `Another process has held the migration lock (advisory lock ${prismaLockKey}) for more than ${timeoutMs} ms`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 50));
  }
}

/**
 * Marks unfinished migrations as rolled back, as `prisma migrate resolve --rolled-back` would, and so lets the next
 * start try again; Prisma alone would refuse with P3009. That is safe because a script and its record commit together:
 * what is unfinished left nothing behind (but for scripts that cannot run in a transaction, which must bear repeating).
 * Only for the holder of the lock: else another process may be at work on them.
 */
export async function takeBackUnfinished(session: pg.Client): Promise<void> {
  await session.query(
    `UPDATE public._prisma_migrations SET rolled_back_at = now()
     WHERE finished_at IS NULL AND rolled_back_at IS NULL`,
  );
}

/** SQL that, sent together with a migration's script, records it as applied in the same transaction. */
export function recordFinished(migration: Migration): string {
  return `UPDATE public._prisma_migrations SET finished_at = now()
    WHERE checksum = '${migration.checksum}' AND finished_at IS NULL AND rolled_back_at IS NULL`;
}
