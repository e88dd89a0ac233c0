import { currency, email, optional, text, timezone } from '../../registry/input.js';
import { wrongStatus } from '../../registry/tenant.js';
import { tenantCommand } from '../../registry/tenant-command.js';
import { givenFields } from '../../registry/tenant-fields.js';
import { clearable, phone, webAddress } from '../profile-fields.js';

/** Changes what was given and leaves the rest; null clears what may be missing. */
export const updateTenantSettings = tenantCommand(
  'updateTenantSettings',
  {
    companyName: optional(text(200)),
    supportEmail: clearable(email),
    supportPhone: clearable(phone),
    website: clearable(webAddress),
    currency: optional(currency),
    timezone: optional(timezone),
    emailFromName: clearable(text(200)),
    emailFromEmail: clearable(email),
  },
  (tenant, wanted) => {
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'changed');
    return { settings: { update: givenFields(wanted) } };
  },
  {
    part: {
      title: 'The settings',
      findVersion: async (tx, tenantId) =>
        (await tx.tenantSettings.findUniqueOrThrow({ where: { tenantId } })).version,
    },
  },
);
