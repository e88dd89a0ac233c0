import { builder } from '../builder.js';

export const TenantSettings = builder.prismaObject('TenantSettings', {
  description: 'Name, contacts and formats that a tenant shows to its own customers.',
  fields: (t) => ({
    companyName: t.exposeString('companyName', { description: 'Company name on documents and pages.' }),
    supportEmail: t.exposeString('supportEmail', {
      nullable: true,
      description: 'E-mail address that customers write to for support.',
    }),
    supportPhone: t.exposeString('supportPhone', {
      nullable: true,
      description: 'Telephone number that customers call for support.',
    }),
    website: t.exposeString('website', { nullable: true, description: 'Website of the tenant.' }),
    currency: t.exposeString('currency', {
      description: 'Currency of the tenant’s prices as an ISO 4217 code.',
    }),
    timezone: t.exposeString('timezone', { description: 'IANA time zone in which dates are shown.' }),
    emailFromName: t.exposeString('emailFromName', {
      nullable: true,
      description: 'Sender name of outgoing mail.',
    }),
    emailFromEmail: t.string({
      nullable: true,
      description: 'Sender address of outgoing mail; the support address when none is set.',
      select: { emailFromEmail: true, supportEmail: true },
      resolve: ({ emailFromEmail, supportEmail }) => emailFromEmail ?? supportEmail,
    }),
    version: t.exposeInt('version', {
      description: 'Version of the settings; every change increases it. Pass it as `expectedVersion`.',
    }),
  }),
});

export const TenantBranding = builder.prismaObject('TenantBranding', {
  description: 'Look of a tenant’s pages. Colours are `#rrggbb`.',
  fields: (t) => ({
    presetTheme: t.exposeString('presetTheme', { description: 'Theme that the colours are based on.' }),
    logoUrl: t.exposeString('logoUrl', { nullable: true, description: 'URL of the logo.' }),
    primaryColor: t.exposeString('primaryColor', { nullable: true, description: 'Primary colour.' }),
    secondaryColor: t.exposeString('secondaryColor', { nullable: true, description: 'Secondary colour.' }),
    accentColor: t.exposeString('accentColor', { nullable: true, description: 'Accent colour.' }),
    version: t.exposeInt('version', {
      description: 'Version of the branding; every change increases it. Pass it as `expectedVersion`.',
    }),
  }),
});
