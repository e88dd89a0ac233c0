import { setTimeout as delay } from 'node:timers/promises';
import { type ClientBase, DatabaseError } from 'pg';
import { inTransaction } from '../../database/in-transaction.js';
import { findBinding } from './binding.js';
import { enteredLock } from './guard-sql.js';

export interface DrainOptions {
  /** How long whoever is inside may go on. */
  deadlineMs: number;
}

/** Between two looks whether the schema has been opened again, which ends the draining. */
const sliceMs = 250;

/** How long a session that was ended may take to be gone. */
const graceMs = 5_000;

/**
 * Waits, after a binding was closed and committed, until nobody is inside any more, and at the deadline ends the sessions of
 * those who still are; returns how many. Their next statement fails, or the one that runs: to cancel would let those
 * that are idle in a transaction go on. Needs pg_signal_backend.
 */
export async function drainSchema(
  client: ClientBase,
  schemaName: string,
  { deadlineMs }: DrainOptions,
): Promise<number> {
  const ended = new Set<number>();
  const deadline = performance.now() + deadlineMs;
  while ((await findBinding(client, schemaName))?.state !== 'active') {
    const left = deadline - performance.now();
    if (await isEmptyWithin(client, schemaName, left > 0 ? Math.min(left, sliceMs) : 1)) break;
    if (performance.now() < deadline) continue;
    const inside = await findInside(client, schemaName);
    // A prepared transaction holds its lock without a session: it runs no statement any more, but COMMIT or ROLLBACK.
    if (inside.length > 0 && inside.every((pid) => pid === null)) break;
    for (const pid of inside) if (pid !== null && (await endSession(client, schemaName, pid))) ended.add(pid);
    if (performance.now() > deadline + graceMs)
      throw new Error(`Sessions ${inside.join(', ')} in schema ${schemaName} were ended and are still there`);
    await delay(10);
  }
  return ended.size;
}

/** Who waits for the lock is seen by those who try for it, so the stream of those who are refused doesn't keep it busy. */
async function isEmptyWithin(client: ClientBase, schemaName: string, waitMs: number): Promise<boolean> {
  try {
    return await inTransaction(client, async () => {
      await client.query(`SET LOCAL lock_timeout = ${Math.ceil(waitMs)}`);
      await client.query(`SELECT pg_advisory_xact_lock(${enteredLock('$1')})`, [schemaName]);
      return true;
    });
  } catch (error) {
    if (error instanceof DatabaseError && error.code === '55P03') return false;
    throw error;
  }
}

const inside = `
  FROM pg_locks, (SELECT ${enteredLock('$1')} AS key) AS entered
  WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid = ((key >> 32) & 4294967295)::oid AND objid = (key & 4294967295)::oid`;

/** Server processes that entered the schema; null for a prepared transaction. */
async function findInside(client: ClientBase, schemaName: string): Promise<(number | null)[]> {
  const { rows } = await client.query<{ pid: number | null }>(`SELECT pid ${inside}`, [schemaName]);
  return rows.map(({ pid }) => pid);
}

/** Looks once more in the same statement: the process may have left, and its number be another's. */
async function endSession(client: ClientBase, schemaName: string, pid: number): Promise<boolean> {
  try {
    const { rows } = await client.query<{ ended: boolean }>(
      `SELECT pg_terminate_backend(pid) AS ended ${inside} AND pid = $2`,
      [schemaName, pid],
    );
    return rows[0]?.ended ?? false;
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== '42501') throw error;
    const { rows } = await client.query<{ user: string }>('SELECT quote_ident(current_user) AS user');
    throw new Error(
      `Session ${pid} in schema ${schemaName} can't be ended: GRANT pg_signal_backend TO ${rows[0]?.user}, and let no service connect as a superuser`,
      { cause: error },
    );
  }
}
