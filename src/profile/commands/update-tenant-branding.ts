import type { z } from 'zod';
import type { Prisma } from '../../database/generated/prisma/client.js';
import { wrongStatus } from '../../registry/tenants/tenant.js';
import { tenantCommand } from '../../registry/tenants/tenant-command.js';
import { givenFields } from '../../registry/tenants/tenant-fields.js';
import { newBranding } from '../profile-defaults.js';
import { brandingFields, requirePublicUrls } from '../profile-fields.js';

type Branding = z.output<z.ZodObject<typeof brandingFields>>;

/** Changes the given fields and leaves the others; null clears an optional field. */
export const updateTenantBranding = brandingCommand((wanted) => givenFields(wanted));

/** Gives the branding these values, and those of a new tenant where none is given. */
export const replaceTenantBranding = brandingCommand(newBranding);

/** Makes the row where it is missing: rows can be deleted by hand. */
function brandingCommand(change: (wanted: Branding) => Prisma.TenantBrandingUpdateWithoutTenantInput) {
  return tenantCommand({
    action: 'updateTenantBranding',
    fields: brandingFields,
    decide(tenant, wanted, { configRules }) {
      if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'changed');
      requirePublicUrls({ logoUrl: wanted.logoUrl }, configRules);
      return { branding: { upsert: { create: newBranding(wanted), update: change(wanted) } } };
    },
    part: {
      title: 'The branding',
      findVersion: async (tx, tenantId) =>
        (await tx.tenantBranding.findUnique({ where: { tenantId } }))?.version ?? 0,
    },
  });
}
