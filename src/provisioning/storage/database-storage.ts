import { createHash } from 'node:crypto';
import { type Client, type ClientBase, DatabaseError } from 'pg';
import { identifier } from '../../database/identifier.js';
import type { ServiceDatabases } from '../../database/service-databases.js';
import { dropDatabaseIfExists, runWithoutSessions } from '../../database/statements/database-in-use.js';
import { inTransaction } from '../../database/statements/in-transaction.js';
import { RegistryError } from '../../errors.js';
import { isSameOwner } from '../fence/binding.js';
import { requireOwnEventTriggers } from '../fence/foreign-code.js';
import { installGuard } from '../fence/guard.js';
import { findSchemaOwner } from '../fence/schema-version.js';
import { findModuleRoles } from './module-role.js';
import { migrateAndBind, migrateUpToLone } from './schema-migration.js';
import { requireOwner, withLockedName } from './schema-storage.js';
import type { LeftStorage, Storage, StorageLocation, StorageTarget } from './storage-location.js';

/**
 * CREATE DATABASE cannot run in a transaction. So the database is created and migrated under a building name, and the last
 * statement renames it: under its real name it is complete or absent, even after a crash.
 */
export async function createDatabase(databases: ServiceDatabases, target: StorageTarget): Promise<Storage> {
  return withLockedName(databases, target, async (server) => {
    await refuseInvalid(server, target);
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
    await server.query(`CREATE DATABASE ${building}${owner} TEMPLATE template0`);
    try {
      const migrationVersion = await migrateDatabase(databases, target, buildingName(target.databaseName), {
        isNew: true,
      });
      await renameBuilding(server, target);
      return { created: true, migrationVersion };
    } catch (error) {
      await dropBuilding(server, target);
      throw error;
    }
  });
}

export async function dropDatabase(
  databases: ServiceDatabases,
  target: StorageTarget,
): Promise<LeftStorage | undefined> {
  return withLockedName(databases, target, async (server) => {
    await dropBuilding(server, target);
    await dropInvalid(server, target);
    if (!(await databaseExists(server, target.databaseName))) return undefined;
    const owner = await inDatabase(databases, target, target.databaseName, (client) =>
      findSchemaOwner(client, target.schemaName),
    );
    if (!isSameOwner(owner, target.owner)) return { owner };
    await dropDatabaseIfExists(server, target.databaseName);
    return undefined;
  });
}

/** Drops a database whose DROP was interrupted. PostgreSQL refuses connections to it, and its data is lost already. */
export async function dropInvalidDatabase(databases: ServiceDatabases, target: StorageTarget): Promise<void> {
  await withLockedName(databases, target, (server) => dropInvalid(server, target));
}

/** The connection limit that marks a database whose DROP was interrupted. */
const invalidLimit = -2;

async function dropInvalid(server: ClientBase, { databaseName }: StorageTarget): Promise<void> {
  if (await isInvalid(server, databaseName))
    await server.query(`DROP DATABASE IF EXISTS ${identifier(databaseName)}`);
}

/** A tenant that subscribes again expects its data, so an empty database must not take its place without a word. */
async function refuseInvalid(server: ClientBase, { databaseName }: StorageTarget): Promise<void> {
  if (await isInvalid(server, databaseName))
    throw new RegistryError(
      'CONFLICT',
      `Database ${databaseName} is what an interrupted DROP DATABASE has left, and its data is lost: ` +
        `run DROP DATABASE ${identifier(databaseName)} and repeat the request, or restore the database from a backup`,
    );
}

async function isInvalid(server: ClientBase, databaseName: string): Promise<boolean> {
  const { rowCount } = await server.query(
    'SELECT FROM pg_database WHERE datname = $1 AND datconnlimit = $2',
    [databaseName, invalidLimit],
  );
  return rowCount === 1;
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
    if (!isNew) await migrateUpToLone(client, target, roles);
    return inTransaction(client, () => migrateAndBind(client, target, roles, { isNew }));
  });
}

/** A pooler or a monitor may have a session in the building, although nobody works there. */
async function renameBuilding(server: ClientBase, { databaseName }: StorageTarget): Promise<void> {
  const building = buildingName(databaseName);
  const rename = `ALTER DATABASE ${identifier(building)} RENAME TO ${identifier(databaseName)}`;
  await runWithoutSessions(server, building, rename);
}

/** The name of a tenant's database while it is being created. */
export function buildingName(databaseName: string): string {
  return `registry_building_${createHash('sha256').update(databaseName).digest('hex').slice(0, 32)}`;
}

/** Drops the unfinished database of an attempt that failed or was killed. The next attempt starts from nothing. */
async function dropBuilding(server: ClientBase, target: StorageTarget): Promise<void> {
  await dropDatabaseIfExists(server, buildingName(target.databaseName));
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
