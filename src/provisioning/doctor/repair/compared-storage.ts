import type { ClientBase } from 'pg';
import type { ServiceDatabases } from '../../../database/service-databases.js';
import { RegistryError } from '../../../errors.js';
import { storageTitle } from '../../../registry/modules/isolation.js';
import { listApplied } from '../../fence/schema-version.js';
import { isSameFile, type ModuleMigration } from '../../storage/module-migrations.js';
import type { ModuleRoles } from '../../storage/module-role.js';
import { storageKinds } from '../../storage/storage-kind.js';
import type { StorageTarget } from '../../storage/storage-location.js';
import { compareStructure, type Difference } from '../structure/compare-structure.js';
import type { Part } from '../structure/part.js';
import { readParts } from '../structure/read-structure.js';
import { createReferences, type Reference } from '../structure/reference.js';
import { inOwnStorage } from './own-storage.js';

/** A storage whose transaction is open, with the structure that its files make. */
export interface ComparedStorage {
  client: ClientBase;
  roles: ModuleRoles;
  reference: Reference;
  /** The differences at this moment. */
  compare(): Promise<Difference[]>;
}

/** Runs the work as inOwnStorage does. Throws CONFLICT when the storage was not made by the files that are on the disk now. */
export async function inComparedStorage(
  databases: ServiceDatabases,
  target: StorageTarget,
  work: (storage: ComparedStorage) => Promise<void>,
): Promise<void> {
  const { schemaName, owner } = target;
  // Before the lock: the reference takes another connection of the same pool.
  const ran = await storageKinds[target.isolation].atStorage(databases, target, (client) =>
    listFiles(client, target),
  );
  if (!ran) throw new RegistryError('CONFLICT', `${storageTitle(target)} does not exist any more`);
  const reference = await createReferences(databases).of({ ...target.reference, name: owner.module }, ran);
  await inOwnStorage(databases, target, async (client, roles) => {
    if ((await listFiles(client, target)).length !== ran.length)
      throw new RegistryError(
        'CONFLICT',
        `${storageTitle(target)} was migrated at this moment: repeat the request`,
      );
    const compare = async () => {
      const parts: Part[] = [];
      const wanted = { schemas: [schemaName], access: roles.access };
      await readParts(client, wanted, (_, read) => parts.push(...read));
      return compareStructure({ schema: schemaName, parts }, reference);
    };
    await work({ client, roles, reference, compare });
  });
}

/** The files that ran in the storage, in their order. Throws CONFLICT when one of them is not on the disk as it ran. */
async function listFiles(client: ClientBase, target: StorageTarget): Promise<ModuleMigration[]> {
  const applied = await listApplied(client, target.schemaName);
  const checksums = new Map(applied.map(({ name, checksum }) => [name, checksum]));
  const files = target.migrations.filter((migration) => {
    const checksum = checksums.get(migration.name);
    return checksum !== undefined && isSameFile(migration, checksum);
  });
  if (files.length === 0 || files.length !== applied.length)
    throw new RegistryError(
      'CONFLICT',
      `${storageTitle(target)} was not made by the files in MODULES_DIR as they are now: run doctor, which names them`,
    );
  return files;
}
