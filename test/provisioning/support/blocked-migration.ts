import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** Blocks migrations in the middle until the test releases them. */
export interface BlockedMigration extends AsyncDisposable {
  /** Resolves when this many migrations are blocked. */
  untilBlocked(count?: number): Promise<void>;
  release(): Promise<void>;
}

const key = 4711;

/** A statement for a migration: it waits while migrations of its database are blocked. */
export const blockingStatement = `SELECT pg_advisory_xact_lock_shared(${key});`;

export async function blockMigrations(url: string): Promise<BlockedMigration> {
  const blocker = new pg.Client({ connectionString: url });
  await blocker.connect();
  await blocker.query(`SELECT pg_advisory_lock(${key})`);
  let isReleased = false;
  const release = async () => {
    if (isReleased) return;
    isReleased = true;
    await blocker.end();
  };
  return {
    async untilBlocked(count = 1) {
      await waitFor(async () => {
        const { rowCount } = await blocker.query(
          `SELECT FROM pg_locks JOIN pg_database AS here ON here.oid = pg_locks.database
           WHERE locktype = 'advisory' AND objid = ${key} AND NOT granted AND datname = current_database()`,
        );
        return rowCount === count;
      });
    },
    release,
    [Symbol.asyncDispose]: release,
  };
}

export async function waitFor(condition: () => Promise<boolean>, patienceMs = 60_000): Promise<void> {
  const until = Date.now() + patienceMs;
  while (!(await condition())) {
    if (Date.now() > until) throw new Error(`waited ${patienceMs} ms in vain for ${condition}`);
    await delay(20);
  }
}
