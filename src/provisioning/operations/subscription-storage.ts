import type { Module, ModuleSubscription, Prisma } from '../../database/generated/prisma/client.js';
import { type RowForm, readJsonRow, readRow } from '../../database/statements/row.js';
import type { CommandContext } from '../../registry/command.js';
import { epochBeganSql } from '../../registry/log/epoch.js';
import { moduleRow } from '../../registry/modules/module.js';
import type { BindingState, ToldState } from '../fence/binding.js';
import { readModuleMigrations } from '../storage/module-migrations.js';
import { markRanBefore } from '../storage/refused-files.js';
import type { StorageTarget } from '../storage/storage-location.js';
import type { HeldOperation } from './operation.js';

/** Selects subscriptions with storage: they have resolved once, or their storage was made and waits for markModuleProvisioned. */
export const whereStorageExists = {
  storageRemovedAt: null,
  OR: [{ provisionedAt: { not: null } }, { migrationVersion: { not: null } }],
} satisfies Prisma.ModuleSubscriptionWhereInput;

/** A subscription with the storage that belongs to it. */
export interface SubscriptionStorage {
  subscription: ModuleSubscription & { module: Module };
  target: StorageTarget;
}

/** The storage that a step of the operation is about; undefined when the step has no module or the subscription is gone. */
export async function findSubscriptionStorage(
  context: CommandContext,
  operation: HeldOperation,
  moduleName: string | null,
  options?: LocateOptions,
): Promise<SubscriptionStorage | undefined> {
  if (operation.tenantId === null || moduleName === null) return undefined;
  const { rows } = await context.database.query(
    `SELECT subscription.*, to_jsonb(catalogued) AS "storedModule"
     FROM module_subscriptions AS subscription JOIN modules AS catalogued ON catalogued.name = subscription.module
     WHERE tenant_id = $1 AND subscription.module = $2`,
    [operation.tenantId, moduleName],
  );
  const subscription = rows[0] && readSubscription(rows[0]);
  return subscription
    ? locateStorage(context, subscription, { requireHeld: () => operation.requireHeld(), ...options })
    : undefined;
}

export const subscriptionRow: RowForm = {
  enums: new Set(['status', 'isolation']),
  columns: { moduleName: 'module' },
};

function readSubscription({
  storedModule,
  ...row
}: Record<string, unknown> & { storedModule: Record<string, unknown> }): SubscriptionStorage['subscription'] {
  // All columns of both tables are fields of the models, which a test compares.
  return {
    ...readRow(subscriptionRow, row),
    module: readJsonRow(moduleRow, storedModule),
  } as unknown as SubscriptionStorage['subscription'];
}

interface LocateOptions {
  /** May be left out outside an operation, where there is nothing to lose. */
  requireHeld?: () => Promise<void>;
  /** Whether to read the module's migrations from disk, for storage that may have to be made. Default: true. */
  readsMigrations?: boolean;
}

export async function locateStorage(
  context: CommandContext,
  subscription: ModuleSubscription & { module: Module },
  { requireHeld = async () => undefined, readsMigrations = true }: LocateOptions = {},
): Promise<SubscriptionStorage> {
  const { module, tenantId, isolation, databaseName, schemaName, generation } = subscription;
  const migrations = readsMigrations
    ? await markRanBefore(
        context,
        module.name,
        await readModuleMigrations(context.modulesDir, module.migrationsFolder),
      )
    : [];
  const owner = { tenantId, module: module.name };
  const location = { owner, isolation, reference: module, databaseName, schemaName };
  return { subscription, target: { ...location, generation, migrations, requireHeld } };
}

interface BindingRow {
  tenantStatus: string;
  subscriptionStatus: string;
  generation: number;
  epoch: string;
  revision: string;
  began: string;
}

/** Statuses instead of the registry's, for a change that is about to be committed. */
export interface BindingOverride {
  tenantStatus?: string;
  subscriptionStatus?: string;
}

/** Reads the state that the binding must have, and the registry's revision, in one snapshot. */
export async function readBinding(
  context: CommandContext,
  { subscription }: SubscriptionStorage,
  override: BindingOverride = {},
): Promise<ToldState> {
  const { rows } = await context.database.query(
    `SELECT tenant.status AS "tenantStatus", subscription.status AS "subscriptionStatus",
            subscription.generation, registry_epoch() AS epoch, head.revision, head.began
     FROM module_subscriptions AS subscription JOIN tenants AS tenant ON tenant.id = subscription.tenant_id,
          (SELECT revision, ${epochBeganSql} AS began FROM registry_head LIMIT 1) AS head
     WHERE subscription.id = $1`,
    [subscription.id],
  );
  const row: BindingRow | undefined = rows[0];
  if (!row) throw new Error(`subscription ${subscription.id} does not exist any more`);
  return {
    generation: row.generation,
    state: bindingState(
      override.tenantStatus ?? row.tenantStatus,
      override.subscriptionStatus ?? row.subscriptionStatus,
    ),
    epoch: row.epoch,
    revision: BigInt(row.revision),
    began: BigInt(row.began),
  };
}

/**
 * A binding is active unless the tenant or the subscription is suspended, cancelled, deleted or migrating. Whether a route is
 * handed out is the registry's decision, so storage is bound before its route becomes visible, and a subscription that is
 * provisioned again keeps its binding.
 */
export function bindingState(tenantStatus: string, subscriptionStatus: string): BindingState {
  if (['deleted', 'purged'].includes(tenantStatus)) return 'closed';
  if (['cancelled', 'deprovisioning'].includes(subscriptionStatus)) return 'closed';
  if (tenantStatus === 'suspended' || subscriptionStatus === 'suspended') return 'suspended';
  return subscriptionStatus === 'migrating' ? 'not_ready' : 'active';
}
