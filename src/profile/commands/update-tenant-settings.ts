import type { z } from 'zod';
import type { Prisma, Tenant } from '../../database/generated/prisma/client.js';
import { wrongStatus } from '../../registry/tenants/tenant.js';
import { tenantCommand } from '../../registry/tenants/tenant-command.js';
import { givenFields } from '../../registry/tenants/tenant-fields.js';
import { newSettings } from '../profile-defaults.js';
import { requirePublicUrls, settingsFields } from '../profile-fields.js';

type Settings = z.output<z.ZodObject<typeof settingsFields>>;

/** Changes the given fields and leaves the others; null clears an optional field. */
export const updateTenantSettings = settingsCommand((_tenant, wanted) => givenFields(wanted));

/** Gives the settings these values, and those of a new tenant where none is given. */
export const replaceTenantSettings = settingsCommand(newSettings);

/** Makes the row where it is missing: rows can be deleted by hand. */
function settingsCommand(
  change: (tenant: Tenant, wanted: Settings) => Prisma.TenantSettingsUpdateWithoutTenantInput,
) {
  return tenantCommand({
    action: 'updateTenantSettings',
    fields: settingsFields,
    decide(tenant, wanted, { configRules }) {
      if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'changed');
      requirePublicUrls({ website: wanted.website }, configRules);
      return {
        settings: { upsert: { create: newSettings(tenant, wanted), update: change(tenant, wanted) } },
      };
    },
    part: {
      title: 'The settings',
      findVersion: async (tx, tenantId) =>
        (await tx.tenantSettings.findUnique({ where: { tenantId } }))?.version ?? 0,
    },
  });
}
