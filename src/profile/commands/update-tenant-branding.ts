import { wrongStatus } from '../../registry/tenant.js';
import { tenantCommand } from '../../registry/tenant-command.js';
import { givenFields } from '../../registry/tenant-fields.js';
import { brandingFields, requirePublicUrls } from '../profile-fields.js';

/** Changes the given fields and leaves the others; null clears an optional field. */
export const updateTenantBranding = tenantCommand({
  action: 'updateTenantBranding',
  fields: brandingFields,
  decide(tenant, wanted, { configRules }) {
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'changed');
    requirePublicUrls({ logoUrl: wanted.logoUrl }, configRules);
    return { branding: { update: givenFields(wanted) } };
  },
  part: {
    title: 'The branding',
    findVersion: async (tx, tenantId) =>
      (await tx.tenantBranding.findUniqueOrThrow({ where: { tenantId } })).version,
  },
});
