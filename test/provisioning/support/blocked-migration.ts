import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** A migration that stands still in the middle until the test lets it go on. */
export interface BlockedMigration extends AsyncDisposable {
  /** Resolves once so many migrations stand at the block. */
  untilBlocked(count?: number): Promise<void>;
  release(): Promise<void>;
}

const key = 4711;

/** The statement at which a migration stops while the gate of its database is shut. */
export const blockingStatement = `SELECT pg_advisory_xact_lock_shared(${key});`;

export async function blockMigrations(url: string): Promise<BlockedMigration> {
  const keeper = new pg.Client({ connectionString: url });
  await keeper.connect();
  await keeper.query(`SELECT pg_advisory_lock(${key})`);
  let isReleased = false;
  const release = async () => {
    if (isReleased) return;
    isReleased = true;
    await keeper.end();
  };
  return {
    async untilBlocked(count = 1) {
      await waitFor(async () => {
        const { rowCount } = await keeper.query(
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

const patienceMs = 20_000;

export async function waitFor(isSo: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + patienceMs;
  while (!(await isSo())) {
    if (Date.now() > until) throw new Error(`waited ${patienceMs} ms in vain for ${isSo}`);
    await delay(20);
  }
}
