import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import {
  date,
  expectedVersion,
  idempotencyKey,
  omittable,
  optional,
  readInput,
  tenantReference,
  wait,
} from '../../registry/input.js';
import { requireTenant, requireUnprotected, wrongStatus } from '../../registry/tenants/tenant.js';
import { schedulePurge } from '../operations/run/purge.js';
import { runStartedOperation } from '../operations/run/run-started-operation.js';

const PurgeTenantInput = z.object({
  tenantId: tenantReference,
  purgeAfter: optional(date),
  expectedVersion: omittable(expectedVersion),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/**
 * Schedules the purge of a DELETED tenant, for the given date or else the tenant's purge date. Until then restoreTenant cancels
 * it. The purge drops the tenant's storage and deletes its personal data; its slug and names stay taken.
 */
export async function purgeTenant(context: CommandContext, input: unknown) {
  authorize(context.caller, 'purgeTenant');
  const wanted = readInput(PurgeTenantInput, input);
  const started = await runCommand(context, 'purgeTenant', wanted, async (tx) => {
    const tenant = await requireTenant(tx, wanted.tenantId, wanted.expectedVersion);
    if (tenant.status !== 'DELETED') throw wrongStatus(tenant, 'purged: delete it first');
    requireUnprotected(tenant, 'purged');
    const runAfter = wanted.purgeAfter ?? tenant.purgeAfter ?? new Date();
    if (wanted.purgeAfter)
      await tx.tenant.update({ where: { id: tenant.id }, data: { purgeAfter: runAfter } });
    const operationId = await schedulePurge(tx, {
      tenantId: tenant.id,
      actor: context.caller.actor,
      runAfter,
      idempotencyKey: wanted.idempotencyKey,
    });
    return { tenantId: tenant.id, operationId };
  });
  if (started.repeated) return started;
  // Runs nothing before the date.
  return runStartedOperation(context, started, started.operationId, wanted.wait);
}
