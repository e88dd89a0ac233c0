import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../command.js';
import { giveExternalIds } from '../external-id-rows.js';
import { externalId, idempotencyKey, omittable, readInput, tenantReference, wait } from '../input.js';
import { requireTenant, wrongStatus } from '../tenants/tenant.js';

export const ExternalIdInput = z.object({
  tenantId: tenantReference,
  externalId,
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/** Gives a tenant an external id, or gives it back. Throws TENANT_NOT_FOUND, TENANT_DELETED, CONFLICT. */
export async function addTenantExternalId(context: CommandContext, input: unknown) {
  const { caller } = context;
  authorize(caller, 'addTenantExternalId');
  const wanted = readInput(ExternalIdInput, input);
  return runCommand(context, 'addTenantExternalId', wanted, async (tx) => {
    const tenant = await requireTenant(tx, wanted.tenantId);
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'updated');
    await giveExternalIds(tx, { caller, tenant, field: 'externalId' }, [wanted.externalId]);
    return { tenantId: tenant.id };
  });
}
