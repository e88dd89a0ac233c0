import { z } from 'zod';
import { clearable, currency, email, optional, prose, quota, text, timezone } from './input.js';

/** The configuration repeats these columns, and services replace references in it. */
function withoutReference<T extends z.ZodType<string>>(schema: T) {
  return schema.refine(
    (value) => !value.normalize('NFKC').includes(`\${`),
    'must not have a reference to a variable',
  );
}

/**
 * The fields of a tenant that its registration sets and updateTenant changes. GraphQL, REST and the command line derive theirs from this
 * list: description, default and type. A default is that of the column.
 */
export const tenantFields = {
  shortName: clearable(text(50)).meta({ description: 'Short display name, at most 50 characters.' }),
  plan: optional(z.enum(['LITE', 'PRO', 'ENTERPRISE'], { error: 'must be LITE, PRO or ENTERPRISE' })).meta({
    description: 'Plan of the tenant.',
    default: 'LITE',
  }),
  maxUsers: optional(quota).meta({ description: 'Maximum number of members.', default: 5 }),
  maxMonthlyQuotes: optional(quota).meta({
    description: 'Maximum number of quotes per month.',
    default: 100,
  }),
  maxStorageGb: optional(quota).meta({ description: 'Maximum storage in GB.', default: 1 }),
  timezone: optional(timezone).meta({ description: 'IANA time zone.', default: 'Africa/Johannesburg' }),
  currency: optional(currency).meta({ description: 'ISO 4217 currency code.', default: 'ZAR' }),
  primaryEmail: clearable(email).meta({ description: 'E-mail address for messages to the tenant.' }),
  gcpProjectId: clearable(withoutReference(text(100))).meta({
    description: 'Id of the Google Cloud project.',
  }),
  gcpDataset: clearable(withoutReference(text(1024))).meta({
    description: 'Name of the BigQuery dataset in the Google Cloud project.',
  }),
  isProtected: optional(z.boolean()).meta({
    description: 'Whether deleteTenant and purgeTenant are refused until this is cleared.',
    default: false,
  }),
  internalNote: clearable(prose(2_000)).meta({
    description: 'Note of operators, at most 2000 characters; not shown to members of the tenant.',
  }),
};

/** Removes undefined fields: Prisma leaves a column unchanged when its key is absent. */
export function givenFields<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]: Exclude<T[K], undefined> };
}

type Values<T extends z.ZodRawShape> = { [K in keyof T]: Exclude<z.output<T[K]>, undefined> };

/** The values of a row in which nothing was given: the default of each field, or null. */
export function defaultValues<T extends z.ZodRawShape>(fields: T): Values<T> {
  const values = Object.entries(fields).map(([name, field]) => [
    name,
    (field as z.ZodType).meta()?.default ?? null,
  ]);
  return Object.fromEntries(values) as Values<T>;
}
