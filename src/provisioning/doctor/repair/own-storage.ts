import type { ClientBase } from 'pg';
import type { ServiceDatabases } from '../../../database/service-databases.js';
import { inTransaction } from '../../../database/statements/in-transaction.js';
import { RegistryError } from '../../../errors.js';
import { storageTitle } from '../../../registry/modules/isolation.js';
import { isSameOwner } from '../../fence/binding.js';
import { requireOwnEventTriggers } from '../../fence/foreign-code.js';
import { findSchemaOwner } from '../../fence/schema-version.js';
import { findModuleRoles, type ModuleRoles } from '../../storage/module-role.js';
import { withFreeName } from '../../storage/schema-storage.js';
import { storageKinds } from '../../storage/storage-kind.js';
import type { StorageTarget } from '../../storage/storage-location.js';

/** How long a statement of a repair may wait for a lock, and take, in milliseconds. */
export const lockTimeoutMs = 2_000;
const statementTimeoutMs = 120_000;

/**
 * Runs the work in one transaction in the database of the storage, under the lock of its name. Throws CONFLICT unless the storage is
 * provably the tenant's, and OPERATION_IN_PROGRESS when somebody works on it.
 */
export async function inOwnStorage(
  databases: ServiceDatabases,
  target: StorageTarget,
  work: (client: ClientBase, roles: ModuleRoles) => Promise<void>,
): Promise<void> {
  const { schemaName, owner, isolation } = target;
  const done = await withFreeName(databases, target, (moduleClient) =>
    storageKinds[isolation].atStorage(
      databases,
      target,
      async (client) => {
        await requireOwnEventTriggers(client);
        const roles = await findModuleRoles(client, owner.module);
        await inTransaction(client, async () => {
          await client.query(
            `SET LOCAL lock_timeout = ${lockTimeoutMs}; SET LOCAL statement_timeout = ${statementTimeoutMs}; SET LOCAL check_function_bodies = off`,
          );
          if (!isSameOwner(await findSchemaOwner(client, schemaName), owner))
            throw new RegistryError(
              'CONFLICT',
              `${storageTitle(target)} is not provably that of tenant ${owner.tenantId}: nothing was changed`,
            );
          await work(client, roles);
        });
        return true;
      },
      moduleClient,
    ),
  );
  if (done === undefined)
    throw new RegistryError('CONFLICT', `${storageTitle(target)} does not exist any more`);
}
