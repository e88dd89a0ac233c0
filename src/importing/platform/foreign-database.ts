import type { ClientBase } from 'pg';
import { DatabaseClient, pinSqlOf } from '../../database/connections/database-client.js';
import { pinnedPath } from '../../database/service-databases.js';
import { invalidField, messageOf } from '../../errors.js';
import { readPostgresUrl } from '../../urls/postgres-url.js';

const bounds = {
  searchPath: pinnedPath,
  // A policy that would apply is an error: its functions never run.
  rowSecurity: 'off',
  statementTimeoutMs: 600_000,
  idleTransactionTimeoutMs: 60_000,
} as const;

/** Opens the database of --from. Its role needs nothing but SELECT on the tables. Throws VALIDATION_ERROR. */
export async function openForeignDatabase(url: string) {
  let name: string | undefined;
  let client: DatabaseClient;
  try {
    name = readPostgresUrl(url).database;
    client = new DatabaseClient({
      connectionString: url,
      application_name: 'tenant-registry import',
      connectionTimeoutMillis: 5_000,
      bounds,
      directAdvice: 'give --from the URL of the database itself',
    });
    // A lost connection fails the statement that needs it.
    client.on('error', () => undefined);
    await client.connect();
    await client.query(pinSqlOf(client));
  } catch (error) {
    throw invalidField('--from', `the database could not be opened (${messageOf(error)})`);
  }
  return {
    name: name ?? 'another database',
    withConnection: <T>(work: (opened: ClientBase) => Promise<T>) => work(client),
    close: () => client.end(),
  };
}
