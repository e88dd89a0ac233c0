import { type ClientBase, DatabaseError } from 'pg';
import { identifier } from '../identifier.js';

/**
 * Runs a statement that needs the database without sessions, and ends those that are in its way. PostgreSQL itself ends autovacuum
 * and waits five seconds. Rejects when sessions stay that the role may not end.
 */
export async function runWithoutSessions(
  client: ClientBase,
  database: string,
  statement: string,
  attempts = 5,
): Promise<void> {
  for (let attempt = 1; ; attempt++)
    try {
      await client.query(statement);
      return;
    } catch (error) {
      if (!hasCode(error, '55006') || attempt === attempts) throw error;
      await endSessions(client, database);
    }
}

/**
 * Drops the database, if it exists, and ends the sessions in it. FORCE alone is refused to a role without pg_signal_backend while an
 * autovacuum worker is in the database. Rejects with that refusal when sessions stay that the role may not end.
 */
export async function dropDatabaseIfExists(client: ClientBase, database: string): Promise<void> {
  const drop = `DROP DATABASE IF EXISTS ${identifier(database)}`;
  try {
    await client.query(`${drop} WITH (FORCE)`);
  } catch (error) {
    if (!hasCode(error, '42501')) throw error;
    await runWithoutSessions(client, database, drop, 2).catch((later: unknown) => {
      // The refusal names the right that is missing.
      throw hasCode(later, '55006') ? error : later;
    });
  }
}

async function endSessions(client: ClientBase, database: string): Promise<void> {
  // Processes of the server itself have no role. The kind of other roles' sessions is hidden from most roles.
  const end = `SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
    WHERE datname = $1 AND usesysid IS NOT NULL AND pid <> pg_backend_pid()`;
  await client.query(end, [database]).catch((error: unknown) => {
    // Sessions of other roles may leave by themselves.
    if (!hasCode(error, '42501')) throw error;
  });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof DatabaseError && error.code === code;
}
