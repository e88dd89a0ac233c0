import { wrongStatus } from '../../registry/tenant.js';
import { tenantCommand } from '../../registry/tenant-command.js';
import { givenFields } from '../../registry/tenant-fields.js';
import { requirePublicUrls, settingsFields } from '../profile-fields.js';

/** Changes the given fields and leaves the others; null clears an optional field. */
export const updateTenantSettings = tenantCommand({
  action: 'updateTenantSettings',
  fields: settingsFields,
  decide(tenant, wanted, { configRules }) {
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'changed');
    requirePublicUrls({ website: wanted.website }, configRules);
    return { settings: { update: givenFields(wanted) } };
  },
  part: {
    title: 'The settings',
    findVersion: async (tx, tenantId) =>
      (await tx.tenantSettings.findUniqueOrThrow({ where: { tenantId } })).version,
  },
});
