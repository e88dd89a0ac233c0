import { builder } from './builder.js';

export const TenantSettings = builder.prismaObject('TenantSettings', {
  description: 'How a tenant presents itself to its own customers.',
  fields: (t) => ({
    companyName: t.exposeString('companyName', { description: 'Name on documents and pages.' }),
    supportEmail: t.exposeString('supportEmail', {
      nullable: true,
      description: 'Where customers ask for help.',
    }),
    supportPhone: t.exposeString('supportPhone', {
      nullable: true,
      description: 'Where customers call for help.',
    }),
    website: t.exposeString('website', { nullable: true, description: 'Its own site.' }),
    currency: t.exposeString('currency', { description: 'ISO 4217 code of its prices.' }),
    timezone: t.exposeString('timezone', { description: 'IANA time zone of its dates.' }),
    emailFromName: t.exposeString('emailFromName', {
      nullable: true,
      description: 'Sender’s name of its mails.',
    }),
    emailFromEmail: t.string({
      nullable: true,
      description: 'Sender’s address of its mails; the support address when none is set.',
      select: { emailFromEmail: true, supportEmail: true },
      resolve: ({ emailFromEmail, supportEmail }) => emailFromEmail ?? supportEmail,
    }),
    version: t.exposeInt('version', { description: 'For expectedVersion; +1 with each change.' }),
  }),
});

export const TenantBranding = builder.prismaObject('TenantBranding', {
  description: 'How a tenant’s pages look. Colours are `#rrggbb`.',
  fields: (t) => ({
    presetTheme: t.exposeString('presetTheme', { description: 'The theme the colours start from.' }),
    logoUrl: t.exposeString('logoUrl', { nullable: true, description: 'Its logo.' }),
    primaryColor: t.exposeString('primaryColor', { nullable: true, description: 'Main colour.' }),
    secondaryColor: t.exposeString('secondaryColor', { nullable: true, description: 'Second colour.' }),
    accentColor: t.exposeString('accentColor', { nullable: true, description: 'Colour of what stands out.' }),
    version: t.exposeInt('version', { description: 'For expectedVersion; +1 with each change.' }),
  }),
});
