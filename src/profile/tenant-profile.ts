import type { Prisma, Tenant } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import { RegistryError } from '../errors.js';

export type NewTenant = Omit<Prisma.TenantCreateInput, 'settings' | 'branding'> & {
  slug: string;
  name: string;
};

/**
 * Writes a tenant with its settings and branding. Throws CONFLICT when the slug or id is taken; who loses a race for a
 * slug gets the same code from the unique constraint.
 */
export async function insertTenant(tx: Transaction, fields: NewTenant): Promise<Tenant> {
  const bySlug = await tx.tenant.findUnique({ where: { slug: fields.slug } });
  if (bySlug) throw taken('slug', `Slug "${fields.slug}" is taken by tenant ${bySlug.id}`);
  const byId = fields.id && (await tx.tenant.findUnique({ where: { id: fields.id } }));
  if (byId) throw taken('id', `Id ${fields.id} is taken by tenant ${byId.slug}`);

  const tenant = await tx.tenant.create({ data: fields });
  await tx.tenantSettings.create({
    data: {
      tenantId: tenant.id,
      companyName: tenant.name,
      supportEmail: tenant.primaryEmail,
      currency: tenant.currency,
      timezone: tenant.timezone,
    },
  });
  await tx.tenantBranding.create({ data: { tenantId: tenant.id } });
  return tenant;
}

function taken(field: string, message: string): RegistryError {
  return new RegistryError('CONFLICT', message, { fields: [{ field, message }] });
}
