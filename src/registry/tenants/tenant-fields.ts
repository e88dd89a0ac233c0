import { z } from 'zod';
import { clearable, currency, email, optional, prose, quota, text, timezone } from '../input.js';
import type { Metric } from '../usage/usage.js';

/** The configuration repeats these columns, and services replace references in it. */
function withoutReference<T extends z.ZodType<string>>(schema: T) {
  return schema.refine(
    (value) => !value.normalize('NFKC').includes(`\${`),
    'must not have a reference to a variable',
  );
}

export const plan = z.enum(['LITE', 'PRO', 'ENTERPRISE'], { error: 'must be LITE, PRO or ENTERPRISE' });

/** A new tenant has the limits of its plan. */
const limits = {
  maxUsers: optional(quota).meta({
    description: 'Maximum number of users. A new tenant has that of its plan.',
  }),
  maxMonthlyQuotes: optional(quota).meta({
    description: 'Maximum number of quotes per month. A new tenant has that of its plan.',
  }),
  maxStorageGb: optional(quota).meta({
    description: 'Maximum storage in GB. A new tenant has that of its plan.',
  }),
};

/**
 * The fields of a tenant that its registration sets and updateTenant changes. GraphQL, REST and the command line derive theirs from this
 * list: description, default and type. A default is that of the column.
 */
export const tenantFields = {
  shortName: clearable(text(50)).meta({ description: 'Short display name, at most 50 characters.' }),
  plan: optional(plan).meta({
    description: 'Commercial plan.',
    default: 'LITE',
  }),
  ...limits,
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

/** The fields of limits, each with its name in tenants.own_limits. */
const limitFields = [
  ['maxUsers', 'users'],
  ['maxMonthlyQuotes', 'monthly_quotes'],
  ['maxStorageGb', 'storage_gb'],
] as const;

/**
 * The value of own_limits for a tenant with these fields, whose given limits no longer follow the plan. Undefined when no limit is given:
 * then the database decides. It takes a limit with the value of the plan for one that follows the plan, also when the value was given.
 */
export function ownLimits(
  fields: { [K in (typeof limitFields)[number][0]]?: unknown },
  before: readonly string[] = [],
): string[] | undefined {
  const given = limitFields.filter(([field]) => fields[field] !== undefined).map(([, metric]) => metric);
  return given.length === 0 ? undefined : [...new Set([...before, ...given])];
}

/** The metrics of own_limits, in the names of the doors. */
export function ownMetrics(ownLimits: readonly string[]): Metric[] {
  // A constraint allows only names of metrics, in small letters.
  return ownLimits.map((name) => name.toUpperCase() as Metric);
}

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

/** The values of a tenant for whom nothing was given; its limits are those of the plan. */
export function newTenantValues() {
  const { maxUsers: _, maxMonthlyQuotes: __, maxStorageGb: ___, ...others } = tenantFields;
  return { ...defaultValues(others), ownLimits: [] as string[] };
}
