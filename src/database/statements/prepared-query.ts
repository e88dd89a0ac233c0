import { createHash } from 'node:crypto';
import type { Pool, QueryResult } from 'pg';
import { queryWithin } from '../connections/pool.js';

/**
 * SQLSTATEs of a named statement that cannot be used: the connection does not have it, has it already, or its result has
 * another form since a migration.
 */
const unusableStates = new Set(['26000', '42P05', '0A000']);

/** Pools behind a pooler that gives each transaction another connection, such as PgBouncer before 1.21. */
const poolsWithoutNames = new WeakSet<Pool>();

const names = new Map<string, string>();

/**
 * Like queryWithin, for a statement that is sent often: PostgreSQL keeps its plan per connection. When one fails because it has a
 * name, it has changed nothing: it is sent again without a name, and so are all statements of this pool from then on.
 */
export async function queryPrepared(
  pool: Pool,
  timeoutMs: number,
  statement: { text: string; values: unknown[] },
): Promise<QueryResult> {
  if (!sendsNames(pool)) return queryWithin(pool, timeoutMs, statement);
  try {
    return await queryWithin(pool, timeoutMs, { ...statement, name: nameOf(statement.text) });
  } catch (error) {
    if (!isUnusableName(error)) throw error;
    stopNames(pool);
    return queryWithin(pool, timeoutMs, statement);
  }
}

/** Whether statements to this pool can have names. */
export function sendsNames(pool: Pool): boolean {
  return !poolsWithoutNames.has(pool);
}

/** Remembers that they cannot. */
export function stopNames(pool: Pool): void {
  poolsWithoutNames.add(pool);
}

/** Whether a statement failed because of its name. */
export function isUnusableName(error: unknown): boolean {
  return unusableStates.has((error as { code?: string }).code ?? '');
}

/** By the text: another version of this program may have left a statement of its own on the same connection. */
export function nameOf(text: string): string {
  const name = names.get(text) ?? createHash('sha256').update(text).digest('hex').slice(0, 32);
  names.set(text, name);
  return name;
}
