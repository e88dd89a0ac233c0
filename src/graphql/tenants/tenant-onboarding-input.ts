import { describeTenantConfig } from '../../profile/tenant-config.js';
import { builder } from '../builder.js';
import type { MutationInputFields } from '../fields/mutation-input.js';

/** Input fields for settings and branding, which registration and the update mutations share. */

export function settingsFields(t: MutationInputFields) {
  return {
    companyName: t.string({ description: 'Company name on documents and pages, at most 200 characters.' }),
    supportEmail: t.string({ description: 'E-mail address of customer support.' }),
    supportPhone: t.string({ description: 'Telephone number of customer support.' }),
    website: t.string({ description: 'Website of the tenant, http or https.' }),
    currency: t.string({ description: 'Currency of prices as an ISO 4217 code.' }),
    timezone: t.string({ description: 'IANA time zone of dates.' }),
    emailFromName: t.string({ description: 'Sender name of outgoing mail, at most 200 characters.' }),
    emailFromEmail: t.string({
      description: 'Sender address of outgoing mail. Null means the support address.',
    }),
  };
}

export function brandingFields(t: MutationInputFields) {
  return {
    presetTheme: t.string({ description: 'Theme that the colours are based on, at most 100 characters.' }),
    logoUrl: t.string({ description: 'URL of the logo, http or https.' }),
    primaryColor: t.string({ description: 'Primary colour, `#rrggbb`.' }),
    secondaryColor: t.string({ description: 'Secondary colour, `#rrggbb`.' }),
    accentColor: t.string({ description: 'Accent colour, `#rrggbb`.' }),
  };
}

const TenantSettingsInput = builder.inputType('TenantSettingsInput', {
  description: 'Settings of a new tenant. Defaults come from its name, addresses, currency and time zone.',
  fields: settingsFields,
});

const TenantBrandingInput = builder.inputType('TenantBrandingInput', {
  description: 'Branding of a new tenant. Default: the theme professional_blue.',
  fields: brandingFields,
});

/** Input fields for the profile of a new tenant, which registerTenant and provisionTenant share. */
export function onboardingFields(t: MutationInputFields) {
  return {
    adminFullName: t.string({ description: 'Display name of the first admin, at most 200 characters.' }),
    settings: t.field({ type: TenantSettingsInput, description: 'Settings of the tenant.' }),
    branding: t.field({ type: TenantBrandingInput, description: 'Branding of the tenant.' }),
    config: t.field({
      type: 'JSON',
      description: `Configuration of the services that the tenant uses. ${describeTenantConfig()}`,
    }),
  };
}
