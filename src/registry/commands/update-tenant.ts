import { optional, text } from '../input.js';
import { wrongStatus } from '../tenant.js';
import { type TenantChange, tenantCommand } from '../tenant-command.js';
import { givenFields, tenantFields } from '../tenant-fields.js';

const fields = { name: optional(text(200)), ...tenantFields };

/** Changes the given fields and leaves the others, for updateTenant and updateTenants. */
export const tenantUpdate: TenantChange<typeof fields> = {
  action: 'updateTenant',
  fields,
  decide(tenant, wanted) {
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'updated');
    return givenFields(wanted);
  },
};

/** Id and slug never change; other commands change the status. */
export const updateTenant = tenantCommand(tenantUpdate);
