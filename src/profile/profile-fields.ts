import { z } from 'zod';
import { invalidFields } from '../errors.js';
import { clearable, currency, email, optional, text, timezone } from '../registry/input.js';
import type { ConfigRules } from '../registry/values/config-rules.js';
import { findSecret } from '../registry/values/secret-detector.js';
import { findPrivateUrl, findUrlProblem } from './web-address.js';

export const color = z.string().regex(/^#[0-9A-Fa-f]{6}$/, 'must be a colour such as #1f2a44');

export const webAddress = z
  .string()
  .max(2_000, 'must have at most 2000 characters')
  .superRefine((value, context) => {
    const problem = findUrlProblem(value);
    if (problem !== undefined) context.addIssue(problem);
  })
  .refine(
    (value) => findSecret('', value) === undefined,
    'looks like a URL with a secret in it: use a URL without',
  );

const phone = z
  .string()
  .trim()
  .regex(/^\+?[0-9][0-9 ()./-]{2,38}$/, 'must be a phone number such as +27 21 555 0100');

export const settingsFields = {
  companyName: optional(text(200)).meta({
    description: 'Company name on documents and pages, at most 200 characters.',
  }),
  supportEmail: clearable(email).meta({ description: 'E-mail address of customer support.' }),
  supportPhone: clearable(phone).meta({ description: 'Telephone number of customer support.' }),
  website: clearable(webAddress).meta({ description: 'Website of the tenant, http or https.' }),
  currency: optional(currency).meta({ description: 'Currency of prices as an ISO 4217 code.' }),
  timezone: optional(timezone).meta({ description: 'IANA time zone of dates.' }),
  emailFromName: clearable(text(200)).meta({
    description: 'Sender name of outgoing mail, at most 200 characters.',
  }),
  emailFromEmail: clearable(email).meta({
    description: 'Sender address of outgoing mail. Null means the support address.',
  }),
};

/** Theme of a tenant that has chosen none; the default of the column. */
export const defaultTheme = 'professional_blue';

export const brandingFields = {
  presetTheme: optional(text(100)).meta({
    description: 'Theme that the colours are based on, at most 100 characters.',
    default: defaultTheme,
  }),
  logoUrl: clearable(webAddress).meta({ description: 'URL of the logo, http or https.' }),
  primaryColor: clearable(color).meta({ description: 'Primary colour, `#rrggbb`.' }),
  secondaryColor: clearable(color).meta({ description: 'Secondary colour, `#rrggbb`.' }),
  accentColor: clearable(color).meta({ description: 'Accent colour, `#rrggbb`.' }),
};

/** Refuses URLs of settings and branding that are not public, unless the operator allows them. Throws VALIDATION_ERROR. */
export function requirePublicUrls(
  urls: Readonly<Record<string, string | null | undefined>>,
  { allowsPrivateUrls }: ConfigRules,
): void {
  if (allowsPrivateUrls) return;
  const problems = Object.entries(urls).flatMap(([field, url]) => {
    const message = url && findPrivateUrl(url);
    return message ? [{ field, message }] : [];
  });
  if (problems.length > 0) throw invalidFields(problems);
}
