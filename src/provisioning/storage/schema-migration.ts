import type { ClientBase } from 'pg';
import { inTransaction } from '../../database/statements/in-transaction.js';
import { ensureBinding } from '../fence/binding.js';
import { requireOwnCode } from '../fence/foreign-code.js';
import { listApplied, recordApplied } from '../fence/schema-version.js';
import { runLoneMigration } from './lone-migration.js';
import { runMigrations } from './migration-run.js';
import { findMissing, type ModuleMigration } from './module-migrations.js';
import { asSchemaOwner, grantAccess, type ModuleRoles } from './module-role.js';
import type { StorageTarget } from './storage-location.js';

/**
 * Migrates and binds a schema, inside the caller's transaction. The binding comes last, because from then on every other change of
 * the binding waits for the end of this transaction. Throws CONFLICT when other roles could have planted code in the schema.
 */
export async function migrateAndBind(
  client: ClientBase,
  target: StorageTarget,
  { owner, access }: ModuleRoles,
  { isNew }: { isNew: boolean },
): Promise<string | null> {
  const { schemaName, migrations } = target;
  const missing = findMissing(schemaName, migrations, await listApplied(client, schemaName));
  await migrate(client, target, { missing, owner, isNew });
  await grantAccess(client, schemaName, access);
  await ensureBinding(client, target);
  return migrations.at(-1)?.name ?? null;
}

interface Migration {
  missing: readonly ModuleMigration[];
  /** The module's owner role. */
  owner: string | undefined;
  isNew: boolean;
}

/** Runs and records files, inside the caller's transaction. */
async function migrate(client: ClientBase, target: StorageTarget, migration: Migration): Promise<void> {
  const { missing, owner, isNew } = migration;
  const { schemaName } = target;
  if (!isNew && missing.length > 0) await requireOwnCode(client, schemaName, owner);
  await asSchemaOwner(client, schemaName, owner, () => runMigrations(client, schemaName, missing, { isNew }));
  await recordApplied(client, schemaName, target.owner, missing);
}

/**
 * Brings a schema that exists up to the last missing file that runs alone, each file recorded when it is done. What is then missing can
 * run in one transaction with the binding. Nothing to do in most cases.
 */
export async function migrateUpToLone(
  client: ClientBase,
  target: StorageTarget,
  { owner }: ModuleRoles,
): Promise<void> {
  const { schemaName, migrations } = target;
  if (!hasLone(target)) return;
  const missing = findMissing(schemaName, migrations, await listApplied(client, schemaName));
  const last = missing.findLastIndex(({ runsAlone }) => runsAlone);
  const options = { role: owner, lockTimeoutMs: 0, statementTimeoutMs: loneTimeoutMs };
  for (const migration of missing.slice(0, last + 1)) {
    await target.requireHeld();
    if (migration.runsAlone) await runLoneMigration(client, target, migration, options);
    else
      await inTransaction(client, () =>
        migrate(client, target, { missing: [migration], owner, isNew: false }),
      );
  }
}

/** How long a statement outside a transaction may run. The schema's guard is closed meanwhile, so that nobody waits for it. */
const loneTimeoutMs = 600_000;

/** Whether one of the files cannot run inside a transaction of a schema that exists. */
export function hasLone({ migrations }: StorageTarget): boolean {
  return migrations.some(({ runsAlone }) => runsAlone === true);
}
