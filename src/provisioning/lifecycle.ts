import type { z } from 'zod';
import { forEachAtOnce } from '../at-once.js';
import type { Tenant } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import type { WaitFor } from '../feed/acknowledge.js';
import type { CommandContext } from '../registry/command.js';
import {
  changeTenant,
  readTenantInput,
  type TenantChange,
  tenantInputSchema,
} from '../registry/tenants/tenant-command.js';
import { within } from '../within.js';
import { runOrAwait } from './operations/run/await-end.js';
import { openGuards } from './reopen.js';

/** A change of a tenant's status, as data. */
export interface LifecycleChange<Fields extends z.ZodRawShape>
  extends Pick<TenantChange<Fields>, 'action' | 'fields' | 'waitFor' | 'decide'> {
  /** Whether services may enter the tenant's storage after the change but not before it. */
  reopens?(tenant: Tenant): boolean;
  /** Writes other rows in the same transaction. */
  writeMore?(tx: Transaction, tenant: Tenant): Promise<void>;
}

/**
 * The command that changes the status and then updates the guards of the tenant's storage. When access closes, the registry
 * changes first; a trigger enqueues the operation that updates the guards in the same transaction. When access opens, the
 * guards change first, so that no gateway hands out a route that a guard would refuse.
 */
export function lifecycleCommand<Fields extends z.ZodRawShape>(change: LifecycleChange<Fields>) {
  const { reopens, writeMore, ...rest } = change;
  const tenantChange: TenantChange<Fields, { operationId: string | null }> = {
    ...rest,
    async writeMore(tx, tenant) {
      await writeMore?.(tx, tenant);
      return { operationId: await findQueuedBinding(tx, tenant.id) };
    },
    meanwhile: (context, { operationId }, waitFor) => updateGuards(context, operationId, waitFor),
  };
  const schema = tenantInputSchema(change.fields);
  return async (context: CommandContext, given: unknown) => {
    const input = readTenantInput(context.caller, change.action, schema, given);
    const { tenantId, expectedVersion: version } = input;
    const isExpected = (tenant: Tenant) => version === undefined || version === tenant.version;
    await using _ =
      reopens && (await openGuards(context, tenantId, (tenant) => isExpected(tenant) && reopens(tenant)));
    return await changeTenant(context, tenantChange, input);
  };
}

/** The operation that will update the guards for this transaction's change; null when no guard has to change. */
export async function findQueuedBinding(tx: Transaction, tenantId: string): Promise<string | null> {
  const waiting = await tx.operation.findFirst({
    where: { kind: 'BIND_STORAGE', tenantId, status: 'QUEUED' },
    orderBy: { createdAt: 'asc' },
  });
  return waiting?.id ?? null;
}

/**
 * Updates the guards now. Only a caller with `wait: EVERYWHERE` waits for it, and at most for the staleness bound: a service
 * database that is down must not block a suspension. A worker updates its guard later.
 */
export async function updateGuards(
  context: CommandContext,
  operationId: string | null,
  waitFor: WaitFor,
): Promise<void> {
  if (operationId === null) return;
  const isAwaited = waitFor === 'EVERYWHERE';
  const running = isAwaited ? runOrAwait(context, operationId, undefined) : context.runOperation(operationId);
  const following = running.catch((error) => {
    // The operation stays queued and a worker runs it.
    context.log.warn({ err: error, operationId }, 'guards could not be updated yet');
  });
  if (!isAwaited) return;
  await within(context.stalenessMs, following, () => undefined);
}

/** The operations that will update the guards of these tenants. */
export async function listQueuedBindings(
  { database }: CommandContext,
  tenantIds: readonly string[],
): Promise<string[]> {
  const waiting = await database.prisma.operation.findMany({
    where: { kind: 'BIND_STORAGE', tenantId: { in: [...tenantIds] }, status: 'QUEUED' },
    select: { id: true },
    orderBy: { createdAt: 'asc' },
  });
  return waiting.map(({ id }) => id);
}

/** How many guards of many tenants are updated at the same time. */
const updatedAtOnce = 4;

/** As updateGuards for a caller who waits, for many tenants: what is not updated within the staleness bound is left to the workers. */
export async function updateGuardsOf(
  context: CommandContext,
  operationIds: readonly string[],
): Promise<void> {
  const endsAt = performance.now() + context.stalenessMs;
  await forEachAtOnce(operationIds, updatedAtOnce, async (id) => {
    if (performance.now() < endsAt) await updateGuards(context, id, 'EVERYWHERE');
  });
}
