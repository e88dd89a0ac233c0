import type { ServiceDatabases } from '../../database/service-databases.js';
import type { StorageLocation } from './storage-place.js';

/** Whether something stands under the name, whosever it is. */
export async function storageExists(databases: ServiceDatabases, place: StorageLocation): Promise<boolean> {
  const [statement, name] =
    place.isolation === 'SCHEMA'
      ? ['SELECT FROM pg_namespace WHERE nspname = $1', place.schemaName]
      : ['SELECT FROM pg_database WHERE datname = $1', place.databaseName];
  return databases.withConnection(place.reference, async (client) => {
    const { rowCount } = await client.query(statement, [name]);
    return rowCount === 1;
  });
}
