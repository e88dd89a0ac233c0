import { gateway } from '../../auth/caller.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { requireTenant } from '../../registry/tenant.js';
import { appendOperation } from './operation.js';
import { planRemoval } from './plan.js';
import { schedulePurge } from './purge.js';
import { whereStorageExists } from './subscription-storage.js';

/** How many removals one look begins; the next look finds the others. */
const batch = 50;

/** Begins the removal of data whose time is over: of cancelled subscriptions and of deleted tenants. */
export async function beginDueRemovals(context: CommandContext): Promise<void> {
  const ownContext = { ...context, caller: gateway };
  const { prisma } = context.database;
  const subscriptions = await prisma.moduleSubscription.findMany({
    where: {
      status: 'CANCELLED',
      purgeAfter: { lt: new Date() },
      ...whereStorageExists,
      tenant: { status: { not: 'PURGED' } },
    },
    take: batch,
  });
  for (const { tenantId, moduleName } of subscriptions)
    await runCommand(ownContext, 'removeStorage', { wait: 'COMMITTED' }, async (tx) => {
      await requireTenant(tx, tenantId);
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
        input: { module: moduleName },
        steps: planRemoval([subscription]),
      });
      return {};
    });

  const tenants = await prisma.tenant.findMany({
    where: {
      status: 'DELETED',
      purgeAfter: { lt: new Date() },
      operations: {
        none: { kind: 'PURGE_TENANT', status: { in: ['QUEUED', 'RUNNING', 'NEEDS_ATTENTION'] } },
      },
    },
    take: batch,
  });
  for (const { id } of tenants)
    await runCommand(ownContext, 'purgeTenant', { wait: 'COMMITTED' }, async (tx) => {
      const { status, purgeAfter } = await requireTenant(tx, id);
      if (status === 'DELETED' && purgeAfter)
        await schedulePurge(tx, { tenantId: id, actor: gateway.actor, runAfter: purgeAfter });
      return {};
    });
}
