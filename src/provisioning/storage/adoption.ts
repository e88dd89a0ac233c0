import type { ClientBase } from 'pg';
import { identifier } from '../../database/identifier.js';
import type { ServiceDatabases } from '../../database/service-databases.js';
import { RegistryError } from '../../errors.js';
import { inDatabase } from './database-storage.js';
import { findSchemaOwner, hasVersionTable } from './module-migrations.js';
import { requireOwner, withLockedName } from './schema-storage.js';
import type { Storage, StorageLocation, StoragePlace } from './storage-place.js';

/**
 * Storage that stood before the registry knew of it: looked at, not touched. Throws CONFLICT when it is not there or
 * says itself that it is somebody else's.
 */
export async function findAdoptable(databases: ServiceDatabases, place: StoragePlace): Promise<Storage> {
  return withLockedName(databases, place, async (client) => {
    if (place.isolation === 'SCHEMA') {
      await requireStanding(
        client,
        'SELECT FROM pg_namespace WHERE nspname = $1',
        'Schema',
        place.schemaName,
      );
      return lookAt(client, place);
    }
    await requireStanding(
      client,
      'SELECT FROM pg_database WHERE datname = $1',
      'Database',
      place.databaseName,
    );
    const inside = await databases.connect(place.reference, place.databaseName);
    try {
      return await lookAt(inside, place);
    } finally {
      await inside.end();
    }
  });
}

/**
 * Whether the tables of storage that stands are ours to bring up to date. What ensure_<module>_tenant_schema made is, though
 * the registry has not heard which migrations ran.
 */
export async function isMigrated(databases: ServiceDatabases, place: StorageLocation): Promise<boolean> {
  const look = (client: ClientBase) => hasVersionTable(client, place.schemaName);
  return place.isolation === 'SCHEMA'
    ? databases.withConnection(place.reference, look)
    : inDatabase(databases, place, place.databaseName, look);
}

async function requireStanding(client: ClientBase, query: string, kind: string, name: string): Promise<void> {
  const { rowCount } = await client.query(query, [name]);
  if (rowCount === 1) return;
  throw new RegistryError('CONFLICT', `${kind} ${name} does not stand any more: nothing was adopted`);
}

async function lookAt(client: ClientBase, place: StoragePlace): Promise<Storage> {
  const owner = await findSchemaOwner(client, place.schemaName);
  if (!owner) return { created: false, migrationVersion: null };
  requireOwner(place, owner);
  // Bound when it was adopted.
  if (!(await hasVersionTable(client, place.schemaName))) return { created: false, migrationVersion: null };
  // The module's own migrations come after those that every module has.
  const { rows } = await client.query<{ migration: string }>(
    `SELECT migration FROM ${identifier(place.schemaName)}.schema_version
     ORDER BY migration LIKE '\\_%', migration COLLATE "C" DESC LIMIT 1`,
  );
  return { created: false, migrationVersion: rows[0]?.migration ?? null };
}
