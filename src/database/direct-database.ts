import type { Pool } from 'pg';
import { DatabaseClient } from './database-client.js';
import { isSameDatabase, readDatabaseIdentity } from './database-identity.js';

/** Refuses a DATABASE_DIRECT_URL that names another database than the pool is connected to. */
export async function requireSameDatabase(pool: Pool, directUrl: string): Promise<void> {
  const direct = new DatabaseClient({
    connectionString: directUrl,
    application_name: 'tenant-registry',
    connectionTimeoutMillis: 5_000,
    bounds: {},
  });
  await direct.connect();
  try {
    const [one, other] = await Promise.all([readDatabaseIdentity(pool), readDatabaseIdentity(direct)]);
    if (!(await isSameDatabase(one, other)))
      throw new Error(
        'DATABASE_DIRECT_URL and DATABASE_URL name different databases: set both to the same database',
      );
  } finally {
    await direct.end();
  }
}
