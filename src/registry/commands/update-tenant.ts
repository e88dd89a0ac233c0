import { optional, text } from '../input.js';
import { wrongStatus } from '../tenant.js';
import { tenantCommand } from '../tenant-command.js';
import { givenFields, ownLimits, tenantFields } from '../tenant-fields.js';

/** Changes the given fields and leaves the others. Id and slug never change; other commands change the status. */
export const updateTenant = tenantCommand({
  action: 'updateTenant',
  fields: { name: optional(text(200)), ...tenantFields },
  decide(tenant, wanted) {
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'updated');
    const isOtherPlan = wanted.plan !== undefined && wanted.plan !== tenant.plan;
    return givenFields({ ...wanted, ownLimits: isOtherPlan ? ownLimits(wanted, tenant.ownLimits) : undefined });
  },
});
