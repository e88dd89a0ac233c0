import { type ClientBase, DatabaseError } from 'pg';
import { identifier } from '../../database/identifier.js';
import type { ServiceDatabases } from '../../database/service-databases.js';
import { inTransaction } from '../../database/statements/in-transaction.js';
import { RegistryError } from '../../errors.js';
import { storageTitle } from '../../registry/modules/isolation.js';
import { isSameOwner, removeBinding, type SchemaOwner, schemaExists } from '../fence/binding.js';
import { requireOwnEventTriggers } from '../fence/foreign-code.js';
import { installGuard } from '../fence/guard.js';
import { findSchemaOwner, isBeingDropped, recordDropping, removeVersions } from '../fence/schema-version.js';
import { findModuleRoles } from './module-role.js';
import { hasLone, migrateAndBind, migrateUpToLone } from './schema-migration.js';
import { dropPortion } from './schema-portions.js';
import type { LeftStorage, Storage, StorageLocation, StorageTarget } from './storage-location.js';

/** Creates schema, tables, versions and binding in one transaction. */
export async function createSchema(databases: ServiceDatabases, target: StorageTarget): Promise<Storage> {
  return withLockedName(databases, target, async (client) => {
    const roles = await findModuleRoles(client, target.owner.module);
    await installGuard(client, roles.access);
    // What an interrupted drop has left must not pass for the tenant's schema.
    if (await isBeingDropped(client, target.schemaName)) await dropParts(client, target);
    if (hasLone(target) && (await schemaExists(client, target.schemaName))) {
      requireOwner(target, await findSchemaOwner(client, target.schemaName));
      await migrateUpToLone(client, target, roles);
    }
    return inTransaction(client, async () => {
      const created = !(await schemaExists(client, target.schemaName));
      if (created) {
        const { owner } = roles;
        const authorization = owner === undefined ? '' : ` AUTHORIZATION ${identifier(owner)}`;
        await client.query(`CREATE SCHEMA ${identifier(target.schemaName)}${authorization}`);
      } else requireOwner(target, await findSchemaOwner(client, target.schemaName));
      return { created, migrationVersion: await migrateAndBind(client, target, roles, { isNew: created }) };
    });
  });
}

export async function dropSchema(
  databases: ServiceDatabases,
  target: StorageTarget,
): Promise<LeftStorage | undefined> {
  return withLockedName(databases, target, (client) => dropParts(client, target));
}

async function dropParts(client: ClientBase, target: StorageTarget): Promise<LeftStorage | undefined> {
  let [size, first]: [number, string | undefined] = [portionSize, undefined];
  for (;;) {
    try {
      const done = await inTransaction(client, () => dropNext(client, target, size, first));
      if ('left' in done) return done.left;
      first = done.first;
    } catch (error) {
      // The server has no memory for so many locks.
      if (size === 1 || !(error instanceof DatabaseError && error.code === '53200')) throw error;
      size = Math.ceil(size / 4);
    }
    await target.requireHeld();
  }
}

/**
 * How many parts of a schema one transaction drops. It holds a lock for each table, index and sequence until its end, and the server has
 * memory for max_locks_per_transaction * max_connections of them. Between portions the binding stays closed.
 */
const portionSize = 50;

/** Drops a portion of a large schema, or the schema with what is left of it. `before` is the first part of the portion before. */
async function dropNext(
  client: ClientBase,
  { schemaName, owner: wanted }: StorageTarget,
  size: number,
  before: string | undefined,
): Promise<{ first: string } | { left: LeftStorage | undefined }> {
  const owner = await findSchemaOwner(client, schemaName);
  if (isSameOwner(owner, wanted)) {
    const first = await dropPortion(client, schemaName, size);
    // A part that is still there after its portion goes with the schema.
    if (first !== undefined && first !== before) {
      await recordDropping(client, schemaName, wanted);
      return { first };
    }
    await client.query(`DROP SCHEMA ${identifier(schemaName)} CASCADE`);
    await removeVersions(client, schemaName);
  } else if (await schemaExists(client, schemaName)) return { left: { owner } };
  await removeBinding(client, schemaName, wanted);
  return { left: undefined };
}

/**
 * Runs the work on a connection to the module's database, under an exclusive lock of the storage's name. Another session with
 * the lock works for an operation that was taken over; it may finish its statement, and is ended when that takes too long.
 */
export async function withLockedName<T>(
  databases: ServiceDatabases,
  target: StorageTarget,
  work: (client: ClientBase) => Promise<T>,
): Promise<T> {
  const name = storageLockName(target);
  return databases.withConnection(target.reference, async (client) => {
    // The lock lasts until the connection returns to the pool.
    // Its functions would run with every CREATE and DROP of the work.
    await requireOwnEventTriggers(client);
    while (!(await lockWithin(client, name, patienceMs))) {
      await target.requireHeld();
      await endHolders(client, name);
    }
    await target.requireHeld();
    return work(client);
  });
}

/** The name of the advisory lock, in the module's database, of whoever changes the definition of the storage. */
export function storageLockName({ isolation, databaseName, schemaName }: StorageLocation): string {
  return `tenant-registry/${isolation}/${databaseName}/${schemaName}`;
}

/** How long another session may keep the lock, in milliseconds: its process may be frozen, or dead with a statement still running. */
const patienceMs = 5_000;

/**
 * Runs the work as withLockedName does, but never ends another session: throws OPERATION_IN_PROGRESS when one keeps the lock. For work that
 * can as well be done later.
 */
export async function withFreeName<T>(
  databases: ServiceDatabases,
  target: StorageLocation,
  work: (client: ClientBase) => Promise<T>,
): Promise<T> {
  return databases.withConnection(target.reference, async (client) => {
    await requireOwnEventTriggers(client);
    if (!(await lockWithin(client, storageLockName(target), patienceMs)))
      throw new RegistryError(
        'OPERATION_IN_PROGRESS',
        `${storageTitle(target)} is being worked on: repeat the request when that has ended`,
      );
    return work(client);
  });
}

async function lockWithin(client: ClientBase, name: string, waitMs: number): Promise<boolean> {
  await client.query(`SET lock_timeout = ${waitMs}`);
  try {
    await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [name]);
    return true;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === '55P03') return false;
    throw error;
  } finally {
    // RESET would give the default of the role or the server.
    await client.query('SET lock_timeout = 0');
  }
}

async function endHolders(client: ClientBase, name: string): Promise<void> {
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_locks, (SELECT hashtextextended($1, 0) AS key) AS wanted
     WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pid <> pg_backend_pid()
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND classid = ((key >> 32) & 4294967295)::oid AND objid = (key & 4294967295)::oid`,
    [name],
  );
}

/** Throws CONFLICT unless the existing storage was made for this tenant and module, by an earlier attempt. */
export function requireOwner(target: StorageTarget, found: SchemaOwner | undefined): void {
  if (isSameOwner(found, target.owner)) return;
  throw new RegistryError(
    'CONFLICT',
    `${storageTitle(target)} exists already and ${found ? `belongs to tenant ${found.tenantId}, module ${found.module}` : 'was not made by the registry'}: ` +
      'subscribe with another schemaName',
  );
}
