import { describeTenantConfig } from '../../profile/config/tenant-config.js';
import { newTenantFields } from '../../profile/onboarding.js';
import { brandingFields, settingsFields } from '../../profile/profile-fields.js';
import { tenantFields } from '../../registry/tenants/tenant-fields.js';
import { builder } from '../builder.js';
import { commandFields } from '../fields/command-input.js';
import type { MutationInputFields } from '../fields/mutation-input.js';
import { PlanType } from './tenant.js';

const TenantSettingsInput = builder.inputType('TenantSettingsInput', {
  description: 'Settings of a new tenant. Defaults come from its name, addresses, currency and time zone.',
  fields: (t) => commandFields(t, settingsFields),
});

const TenantBrandingInput = builder.inputType('TenantBrandingInput', {
  description: 'Branding of a new tenant. Default: the theme professional_blue.',
  fields: (t) => commandFields(t, brandingFields),
});

/** Input fields for the master data of a tenant. */
export function masterDataFields(t: MutationInputFields, options: { showsDefaults?: boolean } = {}) {
  return commandFields(t, tenantFields, { types: { plan: PlanType }, ...options });
}

/** Input fields for a new tenant, which registerTenant and provisionTenant share; only the latter requires an admin. */
export function registrationFields(t: MutationInputFields, { requiresAdmin }: { requiresAdmin: boolean }) {
  const { id, name, slug, externalIds, adminEmail, adminFullName, config } = newTenantFields;
  return {
    id: t.id({ description: `${id.description}` }),
    name: t.string({ required: true, description: `${name.description}` }),
    ...commandFields(t, { slug }),
    externalIds: t.stringList({ description: `${externalIds.description}` }),
    ...masterDataFields(t, { showsDefaults: true }),
    adminEmail: t.string({ required: requiresAdmin, description: `${adminEmail.description}` }),
    ...commandFields(t, { adminFullName }),
    settings: t.field({ type: TenantSettingsInput, description: 'Settings of the tenant.' }),
    branding: t.field({ type: TenantBrandingInput, description: 'Branding of the tenant.' }),
    config: t.field({ type: 'JSON', description: `${config.description} ${describeTenantConfig()}` }),
  };
}
