import type { Client } from 'pg';

/** A connection leads to a pooler without sessions. The message names the way out. */
export class PoolerError extends Error {
  override readonly name = 'PoolerError';
}

/** The message that names the way out of a pooler. `purpose` is what needs a session, in the plural. */
export function adviseDirect(variable: string, directVariable: string, purpose: string): string {
  return (
    `${variable} goes through a pooler that gives each transaction another session (PgBouncer: pool_mode = transaction), where ` +
    `${purpose} cannot work: set ${directVariable} to the URL of the same database without that pooler`
  );
}

const known = new Map<string, Promise<boolean>>();

/** Throws when the pooler in front of the database gives each transaction another session. `advice` is the way out. */
export async function requireKeptSession(advice: string, open: () => Client, key: string): Promise<void> {
  const answer = known.get(key) ?? changesSessions(open);
  known.set(key, answer);
  answer.catch(() => known.delete(key));
  if (await answer) throw new PoolerError(advice);
}

/**
 * Whether two connections at once ever exchange their sessions. Poolers hand out the session that was returned first or the one
 * that was returned last, so the sessions are returned in both orders.
 */
async function changesSessions(open: () => Client): Promise<boolean> {
  const first = open();
  const second = open();
  try {
    await Promise.all([first.connect(), second.connect()]);
    const seen = new Map<Client, unknown>();
    for (const order of [
      [first, second],
      [second, first],
      [first, second],
    ]) {
      for (const client of [first, second]) {
        const pid = await beginAt(client);
        if ((seen.get(client) ?? pid) !== pid) return true;
        seen.set(client, pid);
      }
      for (const client of order) await client.query('COMMIT');
    }
    return false;
  } finally {
    for (const client of [first, second]) client.end().catch(() => undefined);
  }
}

async function beginAt(client: Client): Promise<unknown> {
  await client.query('BEGIN');
  const { rows } = await client.query('SELECT pg_catalog.pg_backend_pid() AS pid');
  return rows[0]?.pid;
}
