import { DatabaseError } from 'pg';
import { identifier } from '../../database/identifier.js';
import { judgeServer, readServerFacts } from '../../database/servers/server-check.js';
import type { ServiceDatabases } from '../../database/service-databases.js';
import { RegistryError } from '../../errors.js';
import { storageTitle } from '../../registry/modules/isolation.js';
import { isSameOwner } from '../fence/binding.js';
import { findRenamedSchema, findSchemaOwner } from '../fence/schema-version.js';
import { storageKinds } from './storage-kind.js';
import type { LeftStorage, Storage, StorageLocation, StorageTarget } from './storage-location.js';

/**
 * Creates the schema or database with all its tables, or, when the tenant has it already, migrates it. All or nothing: a
 * failed attempt leaves nothing under that name.
 */
export async function createStorage(databases: ServiceDatabases, target: StorageTarget): Promise<Storage> {
  try {
    return await storageKinds[target.isolation].create(databases, target);
  } catch (error) {
    throw (await explainRefusal(databases, target, error)) ?? error;
  }
}

/** Names the rights that the server withholds, with the SQL that grants them. undefined for other errors. */
async function explainRefusal(
  databases: ServiceDatabases,
  { reference }: StorageTarget,
  error: unknown,
): Promise<RegistryError | undefined> {
  // A missing right, or a server that accepts no changes.
  if (!(error instanceof DatabaseError && ['42501', '25006'].includes(error.code ?? ''))) return undefined;
  const facts = await databases.withConnection(reference, readServerFacts).catch(() => undefined);
  const use = { of: 'service', isRead: false, creates: false, connections: 0 } as const;
  const problems = facts ? judgeServer({ ...facts, mayEndSessions: true }, use) : [];
  if (problems.length === 0) return undefined;
  return new RegistryError(
    'TENANT_NOT_READY',
    `The module’s database cannot be used: ${problems.join('; ')}`,
    {
      cause: error,
      isLasting: true,
    },
  );
}

/**
 * The inverse of createStorage. Returns what exists under the name and was left, because it is not provably the tenant's: storage of
 * another tenant, or storage that was restored from a dump.
 */
export async function dropStorage(
  databases: ServiceDatabases,
  target: StorageTarget,
): Promise<LeftStorage | undefined> {
  return storageKinds[target.isolation].drop(databases, target);
}

/** Drops the tenant's storage; throws CONFLICT when something is left under its name. */
export async function removeStorage(databases: ServiceDatabases, target: StorageTarget): Promise<void> {
  const left = await dropStorage(databases, target);
  if (left) refuseLeft(target, left);
}

/** Throws CONFLICT unless the existing storage is provably the tenant's. A binding that is written later would be no proof. */
export async function requireOwnStorage(databases: ServiceDatabases, target: StorageTarget): Promise<void> {
  const owner = await storageKinds[target.isolation].atStorage(databases, target, (client) =>
    findSchemaOwner(client, target.schemaName),
  );
  if (!isSameOwner(owner, target.owner)) refuseLeft(target, { owner });
}

/** Throws CONFLICT when storage that is not there under its name was renamed: its data still exists. */
export async function requireNotRenamed(databases: ServiceDatabases, target: StorageTarget): Promise<void> {
  const { isolation, schemaName, owner } = target;
  const renamed = await storageKinds[isolation].atStorage(databases, target, (client) =>
    findRenamedSchema(client, schemaName, owner),
  );
  if (renamed === undefined) return;
  const [from, to] = [identifier(renamed), identifier(schemaName)];
  throw new RegistryError(
    'CONFLICT',
    `${storageTitle(target)} was renamed to ${renamed} and not dropped. To remove its data, in database ${target.databaseName} ` +
      `ALTER SCHEMA ${from} RENAME TO ${to}, or DROP SCHEMA ${from} CASCADE; then use retryOperation`,
  );
}

function refuseLeft(target: StorageTarget, { owner }: LeftStorage): never {
  const reason = owner
    ? `it is bound to tenant ${owner.tenantId}, module ${owner.module}`
    : 'nothing proves that it is what the registry made for this tenant, as after a restore from a dump';
  throw new RegistryError(
    'CONFLICT',
    `${storageTitle(target)} was not dropped: ${reason}. Check what it holds. To remove it, run ` +
      `${storageKinds[target.isolation].dropStatement(target)}; then use retryOperation`,
  );
}

/** Whether the name is in use in the service database, by any owner. */
export function storageExists(databases: ServiceDatabases, location: StorageLocation): Promise<boolean> {
  return databases.withConnection(location.reference, (client) =>
    storageKinds[location.isolation].exists(client, location),
  );
}
