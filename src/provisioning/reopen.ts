import { setTimeout as sleep } from 'node:timers/promises';
import type { Tenant } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import type { CommandContext } from '../registry/command.js';
import { mayPass, retryCollisions } from '../registry/database-failure.js';
import { tenantWhere } from '../registry/tenant.js';
import { within } from '../within.js';
import { hasStorage } from './operations/stored-subscription.js';
import { placeOf, readBinding } from './operations/subscription-storage.js';
import { bindStorage } from './storage/bind-storage.js';

/** How long the guards may take to open before the registry does, in milliseconds: then they follow. */
const openingMs = 2_000;

/** Before a connection that was lost is tried anew, in milliseconds. */
const pauseMs = 100;

/** In case this process dies before the change: by then the guards are put back to what the registry says. */
const putBackAfterSeconds = 30;

/**
 * Opens the guards of a tenant that is about to be let in again. Disposing it has an operation look once more at what the
 * registry says: it confirms the change, or closes them again if there was none.
 */
export async function openBindings(
  context: CommandContext,
  reference: string,
  reopens: (tenant: Tenant) => boolean,
): Promise<AsyncDisposable | undefined> {
  const { prisma } = context.database;
  const where = tenantWhere(reference);
  const tenant = where && (await prisma.tenant.findUnique({ where }));
  // The command itself refuses a tenant that does not exist or that it cannot change.
  if (!tenant || !reopens(tenant)) return undefined;
  const enqueue = async (tx: Transaction) => {
    // The tenant first, as everywhere: who holds it may be about to lock the operations that are locked here.
    await tx.$executeRaw`SELECT FROM tenants WHERE id = ${tenant.id}::uuid FOR UPDATE`;
    await tx.$queryRaw`SELECT registry_enqueue_binding(${tenant.id}::uuid)::text`;
    await postpone(tx, tenant.id, putBackAfterSeconds);
  };
  // By hand, locks are taken in any order.
  await retryCollisions(() => context.database.transaction(enqueue));
  const subscriptions = await prisma.moduleSubscription.findMany({
    where: { tenantId: tenant.id, ...hasStorage },
    include: { module: true },
  });
  const opening = subscriptions.map(async (subscription) => {
    const found = await placeOf(context, subscription);
    const open = () =>
      bindStorage(context.serviceDatabases, found.place, async () =>
        readBinding(context, found, (await isPutBack(context, tenant)) ? { tenantStatus: 'active' } : {}),
      );
    await untilItPasses(open, performance.now() + openingMs - pauseMs);
  });
  // A database that is down keeps nobody from being let in elsewhere; its guard follows.
  await within(openingMs, Promise.allSettled(opening), () => undefined);
  return {
    async [Symbol.asyncDispose]() {
      await postpone(prisma, tenant.id, 0).catch((error) => {
        // Of a change that may be committed nobody is to hear that it failed. It is looked at when the time is over.
        context.log.warn({ err: error, tenantId: tenant.id }, 'guards are confirmed later');
      });
    },
  };
}

/** The rows in one order for everybody, the trigger's too: two who change them must not wait for each other. */
async function postpone(
  on: Pick<Transaction, '$executeRaw'>,
  tenantId: string,
  seconds: number,
): Promise<void> {
  await on.$executeRaw`
    UPDATE operations SET run_after = now() + make_interval(secs => ${seconds}::int)
    WHERE id IN (
      SELECT id FROM operations
      WHERE kind = 'bind_storage' AND tenant_id = ${tenantId}::uuid AND status = 'queued'
      ORDER BY created_at, id FOR UPDATE)`;
}

/**
 * Whether the guards will still be put back, now that nobody else can write a binding. If not, this comes too late, after a
 * standstill or an outage, and what is true has been bound already.
 */
async function isPutBack({ database }: CommandContext, { id }: Tenant): Promise<boolean> {
  const where = { kind: 'BIND_STORAGE', tenantId: id, status: 'QUEUED' } as const;
  return (await database.prisma.operation.count({ where })) > 0;
}

async function untilItPasses(work: () => Promise<unknown>, deadline: number): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (!mayPass(error) || performance.now() > deadline) throw error;
      await sleep(pauseMs);
    }
  }
}
