import { authorize } from '../../auth/permissions.js';
import { notFound } from '../../errors.js';
import { type CommandContext, runCommand } from '../command.js';
import { takeExternalIds } from '../external-id-rows.js';
import { readInput } from '../input.js';
import { requireTenant } from '../tenants/tenant.js';
import { ExternalIdInput } from './add-tenant-external-id.js';

/** The id does not resolve any more and stays with the tenant; without a change when it is removed already. Throws TENANT_NOT_FOUND, NOT_FOUND. */
export async function removeTenantExternalId(context: CommandContext, input: unknown) {
  authorize(context.caller, 'removeTenantExternalId');
  const wanted = readInput(ExternalIdInput, input);
  return runCommand(context, 'removeTenantExternalId', wanted, async (tx) => {
    const tenant = await requireTenant(tx, wanted.tenantId);
    const { externalId } = wanted;
    const known = await tx.tenantExternalId.findUnique({ where: { externalId, tenantId: tenant.id } });
    if (!known) throw notFound('externalId', `tenant ${tenant.slug} has no external id "${externalId}"`);
    await takeExternalIds(tx, tenant, { in: [externalId] });
    return { tenantId: tenant.id };
  });
}
