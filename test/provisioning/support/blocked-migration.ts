import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** A migration that stands still in the middle until the test lets it go on. */
export interface Gate extends AsyncDisposable {
  /** Resolves once so many migrations stand at the gate. */
  reached(count?: number): Promise<void>;
  open(): Promise<void>;
}

const key = 4711;

/** The statement at which a migration stops while the gate of its database is shut. */
export const stopAtGate = `SELECT pg_advisory_xact_lock_shared(${key});`;

export async function shutGate(url: string): Promise<Gate> {
  const keeper = new pg.Client({ connectionString: url });
  await keeper.connect();
  await keeper.query(`SELECT pg_advisory_lock(${key})`);
  let isOpen = false;
  const open = async () => {
    if (isOpen) return;
    isOpen = true;
    await keeper.end();
  };
  return {
    async reached(count = 1) {
      await waitFor(async () => {
        const { rowCount } = await keeper.query(
          `SELECT FROM pg_locks JOIN pg_database AS here ON here.oid = pg_locks.database
           WHERE locktype = 'advisory' AND objid = ${key} AND NOT granted AND datname = current_database()`,
        );
        return rowCount === count;
      });
    },
    open,
    [Symbol.asyncDispose]: open,
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
