/** Inspects connections that were returned to the pool before they are lent again. */
import type pg from 'pg';

export interface Watch {
  /** Lends a connection after inspecting it. */
  connect(): Promise<pg.PoolClient>;
  /** Inspects this many server connections at the same time. Returns the number of different ones. */
  lookAtAll(connections: number): Promise<number>;
  /** Number of inspections. */
  readonly looks: number;
}

interface Seen {
  pid: number;
  path: string;
  settings: string | null;
  leftover: string | null;
  cursor: string | null;
  isInside: boolean;
}

const defaultPath = '"$user", public';

const lookSql = `SELECT pg_backend_pid() AS pid, current_setting('search_path') AS path,
  to_regclass('settings')::text AS settings, to_regclass('pg_temp.settings')::text AS leftover,
  (SELECT name FROM pg_cursors WHERE name = 'held') AS cursor,
  transaction_timestamp() <> statement_timestamp() AS "isInside"`;

export function watchConnections(pool: pg.Pool, complain: (what: string) => void): Watch {
  let looks = 0;

  async function look(client: pg.PoolClient): Promise<Seen | undefined> {
    for (;;) {
      try {
        const { rows } = await client.query<Seen>(lookSql);
        looks++;
        return rows[0];
      } catch (error) {
        // A cancel request for the previous transaction's statement arrived late.
        if ((error as { code?: string }).code !== '57014') return undefined;
      }
    }
  }

  function judge({ path, settings, leftover, cursor }: Seen): void {
    if (path !== defaultPath) complain(`its path is ${path}`);
    if (settings !== null) complain(`it finds the table ${settings}`);
    if (leftover !== null) complain(`it has the temporary table ${leftover}`);
    if (cursor !== null) complain(`it has the cursor ${cursor}`);
  }

  const ignore = () => undefined;

  return {
    get looks() {
      return looks;
    },
    async connect() {
      for (;;) {
        const client = await pool.connect();
        // Without a listener the loss of the connection would end the process.
        client.on('error', ignore);
        const seen = await look(client);
        client.removeListener('error', ignore);
        if (seen?.isInside) complain('a transaction is open on it');
        if (seen) judge(seen);
        if (seen) return client;
        client.release(true);
      }
    },
    async lookAtAll(connections) {
      const clients = await Promise.all(Array.from({ length: connections }, () => pool.connect()));
      // Behind PgBouncer an open transaction keeps a server connection to itself.
      for (const client of clients) await client.query('BEGIN');
      const pids = new Set<number>();
      for (const client of clients) {
        const seen = await look(client);
        if (!seen) complain('the connection is lost');
        else {
          judge(seen);
          pids.add(seen.pid);
        }
      }
      for (const client of clients) {
        await client.query('ROLLBACK');
        client.release();
      }
      return pids.size;
    },
  };
}
