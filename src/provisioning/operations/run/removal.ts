import { gateway } from '../../../auth/caller.js';
import { type CommandContext, runCommand } from '../../../registry/command.js';
import { requireTenant } from '../../../registry/tenants/tenant.js';
import { appendOperation } from '../operation.js';
import { planRemoval } from '../plan.js';
import { whereStorageExists } from '../subscription-storage.js';
import { schedulePurge } from './purge.js';

/** How many removals one call starts; the next call starts further ones. */
const batch = 50;

/** Appends operations that remove data after its purge date: of cancelled subscriptions and of deleted tenants. */
export async function beginDueRemovals(context: CommandContext): Promise<void> {
  const ownContext = { ...context, caller: gateway };
  await removeDueSubscriptions(ownContext);
  await purgeDueTenants(ownContext);
}

async function removeDueSubscriptions(context: CommandContext): Promise<void> {
  const subscriptions = await context.database.prisma.moduleSubscription.findMany({
    where: {
      status: 'CANCELLED',
      purgeAfter: { lt: new Date() },
      ...whereStorageExists,
      tenant: { status: { not: 'PURGED' } },
    },
    take: batch,
  });
  for (const { tenantId, moduleName } of subscriptions)
    await runCommand(context, 'removeStorage', { wait: 'COMMITTED' }, async (tx) => {
      await requireTenant(tx, tenantId);
      // Checked again under the tenant's lock: it may have been subscribed again meanwhile.
      const { count } = await tx.moduleSubscription.updateMany({
        where: { tenantId, moduleName, status: 'CANCELLED', purgeAfter: { lt: new Date() } },
        data: { status: 'DEPROVISIONING' },
      });
      if (count === 0) return {};
      const subscription = await tx.moduleSubscription.findUniqueOrThrow({
        where: { tenantId_moduleName: { tenantId, moduleName } },
      });
      await appendOperation(tx, {
        kind: 'REMOVE_STORAGE',
        tenantId,
        actor: gateway.actor,
        steps: planRemoval([subscription]),
      });
      return {};
    });
}

async function purgeDueTenants(context: CommandContext): Promise<void> {
  const tenants = await context.database.prisma.tenant.findMany({
    where: {
      status: 'DELETED',
      isProtected: false,
      purgeAfter: { lt: new Date() },
      operations: {
        none: { kind: 'PURGE_TENANT', status: { in: ['QUEUED', 'RUNNING', 'NEEDS_ATTENTION'] } },
      },
    },
    take: batch,
  });
  for (const { id } of tenants)
    await runCommand(context, 'purgeTenant', { wait: 'COMMITTED' }, async (tx) => {
      const { status, purgeAfter } = await requireTenant(tx, id);
      if (status === 'DELETED' && purgeAfter)
        await schedulePurge(tx, { tenantId: id, actor: gateway.actor, runAfter: purgeAfter });
      return {};
    });
}
