import { RegistryError } from '../../errors.js';
import { clearable, future, optional, text } from '../input.js';
import { wrongStatus } from '../tenant.js';
import { tenantCommand } from '../tenant-command.js';
import { givenFields, tenantFields } from '../tenant-fields.js';

/** The fields that a deleted tenant has for its operators: whether it may be purged, and why. */
const fieldsOfDeleted = ['isProtected', 'internalNote'];

/** Changes the given fields and leaves the others. Id and slug never change; other commands change the status. */
export const updateTenant = tenantCommand({
  action: 'updateTenant',
  fields: { name: optional(text(200)), ...tenantFields, suspendUntil: clearable(future) },
  decide(tenant, wanted) {
    const given = givenFields(wanted);
    const fields = Object.keys(given);
    if (
      tenant.status === 'DELETED' &&
      !(fields.length > 0 && fields.every((one) => fieldsOfDeleted.includes(one)))
    )
      throw wrongStatus(tenant, 'updated');
    if (wanted.suspendUntil !== undefined && tenant.status !== 'SUSPENDED')
      throw new RegistryError(
        'CONFLICT',
        `Tenant ${tenant.slug} is ${tenant.status.toLowerCase()}, so no suspension can end: suspend it with suspendTenant`,
      );
    return given;
  },
});
