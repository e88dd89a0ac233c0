import pg from 'pg';
import { messageOf } from '../../errors.js';

/**
 * One session, not a pool: an advisory lock belongs to a session, and when that is lost queries have to fail instead of
 * going on, without the lock, on a fresh connection.
 */
export async function openMigrationSession(databaseUrl: string): Promise<pg.Client> {
  const session = createClient(databaseUrl);
  session.on('error', () => {}); // a connection lost while idle shows itself in the next query
  try {
    await session.connect();
  } catch (cause) {
    throw unreachable(session, cause);
  }
  // As Prisma's own engine has it; and PrismaPg sends times without a zone, so the session must be in UTC.
  await session.query(`SET search_path TO public; SET timezone TO 'UTC'`);
  return session;
}

function createClient(connectionString: string): pg.Client {
  try {
    return new pg.Client({
      connectionString,
      application_name: 'tenant-registry migrate',
      connectionTimeoutMillis: 10_000,
    });
  } catch {
    // Without its cause, which quotes the URL and so the password.
    throw new Error('Cannot read the database URL: expected postgresql://user:password@host:port/database');
  }
}

/** Says where the connection was to go, but not with which password. */
function unreachable({ user, host, port, database }: pg.Client, cause: unknown): Error {
  return new Error(
    `Cannot connect to database "${database}" at ${host}:${port} as ${user}: ${messageOf(cause)}`,
    { cause },
  );
}
