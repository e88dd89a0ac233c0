import type { z } from 'zod';
import type { Tenant } from '../database/generated/prisma/client.js';
import { defaultValues, givenFields } from '../registry/tenants/tenant-fields.js';
import { brandingFields, settingsFields } from './profile-fields.js';

type Given<Fields extends z.ZodRawShape> = { [Field in keyof Fields]?: z.output<Fields[Field]> };

/** All settings of a tenant of which these were given: the others are copied from the tenant or empty. */
export function newSettings(
  { name, primaryEmail, currency, timezone }: Pick<Tenant, 'name' | 'primaryEmail' | 'currency' | 'timezone'>,
  given: Given<typeof settingsFields> = {},
) {
  return {
    ...defaultValues(settingsFields),
    ...{ companyName: name, supportEmail: primaryEmail, currency, timezone },
    ...givenFields(given),
  };
}

/** The whole branding of a tenant of which this was given. */
export function newBranding(given: Given<typeof brandingFields> = {}) {
  return { ...defaultValues(brandingFields), ...givenFields(given) };
}
