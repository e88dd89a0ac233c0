import { z } from 'zod';
import { clearable, currency, email, optional, prose, quota, text, timezone } from './input.js';

/** The configuration repeats these columns, and services replace references in it. */
function withoutReference<T extends z.ZodType<string>>(schema: T) {
  return schema.refine(
    (value) => !value.normalize('NFKC').includes(`\${`),
    'must not have a reference to a variable',
  );
}

export const plan = z.enum(['LITE', 'PRO', 'ENTERPRISE'], { error: 'must be LITE, PRO or ENTERPRISE' });

/** The fields of a tenant that registerTenant sets and updateTenant changes. */
export const tenantFields = {
  shortName: clearable(text(50)),
  plan: optional(plan),
  maxUsers: optional(quota),
  maxMonthlyQuotes: optional(quota),
  maxStorageGb: optional(quota),
  timezone: optional(timezone),
  currency: optional(currency),
  primaryEmail: clearable(email),
  gcpProjectId: clearable(withoutReference(text(100))),
  gcpDataset: clearable(withoutReference(text(1024))),
  isProtected: optional(z.boolean()),
  internalNote: clearable(prose(2_000)),
};

/** The fields of limits, each with its name in tenants.own_limits. */
const limitFields = [
  ['maxUsers', 'users'],
  ['maxMonthlyQuotes', 'monthly_quotes'],
  ['maxStorageGb', 'storage_gb'],
] as const;

/**
 * What own_limits is to have beside these fields; undefined to leave it to the database, which knows the limits of plans. It can't tell a
 * limit that is given with the value that the column has anyway, from one that is to follow the plan.
 */
export function ownLimits(
  fields: { [K in (typeof limitFields)[number][0]]?: unknown },
  before: readonly string[] = [],
): string[] | undefined {
  const given = limitFields.filter(([field]) => fields[field] !== undefined).map(([, metric]) => metric);
  return given.length === 0 ? undefined : [...new Set([...before, ...given])];
}

/** Removes undefined fields: Prisma leaves a column unchanged when its key is absent. */
export function givenFields<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]: Exclude<T[K], undefined> };
}
