import type pg from 'pg';
import { readPostgresUrl } from '../../urls/postgres-url.js';
import { describeConnectionFailure } from '../connections/connection-failure.js';
import { DatabaseClient } from '../connections/database-client.js';
import { registryDirectAdvice } from '../registry-database.js';
import { ServerError } from '../servers/server-check.js';

/**
 * Opens one session, not a pool: the advisory lock belongs to a session, and when that is lost, queries must fail
 * instead of continuing without the lock on a new connection. `variable` has the URL.
 */
export async function openMigrationSession(
  databaseUrl: string,
  variable = 'DATABASE_URL',
): Promise<pg.Client> {
  const session = new DatabaseClient({
    connectionString: databaseUrl,
    application_name: 'tenant-registry migrate',
    connectionTimeoutMillis: 10_000,
    // Prisma's own engine uses this search_path.
    bounds: { searchPath: 'public' },
    directAdvice: registryDirectAdvice,
  });
  session.on('error', () => {}); // the next query reports a connection that was lost while idle
  try {
    await session.connect();
  } catch (cause) {
    throw unreachable(session, databaseUrl, variable, cause);
  }
  return session;
}

/** Names the target of the connection, but not the password. */
function unreachable(
  { user, host, port }: pg.Client,
  url: string,
  variable: string,
  cause: unknown,
): ServerError {
  const attempt = { ...readPostgresUrl(url), user: user ?? '', host, port, variable };
  return new ServerError([describeConnectionFailure(cause, attempt)], { cause });
}
