import type { ClientBase } from 'pg';
import { type Answer, type Statement, sendAll } from './batch.js';

/** Sends statements together with COMMIT. */
export type Commit = (...statements: Statement[]) => Promise<Answer[]>;

/**
 * Runs the work between BEGIN and COMMIT, and rolls back when it throws. The statements in `first` are sent together with BEGIN;
 * the work gets their answers. A work that calls `commit` must send nothing after it.
 */
export async function inTransaction<T>(
  client: ClientBase,
  work: (commit: Commit, answers: Answer[]) => Promise<T>,
  first: readonly Statement[] = [],
): Promise<T> {
  let isCommitted = false;
  const commit: Commit = async (...statements) => {
    const answers = await sendAll(client, ...statements, { text: 'COMMIT' });
    isCommitted = true;
    return answers;
  };
  try {
    const [, ...answers] = await sendAll(client, { text: 'BEGIN' }, ...first);
    const result = await work(commit, answers);
    if (!isCommitted) await commit();
    return result;
  } catch (error) {
    // When the connection itself failed, the ROLLBACK fails too and the server rolls back on its own.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
