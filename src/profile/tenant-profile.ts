import type { Prisma, Tenant } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import { RegistryError } from '../errors.js';
import { type ConfigRules, strictConfigRules } from '../registry/config-rules.js';
import type { Profile } from './onboarding.js';
import { requireOwnVariables, requireUnusedPrefix } from './variable-owners.js';

export type NewTenant = Omit<Prisma.TenantCreateInput, 'settings' | 'branding'> & {
  slug: string;
  name: string;
};

/**
 * Inserts a tenant with its settings and branding. Throws CONFLICT when the slug or id is taken; the loser of a race
 * for a slug gets the same code from the unique constraint.
 */
export async function insertTenant(
  tx: Transaction,
  fields: NewTenant,
  { settings, branding, config }: Profile = {},
  rules: ConfigRules = strictConfigRules,
): Promise<Tenant> {
  const bySlug = await tx.tenant.findUnique({ where: { slug: fields.slug } });
  if (bySlug) throw taken('slug', `Slug "${fields.slug}" is taken by tenant ${bySlug.id}`);
  const byId = fields.id && (await tx.tenant.findUnique({ where: { id: fields.id } }));
  if (byId) throw taken('id', `Id ${fields.id} is taken by tenant ${byId.slug}`);
  await requireUnusedPrefix(tx, fields.slug);
  if (config) await requireOwnVariables(tx, config, { slug: fields.slug, ...rules });

  const tenant = await tx.tenant.create({ data: { ...fields, ...(config && { config }) } });
  await tx.tenantSettings.create({
    data: {
      tenantId: tenant.id,
      companyName: tenant.name,
      supportEmail: tenant.primaryEmail,
      currency: tenant.currency,
      timezone: tenant.timezone,
      ...settings,
    },
  });
  await tx.tenantBranding.create({ data: { tenantId: tenant.id, ...branding } });
  return tenant;
}

/** Updates the profile of a tenant from an earlier failed attempt. The new values replace the old ones. */
export async function updateProfile(
  tx: Transaction,
  { id: tenantId, slug }: Pick<Tenant, 'id' | 'slug'>,
  { settings, branding, config }: Profile,
  rules: ConfigRules,
): Promise<void> {
  if (config) await requireOwnVariables(tx, config, { slug, ...rules });
  if (settings) await tx.tenantSettings.update({ where: { tenantId }, data: settings });
  if (branding) await tx.tenantBranding.update({ where: { tenantId }, data: branding });
  if (config) await tx.tenant.update({ where: { id: tenantId }, data: { config } });
}

function taken(field: string, message: string): RegistryError {
  return new RegistryError('CONFLICT', message, { fields: [{ field, message }] });
}
