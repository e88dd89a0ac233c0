import { z } from 'zod';
import { currency, email, optional, quota, text, timezone } from './input.js';

/** The fields of a tenant that registerTenant sets and updateTenant changes. */
export const tenantFields = {
  shortName: optional(text(50)),
  plan: optional(z.enum(['LITE', 'PRO', 'ENTERPRISE'], { error: 'must be LITE, PRO or ENTERPRISE' })),
  maxUsers: optional(quota),
  maxMonthlyQuotes: optional(quota),
  maxStorageGb: optional(quota),
  timezone: optional(timezone),
  currency: optional(currency),
  primaryEmail: optional(email),
  gcpProjectId: optional(text(100)),
  gcpDataset: optional(text(1024)),
};

/** Removes undefined fields: Prisma leaves a column unchanged when its key is absent. */
export function givenFields<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]: Exclude<T[K], undefined> };
}
