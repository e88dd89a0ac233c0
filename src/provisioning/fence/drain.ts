import { setTimeout as delay } from 'node:timers/promises';
import { type ClientBase, DatabaseError } from 'pg';
import { inTransaction } from '../../database/statements/in-transaction.js';
import { findBinding } from './binding.js';
import { enteredLock } from './guard-sql.js';

export interface DrainOptions {
  /** How long sessions inside the schema may continue, in milliseconds. */
  deadlineMs: number;
}

/** Interval at which the binding is read again, in milliseconds: draining stops when it is active again. */
const sliceMs = 250;

/** How long an ended session may take to disappear, in milliseconds. */
const graceMs = 5_000;

/**
 * Waits, after a closed binding was committed, until no session is inside the schema. At the deadline ends the remaining
 * sessions and returns their number. Ends and does not cancel them, because cancelling does not stop a session that is idle in a
 * transaction. A role that may not end them throws an error that passes: nobody enters any more, so a later attempt finds the
 * schema empty when they have left.
 */
export async function drainSchema(
  client: ClientBase,
  schemaName: string,
  { deadlineMs }: DrainOptions,
): Promise<number> {
  if (await isOver(client, schemaName)) return 0;
  const ended = new Set<number>();
  const deadline = performance.now() + deadlineMs;
  while ((await findBinding(client, schemaName))?.state !== 'active') {
    const left = deadline - performance.now();
    if (await isEmptyWithin(client, schemaName, left > 0 ? Math.min(left, sliceMs) : 1)) break;
    if (performance.now() < deadline) continue;
    const inside = await findInside(client, schemaName);
    // A prepared transaction holds the lock without a session. It can only be committed or rolled back, so it is safe to leave.
    if (inside.length > 0 && inside.every((pid) => pid === null)) break;
    let remaining: SessionRemainsError | undefined;
    for (const pid of inside) {
      const outcome = pid !== null && (await endSession(client, schemaName, pid));
      if (outcome instanceof SessionRemainsError) remaining ??= outcome;
      else if (pid !== null && outcome) ended.add(pid);
    }
    if (remaining) throw remaining;
    if (performance.now() > deadline + graceMs)
      throw new Error(
        `Sessions ${inside.join(', ')} in schema ${schemaName} were terminated but still exist`,
      );
    await delay(10);
  }
  return ended.size;
}

/** Whether nothing is to be waited for: the binding is active, or no session is inside. One statement, because it is the rule. */
async function isOver(client: ClientBase, schemaName: string): Promise<boolean> {
  const { rows } = await client.query<{ isOver: boolean }>(
    `SELECT CASE WHEN (SELECT state FROM tenant_guard.binding WHERE schema_name = $1) = 'active' THEN true
                 ELSE pg_try_advisory_xact_lock(${enteredLock('$1')}) END AS "isOver"`,
    [schemaName],
  );
  return rows[0]?.isOver ?? false;
}

/** A waiting exclusive lock makes the guard's try-lock fail, so refused sessions cannot keep the lock busy. */
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

/** It keeps the lock of the schema, and its code is that of a lock that was not available. */
class SessionRemainsError extends Error {
  override readonly name = 'SessionRemainsError';
  readonly code = '55P03';
}

/** Checks and ends in one statement: the process may have left, and its id may belong to another one by now. */
async function endSession(
  client: ClientBase,
  schemaName: string,
  pid: number,
): Promise<boolean | SessionRemainsError> {
  try {
    const { rows } = await client.query<{ ended: boolean }>(
      `SELECT pg_terminate_backend(pid) AS ended ${inside} AND pid = $2`,
      [schemaName, pid],
    );
    return rows[0]?.ended ?? false;
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== '42501') throw error;
    const { rows } = await client.query<{ user: string }>('SELECT quote_ident(current_user) AS user');
    return new SessionRemainsError(
      `Session ${pid} is still in schema ${schemaName} and cannot be terminated, so this is tried again until it has left. ` +
        `To end such sessions, GRANT pg_signal_backend TO ${rows[0]?.user}, and let no service connect as a superuser`,
      { cause: error },
    );
  }
}
