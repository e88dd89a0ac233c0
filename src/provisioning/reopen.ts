import { setTimeout as sleep } from 'node:timers/promises';
import { forEachAtOnce } from '../at-once.js';
import type { Prisma, Tenant } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import type { CommandContext } from '../registry/command.js';
import { mayPass, retryCollisions } from '../registry/database-failure.js';
import { findByReference, lockUnlocked } from '../registry/tenants/tenant.js';
import { within } from '../within.js';
import {
  type BindingOverride,
  locateStorage,
  readBinding,
  whereStorageExists,
} from './operations/subscription-storage.js';
import { bindStorage } from './storage/bind-storage.js';

/** How long the command waits for the guards to open, in milliseconds. Guards that take longer open after the change. */
const openingMs = 2_000;

/** Pause before a retry after a lost connection, in milliseconds. */
const retryPauseMs = 100;

/** Time after which a worker restores the guards from the registry, in seconds: this process may die before the change is committed. */
const restoreAfterSeconds = 30;

/**
 * Opens the guards of a tenant that is about to be resumed or restored. Disposing the result makes a worker compare the guards
 * with the registry at once: that confirms the change, or closes the guards again when it failed. Undefined when the tenant
 * does not exist or nothing reopens; the command itself then refuses.
 */
export async function openGuards(
  context: CommandContext,
  reference: string,
  reopens: (tenant: Tenant) => boolean,
): Promise<AsyncDisposable | undefined> {
  const tenant = await findTenant(context, reference);
  return tenant && reopens(tenant) ? openAsActive(context, tenant) : undefined;
}

function openAsActive(context: CommandContext, tenant: Tenant): Promise<AsyncDisposable> {
  return open(context, tenant, {}, { tenantStatus: 'active' });
}

/** Opens the guard of one suspended subscription that is about to be resumed; as openGuards. */
export async function openGuard(
  context: CommandContext,
  { tenantId, module, expectedVersion: version }: OneSubscription,
): Promise<AsyncDisposable | undefined> {
  const { moduleSubscription } = context.database.prisma;
  const tenant = await findTenant(context, tenantId);
  if (tenant?.status !== 'ACTIVE') return undefined;
  const suspended = { moduleName: module, status: 'SUSPENDED', ...(version && { version }) } as const;
  const count = await moduleSubscription.count({
    where: { tenantId: tenant.id, ...suspended, ...whereStorageExists },
  });
  return count > 0 ? open(context, tenant, suspended, { subscriptionStatus: 'active' }) : undefined;
}

interface OneSubscription {
  tenantId: string;
  module: string;
  expectedVersion?: number | undefined;
}

async function findTenant({ database }: CommandContext, reference: string): Promise<Tenant | null> {
  const { prisma } = database;
  return findByReference(prisma, reference, (where) => prisma.tenant.findUnique({ where }));
}

/** Opens the guards of these subscriptions as if the registry had the given status already. */
async function open(
  context: CommandContext,
  tenant: Tenant,
  which: Prisma.ModuleSubscriptionWhereInput,
  status: BindingOverride,
): Promise<AsyncDisposable> {
  const { prisma } = context.database;
  await enqueueRestoring(context, tenant);
  const subscriptions = await prisma.moduleSubscription.findMany({
    where: { tenantId: tenant.id, ...which, ...whereStorageExists },
    include: { module: true },
  });
  const opening = subscriptions.map(async (subscription) => {
    const storage = await locateStorage(context, subscription, { readsMigrations: false });
    const bind = () =>
      bindStorage(context.serviceDatabases, storage.target, async () =>
        readBinding(context, storage, (await isRestoringQueued(context, tenant)) ? status : {}),
      );
    await retryUntil(bind, performance.now() + openingMs - retryPauseMs);
  });
  // A database that is down does not block the others; a worker updates its guard later.
  await within(openingMs, Promise.allSettled(opening), () => undefined);
  return {
    async [Symbol.asyncDispose]() {
      await postponeBinding(prisma, tenant.id, 0).catch((error) => {
        // The change may be committed, so this must not fail the command. The operation runs when its time comes.
        context.log.warn({ err: error, tenantId: tenant.id }, 'guards are confirmed later');
      });
    },
  };
}

/** How many tenants' guards are opened at the same time. */
const openedAtOnce = 4;

/**
 * As openGuards, for many tenants. It leaves out tenants that another session has locked, because they would hold up the others;
 * their guards follow the change.
 */
export async function openGuardsOf(
  context: CommandContext,
  tenantIds: readonly string[],
  reopens: (tenant: Tenant) => boolean,
): Promise<AsyncDisposable> {
  const unlocked = await context.database.transaction((tx) => lockUnlocked(tx, tenantIds));
  const opened: AsyncDisposable[] = [];
  await forEachAtOnce(unlocked.filter(reopens), openedAtOnce, async (tenant) => {
    try {
      opened.push(await openAsActive(context, tenant));
    } catch (error) {
      // A tenant whose guards cannot be opened ahead is changed all the same, and they follow the change.
      context.log.warn({ err: error, tenantId: tenant.id }, 'guards open after the change');
    }
  });
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

/** Enqueues the operation that restores the guards from the registry, to run later than the change. */
async function enqueueRestoring({ database }: CommandContext, { id }: Tenant): Promise<void> {
  const enqueue = async (tx: Transaction) => {
    // Locks the tenant first, as every command does: another transaction may hold it and want the operations locked here.
    await tx.$executeRaw`SELECT FROM tenants WHERE id = ${id}::uuid FOR UPDATE`;
    await tx.$queryRaw`SELECT registry_enqueue_binding(${id}::uuid)::text`;
    await postponeBinding(tx, id, restoreAfterSeconds);
  };
  // SQL that an operator runs by hand may take the locks in another order and deadlock with this.
  await retryCollisions(() => database.transaction(enqueue));
}

/** Locks the rows in the same order as the trigger, so that two transactions that change them cannot deadlock. */
async function postponeBinding(
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
 * Read under the lock of the binding. When the restoring operation has run already, this process was delayed too long (by a
 * freeze or an outage): the binding then follows the registry and must not be opened ahead of it.
 */
async function isRestoringQueued({ database }: CommandContext, { id }: Tenant): Promise<boolean> {
  const where = { kind: 'BIND_STORAGE', tenantId: id, status: 'QUEUED' } as const;
  return (await database.prisma.operation.count({ where })) > 0;
}

async function retryUntil(work: () => Promise<unknown>, deadline: number): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (!mayPass(error) || performance.now() > deadline) throw error;
      await sleep(retryPauseMs);
    }
  }
}
