import type { z } from 'zod';
import { type Action, authorize } from '../auth/permissions.js';
import type { Prisma, Tenant } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import type { WaitFor } from '../feed/acknowledge.js';
import type { CommandContext } from '../registry/command.js';
import { tenantWhere } from '../registry/tenant.js';
import { tenantCommand } from '../registry/tenant-command.js';
import { within } from '../within.js';
import { openBindings } from './reopen.js';

interface LifecycleOptions {
  /** The default of `wait`. */
  waitFor?: WaitFor;
  /** Whether the tenant may be entered after the change though not before it. */
  reopens?: (tenant: Tenant) => boolean;
  also?: (tx: Transaction, tenant: Tenant) => Promise<void>;
}

/**
 * A command that takes a tenant from one status to another, and the guards of its storage with it. Closing, the registry
 * is first and the guards follow, by an operation that a trigger committed with the change; opening, the guards are first,
 * so that no route is handed out that would be refused at the resource.
 */
export function lifecycleCommand<Fields extends z.ZodRawShape>(
  name: Action,
  fields: Fields,
  decide: (tenant: Tenant, wanted: z.output<z.ZodObject<Fields>>) => Prisma.TenantUpdateInput,
  { waitFor = 'GATEWAYS', reopens, also }: LifecycleOptions = {},
) {
  const command = tenantCommand(name, fields, decide, {
    waitFor,
    async also(tx, tenant) {
      await also?.(tx, tenant);
      return { operationId: await findWaitingBinding(tx, tenant.id) };
    },
    meanwhile: (context, { operationId }, waitingFor) => followBinding(context, operationId, waitingFor),
  });
  return async (context: CommandContext, given: unknown) => {
    authorize(context.caller, name);
    if (!reopens) return command(context, given);
    await using _ = await openBindings(context, await findTenant(context, given), reopens);
    return await command(context, given);
  };
}

/** The operation by which guards will follow what this transaction changed; null when there is nothing to guard. */
export async function findWaitingBinding(tx: Transaction, tenantId: string): Promise<string | null> {
  const waiting = await tx.operation.findFirst({
    where: { kind: 'BIND_STORAGE', tenantId, status: 'QUEUED' },
    orderBy: { createdAt: 'asc' },
  });
  return waiting?.id ?? null;
}

/**
 * Has the guards follow now. Only who waits for EVERYWHERE waits for them, and at most D: a service database that is down
 * must not block a suspension; its guard follows when it is back.
 */
export async function followBinding(
  context: CommandContext,
  operationId: string | null,
  waitFor: WaitFor,
): Promise<void> {
  if (operationId === null) return;
  const following = context.runOperation(operationId).catch((error) => {
    // The operation stands and the worker goes on with it.
    context.log.warn({ err: error, operationId }, 'bindings do not follow yet');
  });
  if (waitFor !== 'EVERYWHERE') return;
  await within(context.stalenessMs, following, () => undefined);
}

async function findTenant(context: CommandContext, given: unknown): Promise<Tenant | null> {
  const { tenantId } = (given ?? {}) as { tenantId?: unknown };
  const where = typeof tenantId === 'string' ? tenantWhere(tenantId) : undefined;
  return where ? context.database.prisma.tenant.findUnique({ where }) : null;
}
