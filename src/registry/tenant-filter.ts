import { z } from 'zod';
import type { Prisma } from '../database/generated/prisma/client.js';
import { Plan, TenantStatus } from '../database/generated/prisma/enums.js';
import { moduleName, optional, plainText, readInput } from './input.js';

const oneOf = <T extends Record<string, string>>(values: T) =>
  z.enum(values, { error: `must be one of ${Object.values(values).join(', ')}` });

const TenantFilter = z.object({
  status: optional(z.array(oneOf(TenantStatus))),
  plan: optional(z.array(oneOf(Plan))),
  module: optional(moduleName),
  text: optional(z.string()),
});

/** Builds the condition for lists of tenants; all parts of the filter must match. Throws VALIDATION_ERROR. */
export function tenantsMatching(filter: unknown): Prisma.TenantWhereInput {
  const { status, plan, module, text: wanted } = readInput(TenantFilter, filter ?? {});
  return {
    status: status ? { in: status } : { not: 'PURGED' },
    ...(plan && { plan: { in: plan } }),
    ...(module && { subscriptions: { some: { moduleName: module, status: 'ACTIVE' } } }),
    ...(wanted && { OR: [{ name: containing(wanted) }, { slug: containing(wanted) }] }),
  };
}

/** Prisma passes the text to LIKE unchanged, so wildcards are escaped here. */
function containing(wanted: string): Prisma.StringFilter {
  const literal = readInput(plainText(200), wanted).replace(/[\\%_]/g, '\\$&');
  return { contains: literal, mode: 'insensitive' };
}
