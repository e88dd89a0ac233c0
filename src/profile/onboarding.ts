import { z } from 'zod';
import type { Prisma, Tenant } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import { maxExternalIds } from '../registry/external-id.js';
import { email, externalId, omittable, optional, slug, text, uuid } from '../registry/input.js';
import { deriveSlug } from '../registry/slug.js';
import { givenFields, ownLimits, tenantFields } from '../registry/tenants/tenant-fields.js';
import type { ConfigRules } from '../registry/values/config-rules.js';
import { configObject, readTenantConfig } from './config/tenant-config.js';
import { type PutMember, putMember, removeOthers } from './members/members.js';
import { brandingFields, requirePublicUrls, settingsFields } from './profile-fields.js';

/** Input fields for a new tenant: registerTenant and provisionTenant take all of them, and so do REST and the command line. */
export const newTenantFields = {
  id: optional(uuid).meta({
    description: 'UUID to keep, for a tenant that another system already knows. Default: a new UUID.',
    format: 'uuid',
  }),
  name: text(200).meta({ description: 'Display name, at most 200 characters.' }),
  slug: optional(slug).meta({
    description:
      'Slug, 2 to 40 characters: `^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$`. It never changes. Default: derived ' +
      'from the name.',
  }),
  externalIds: optional(z.array(externalId).max(maxExternalIds, `must be at most ${maxExternalIds}`)).meta({
    description: `Ids under which older platforms know the tenant, at most ${maxExternalIds}. Each resolves like the slug.`,
  }),
  ...tenantFields,
  adminEmail: optional(email).meta({
    description:
      'E-mail address of the first admin, who is invited. It is also the primary address when no other is given.',
  }),
  adminFullName: optional(text(200)).meta({
    description: 'Display name of the first admin, at most 200 characters.',
  }),
  settings: omittable(z.object(settingsFields)).meta({ description: 'Settings of the tenant.' }),
  branding: omittable(z.object(brandingFields)).meta({ description: 'Branding of the tenant.' }),
  config: optional(configObject).meta({
    description: 'Configuration of the services that the tenant uses.',
  }),
};

type NewTenantInput = z.output<z.ZodObject<typeof newTenantFields>>;

/** The given values for the row of a new tenant. */
export type NewTenant = Omit<Prisma.TenantCreateInput, 'settings' | 'branding'> & {
  slug: string;
  name: string;
};

/** The given values for the rows that belong to a tenant. */
export interface Profile {
  settings?: Omit<Prisma.TenantSettingsUncheckedCreateInput, 'tenantId' | 'companyName'> & {
    companyName?: string;
  };
  branding?: Omit<Prisma.TenantBrandingUncheckedCreateInput, 'tenantId'>;
  config?: Prisma.InputJsonObject;
}

/** The given values for the rows of a new tenant; throws as readTenantConfig does. */
export function readNewTenant(
  input: NewTenantInput,
  rules: ConfigRules,
): { tenant: NewTenant; profile: Profile } {
  const { slug = deriveSlug(input.name), settings, branding, config, ...rest } = input;
  const { externalIds: _externalIds, adminEmail, adminFullName: _, ...master } = rest;
  requirePublicUrls({ 'settings.website': settings?.website, 'branding.logoUrl': branding?.logoUrl }, rules);
  return {
    tenant: givenFields({
      ...{ ...master, slug, ownLimits: ownLimits(master) },
      primaryEmail: master.primaryEmail ?? adminEmail,
    }),
    profile: givenFields({
      settings: settings && givenFields(settings),
      branding: branding && givenFields(branding),
      config: config && (readTenantConfig(config, { slug, ...rules }) as Prisma.InputJsonObject),
    }),
  };
}

/**
 * Invites the first admin, when one is named, and removes all other members: an earlier attempt may have invited a
 * wrong address.
 */
export async function putFirstAdmin(
  tx: Transaction,
  tenant: Pick<Tenant, 'id' | 'slug' | 'maxUsers'>,
  { adminEmail, adminFullName }: Pick<NewTenantInput, 'adminEmail' | 'adminFullName'>,
  sending: { token: string; actor: string },
): Promise<Pick<PutMember, 'invitationId'>> {
  if (adminEmail === undefined) return { invitationId: null };
  await removeOthers(tx, tenant.id, adminEmail);
  const admin = { email: adminEmail, fullName: adminFullName, role: 'ADMIN' } as const;
  const { invitationId } = await putMember(tx, tenant, admin, sending);
  return { invitationId };
}
