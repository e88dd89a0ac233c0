import type { ClientBase } from 'pg';

/** BEGIN, the work, COMMIT; what fails is rolled back. */
export async function inTransaction<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // The connection may be what failed; the server rolls back by itself then.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
