import type { Module, ModuleSubscription } from '../../database/generated/prisma/client.js';
import type { CommandContext } from '../../registry/command.js';
import type { BindingState, BoundState } from '../fence/binding.js';
import { readModuleMigrations } from '../storage/module-migrations.js';
import type { StoragePlace } from '../storage/storage-place.js';
import type { HeldOperation } from './operation.js';

/** Where a subscription's data goes, as an operation needs it. */
export interface FoundPlace {
  subscription: ModuleSubscription & { module: Module };
  place: StoragePlace;
}

export async function findPlace(
  context: CommandContext,
  operation: HeldOperation,
  moduleName: string | null,
): Promise<FoundPlace | undefined> {
  if (operation.tenantId === null || moduleName === null) return undefined;
  const subscription = await context.database.prisma.moduleSubscription.findUnique({
    where: { tenantId_moduleName: { tenantId: operation.tenantId, moduleName } },
    include: { module: true },
  });
  return subscription ? placeOf(context, subscription, () => operation.requireHeld()) : undefined;
}

/** For work outside an operation nothing can be lost. */
export async function placeOf(
  context: CommandContext,
  subscription: ModuleSubscription & { module: Module },
  requireHeld: () => Promise<void> = async () => undefined,
): Promise<FoundPlace> {
  const { module } = subscription;
  const place: StoragePlace = {
    owner: { tenantId: subscription.tenantId, module: module.name },
    isolation: subscription.isolation,
    reference: module,
    databaseName: subscription.databaseName,
    schemaName: subscription.schemaName,
    generation: subscription.generation,
    migrations: await readModuleMigrations(context.modulesDir, module.migrationsFolder),
    requireHeld,
  };
  return { subscription, place };
}

interface BindingRow {
  tenantStatus: string;
  subscriptionStatus: string;
  generation: number;
  epoch: string;
  revision: bigint;
}

/** What the registry says at this moment about who may enter the storage: state and revision in one snapshot. */
export async function readBinding(
  context: CommandContext,
  { subscription }: FoundPlace,
  /** In place of what the registry says, for a change that is about to be made. */
  instead: { tenantStatus?: string } = {},
): Promise<BoundState> {
  const [row] = await context.database.prisma.$queryRaw<BindingRow[]>`
    SELECT tenant.status::text AS "tenantStatus", subscription.status::text AS "subscriptionStatus",
           subscription.generation, registry_epoch() AS epoch, head.revision
    FROM module_subscriptions AS subscription JOIN tenants AS tenant ON tenant.id = subscription.tenant_id,
         (SELECT revision FROM registry_head LIMIT 1) AS head
    WHERE subscription.id = ${subscription.id}::uuid`;
  if (!row) throw new Error(`subscription ${subscription.id} is gone`);
  return {
    generation: row.generation,
    state: bindingState(instead.tenantStatus ?? row.tenantStatus, row.subscriptionStatus),
    epoch: row.epoch,
    revision: row.revision,
  };
}

/**
 * Who is not suspended or gone may enter: whether a route is handed out at all the registry decides. So storage can be
 * bound before its route becomes visible, and a subscription that is being made again does not need two bindings.
 */
export function bindingState(tenantStatus: string, subscriptionStatus: string): BindingState {
  if (['deleted', 'purged'].includes(tenantStatus)) return 'closed';
  if (['cancelled', 'deprovisioning'].includes(subscriptionStatus)) return 'closed';
  if (tenantStatus === 'suspended' || subscriptionStatus === 'suspended') return 'suspended';
  return subscriptionStatus === 'migrating' ? 'not_ready' : 'active';
}
