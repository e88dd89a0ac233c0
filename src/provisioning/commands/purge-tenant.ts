import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import {
  date,
  expectedVersion,
  idempotencyKey,
  optional,
  readInput,
  tenantReference,
  wait,
} from '../../registry/input.js';
import { requireTenant, wrongStatus } from '../../registry/tenant.js';
import { schedulePurge } from '../operations/purge.js';
import { runStartedOperation } from '../operations/run-started-operation.js';

const PurgeTenantInput = z.object({
  tenantId: tenantReference,
  purgeAfter: optional(date),
  expectedVersion: optional(expectedVersion),
  idempotencyKey: optional(idempotencyKey),
  wait: optional(wait),
});

/**
 * Plans the end of a DELETED tenant's data. Until the date, the tenant's own unless another is given, it waits and
 * restoreTenant calls it off; then the data is dropped, whoever stood behind the tenant is forgotten, and its names stay taken.
 */
export async function purgeTenant(context: CommandContext, input: unknown) {
  authorize(context.caller, 'purgeTenant');
  const wanted = readInput(PurgeTenantInput, input);
  const begun = await runCommand(context, 'purgeTenant', wanted, async (tx) => {
    const tenant = await requireTenant(tx, wanted.tenantId, wanted.expectedVersion);
    if (tenant.status !== 'DELETED') throw wrongStatus(tenant, 'purged: delete it first');
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
  if (begun.repeated) return begun;
  // Does nothing before the date.
  return runStartedOperation(context, begun, begun.operationId, wanted.wait);
}
