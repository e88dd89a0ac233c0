import type { Pool } from 'pg';
import { isSameDatabase, readDatabaseIdentity } from '../servers/database-identity.js';
import { DatabaseClient } from './database-client.js';

/** Whether the URL leads to the database that the pool is connected to. */
export async function leadsToSameDatabase(pool: Pool, url: string): Promise<boolean> {
  const client = new DatabaseClient({
    connectionString: url,
    application_name: 'tenant-registry',
    connectionTimeoutMillis: 5_000,
    bounds: {},
  });
  await client.connect();
  try {
    const [one, other] = await Promise.all([readDatabaseIdentity(pool), readDatabaseIdentity(client)]);
    return await isSameDatabase(one, other);
  } finally {
    await client.end();
  }
}

/** What is wrong with two variables of which one leads to another database. */
export function differentDatabases(variable: string, directVariable: string): string {
  return `${directVariable} and ${variable} name different databases: set both to the same database`;
}
