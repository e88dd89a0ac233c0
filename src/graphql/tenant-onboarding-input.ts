import { describeTenantConfig } from '../profile/tenant-config.js';
import { builder } from './builder.js';
import type { MutationInputFields } from './mutation-input.js';

/** How a tenant presents itself and how its pages look: at its beginning and in the mutations that change it. */

export function settingsFields(t: MutationInputFields) {
  return {
    companyName: t.string({ description: 'Name on documents and pages, at most 200 characters.' }),
    supportEmail: t.string({ description: 'Where customers ask for help.' }),
    supportPhone: t.string({ description: 'Where customers call for help.' }),
    website: t.string({ description: 'Its own site, http or https.' }),
    currency: t.string({ description: 'ISO 4217 code of its prices.' }),
    timezone: t.string({ description: 'IANA time zone of its dates.' }),
    emailFromName: t.string({ description: 'Sender’s name of its mails, at most 200 characters.' }),
    emailFromEmail: t.string({ description: 'Sender’s address of its mails; null: the support address.' }),
  };
}

export function brandingFields(t: MutationInputFields) {
  return {
    presetTheme: t.string({ description: 'The theme the colours start from, at most 100 characters.' }),
    logoUrl: t.string({ description: 'Its logo, http or https.' }),
    primaryColor: t.string({ description: 'Main colour, `#rrggbb`.' }),
    secondaryColor: t.string({ description: 'Second colour, `#rrggbb`.' }),
    accentColor: t.string({ description: 'Colour of what stands out, `#rrggbb`.' }),
  };
}

const TenantSettingsInput = builder.inputType('TenantSettingsInput', {
  description:
    'How a new tenant presents itself; what is left out follows its name, addresses, currency and time zone.',
  fields: settingsFields,
});

const TenantBrandingInput = builder.inputType('TenantBrandingInput', {
  description: 'How a new tenant’s pages look; default the theme professional_blue.',
  fields: brandingFields,
});

/** What registerTenant and provisionTenant can set besides the tenant itself. */
export function onboardingFields(t: MutationInputFields) {
  return {
    adminFullName: t.string({ description: 'Name of the first admin, at most 200 characters.' }),
    settings: t.field({ type: TenantSettingsInput, description: 'How it presents itself.' }),
    branding: t.field({ type: TenantBrandingInput, description: 'How its pages look.' }),
    config: t.field({
      type: 'JSON',
      description: `Configuration of the services it uses. ${describeTenantConfig()}`,
    }),
  };
}
