import { RegistryError } from '../../errors.js';
import { clearable, future, optional, text } from '../input.js';
import { wrongStatus } from '../tenants/tenant.js';
import { type TenantChange, tenantCommand } from '../tenants/tenant-command.js';
import { givenFields, ownLimits, tenantFields } from '../tenants/tenant-fields.js';

/** The fields that a deleted tenant has for its operators: whether it may be purged, and why. */
const fieldsOfDeleted = ['isProtected', 'internalNote'];

const fields = { name: optional(text(200)), ...tenantFields, suspendUntil: clearable(future) };

/** Changes the given fields and leaves the others, for updateTenant and updateTenants. */
export const tenantUpdate = {
  action: 'updateTenant',
  fields,
  decide(tenant, wanted) {
    const isOtherPlan = wanted.plan !== undefined && wanted.plan !== tenant.plan;
    const given = givenFields({
      ...wanted,
      ownLimits: isOtherPlan ? ownLimits(wanted, tenant.ownLimits) : undefined,
    });
    const names = Object.keys(given);
    if (
      tenant.status === 'DELETED' &&
      !(names.length > 0 && names.every((one) => fieldsOfDeleted.includes(one)))
    )
      throw wrongStatus(tenant, 'updated');
    if (wanted.suspendUntil !== undefined && tenant.status !== 'SUSPENDED')
      throw new RegistryError(
        'CONFLICT',
        `Tenant ${tenant.slug} is ${tenant.status.toLowerCase()}, so no suspension can end: suspend it with suspendTenant`,
      );
    return given;
  },
} satisfies TenantChange<typeof fields>;

/** Id and slug never change; other commands change the status. */
export const updateTenant = tenantCommand(tenantUpdate);
