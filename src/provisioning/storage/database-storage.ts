import { createHash } from 'node:crypto';
import { type Client, type ClientBase, DatabaseError } from 'pg';
import { identifier } from '../../database/identifier.js';
import { inTransaction } from '../../database/in-transaction.js';
import type { ServiceDatabases } from '../../database/service-databases.js';
import { isSameOwner } from '../fence/binding.js';
import { requireOwnEventTriggers } from '../fence/foreign-code.js';
import { installGuard } from '../fence/guard.js';
import { findSchemaOwner } from '../fence/schema-version.js';
import { findModuleRoles } from './module-role.js';
import { migrateAndBind, requireOwner, withLockedName } from './schema-storage.js';
import type { Storage, StorageLocation, StorageTarget } from './storage-location.js';

/**
 * CREATE DATABASE cannot run in a transaction. So the database is created and migrated under a building name, and the last
 * statement renames it: under its real name it is complete or absent, even after a crash.
 */
export async function createDatabase(databases: ServiceDatabases, target: StorageTarget): Promise<Storage> {
  return withLockedName(databases, target, async (server) => {
    if (await databaseExists(server, target.databaseName)) {
      const migrationVersion = await migrateDatabase(databases, target, target.databaseName, {
        isNew: false,
      });
      return { created: false, migrationVersion };
    }
    await dropBuilding(server, target);
    const building = identifier(buildingName(target.databaseName));
    const roles = await findModuleRoles(server, target.owner.module);
    const owner = roles.owner === undefined ? '' : ` OWNER ${identifier(roles.owner)}`;
    await server.query(`CREATE DATABASE ${building}${owner}`);
    try {
      const migrationVersion = await migrateDatabase(databases, target, buildingName(target.databaseName), {
        isNew: true,
      });
      await server.query(`ALTER DATABASE ${building} RENAME TO ${identifier(target.databaseName)}`);
      return { created: true, migrationVersion };
    } catch (error) {
      await dropBuilding(server, target);
      throw error;
    }
  });
}

export async function dropDatabase(databases: ServiceDatabases, target: StorageTarget): Promise<void> {
  await withLockedName(databases, target, async (server) => {
    await dropBuilding(server, target);
    if (!(await databaseExists(server, target.databaseName))) return;
    const owner = await inDatabase(databases, target, target.databaseName, (client) =>
      findSchemaOwner(client, target.schemaName),
    );
    if (isSameOwner(owner, target.owner))
      await server.query(`DROP DATABASE ${identifier(target.databaseName)} WITH (FORCE)`);
  });
}

function migrateDatabase(
  databases: ServiceDatabases,
  target: StorageTarget,
  name: string,
  { isNew }: { isNew: boolean },
) {
  return inDatabase(databases, target, name, async (client) => {
    // Checked before anything is written: the database may belong to another tenant.
    if (!isNew) requireOwner(target, await findSchemaOwner(client, target.schemaName));
    await requireOwnEventTriggers(client);
    const roles = await findModuleRoles(client, target.owner.module);
    await installGuard(client, roles.access);
    return inTransaction(client, () => migrateAndBind(client, target, roles, { isNew }));
  });
}

/** The name of a tenant's database while it is being created. */
export function buildingName(databaseName: string): string {
  return `registry_building_${createHash('sha256').update(databaseName).digest('hex').slice(0, 32)}`;
}

/** Drops the unfinished database of an attempt that failed or was killed. The next attempt starts from nothing. */
async function dropBuilding(server: ClientBase, target: StorageTarget): Promise<void> {
  await server.query(`DROP DATABASE IF EXISTS ${identifier(buildingName(target.databaseName))} WITH (FORCE)`);
}

export async function databaseExists(server: ClientBase, name: string): Promise<boolean> {
  const { rowCount } = await server.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  return rowCount === 1;
}

/** Runs the work in the tenant's own database; undefined when that does not exist. */
export async function inTenantDatabase<T>(
  databases: ServiceDatabases,
  target: StorageLocation,
  work: (client: Client) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await inDatabase(databases, target, target.databaseName, work);
  } catch (error) {
    if (error instanceof DatabaseError && error.code === '3D000') return undefined;
    throw error;
  }
}

/** Runs the work on a new connection to a database on the module's server. */
async function inDatabase<T>(
  databases: ServiceDatabases,
  target: StorageLocation,
  name: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await databases.connect(target.reference, name);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
