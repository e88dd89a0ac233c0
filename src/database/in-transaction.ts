import type { ClientBase } from 'pg';

/** Runs the work between BEGIN and COMMIT, and rolls back when it throws. */
export async function inTransaction<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // When the connection itself failed, the ROLLBACK fails too and the server rolls back on its own.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
