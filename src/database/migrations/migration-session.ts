import type pg from 'pg';
import { messageOf } from '../../errors.js';
import { DatabaseClient } from '../database-client.js';
import { registryDirectAdvice } from '../registry-database.js';

/**
 * Opens one session, not a pool: the advisory lock belongs to a session, and when that is lost, queries must fail
 * instead of continuing without the lock on a new connection.
 */
export async function openMigrationSession(databaseUrl: string): Promise<pg.Client> {
  const session = createClient(databaseUrl);
  session.on('error', () => {}); // the next query reports a connection that was lost while idle
  try {
    await session.connect();
  } catch (cause) {
    throw unreachable(session, cause);
  }
  return session;
}

function createClient(connectionString: string): pg.Client {
  try {
    return new DatabaseClient({
      connectionString,
      application_name: 'tenant-registry migrate',
      connectionTimeoutMillis: 10_000,
      // Prisma's own engine uses this search_path.
      bounds: { searchPath: 'public' },
      directAdvice: registryDirectAdvice,
    });
  } catch {
    // The cause is left out, because it quotes the URL with the password.
    throw new Error('The database URL is not valid: expected postgresql://user:password@host:port/database');
  }
}

/** Names the target of the connection, but not the password. */
function unreachable({ user, host, port, database }: pg.Client, cause: unknown): Error {
  return new Error(
    `Cannot connect to database "${database}" at ${host}:${port} as ${user}: ${messageOf(cause)}`,
    { cause },
  );
}
