import { z } from 'zod';
import type { Prisma, Tenant } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import type { ConfigRules } from '../registry/config-rules.js';
import { email, omittable, optional, text } from '../registry/input.js';
import { givenFields } from '../registry/tenant-fields.js';
import { type PutMember, putMember, removeOthers } from './members.js';
import { brandingFields, requirePublicUrls, settingsFields } from './profile-fields.js';
import { configObject, readTenantConfig } from './tenant-config.js';

/** Input fields for a new tenant besides its master data. */
export const onboardingFields = {
  adminEmail: optional(email),
  adminFullName: optional(text(200)),
  settings: omittable(z.object(settingsFields)),
  branding: omittable(z.object(brandingFields)),
  config: optional(configObject),
};

type Onboarding = z.output<z.ZodObject<typeof onboardingFields>>;

/** The given values for the rows that belong to a tenant. */
export interface Profile {
  settings?: Omit<Prisma.TenantSettingsUncheckedCreateInput, 'tenantId' | 'companyName'> & {
    companyName?: string;
  };
  branding?: Omit<Prisma.TenantBrandingUncheckedCreateInput, 'tenantId'>;
  config?: Prisma.InputJsonObject;
}

/** Reads the profile of a new tenant; throws as readTenantConfig does. */
export function readProfile(
  { settings, branding, config }: Onboarding,
  slug: string,
  rules: ConfigRules,
): Profile {
  requirePublicUrls({ 'settings.website': settings?.website, 'branding.logoUrl': branding?.logoUrl }, rules);
  return givenFields({
    settings: settings && givenFields(settings),
    branding: branding && givenFields(branding),
    config: config && (readTenantConfig(config, { slug, ...rules }) as Prisma.InputJsonObject),
  });
}

/**
 * Invites the first admin, when one is named, and removes all other members: an earlier attempt may have invited a
 * wrong address.
 */
export async function putFirstAdmin(
  tx: Transaction,
  tenant: Pick<Tenant, 'id' | 'slug' | 'maxUsers'>,
  { adminEmail, adminFullName }: Onboarding,
  sending: { token: string; actor: string },
): Promise<Pick<PutMember, 'invitationId'>> {
  if (adminEmail === undefined) return { invitationId: null };
  await removeOthers(tx, tenant.id, adminEmail);
  const admin = { email: adminEmail, fullName: adminFullName, role: 'ADMIN' } as const;
  const { invitationId } = await putMember(tx, tenant, admin, sending);
  return { invitationId };
}
