import { z } from 'zod';
import type { Prisma, PrismaClient } from '../database/generated/prisma/client.js';
import { invalidField } from '../errors.js';
import { optional, readInput, text } from '../registry/input.js';
import { builder } from './builder.js';

export const AuditLogFilter = builder.inputType('AuditLogFilter', {
  description: 'Conditions on entries of the audit log; an entry must meet all of them.',
  fields: (t) => ({
    actor: t.string({ description: 'Only entries of this actor, written as in `AuditLogEntry.actor`.' }),
    kind: t.stringList({
      description:
        'Only entries of these kinds, at most 50, such as `tenant.suspended`. A kind that ends in a dot, ' +
        'such as `tenant.`, selects all kinds that begin with it.',
    }),
    since: t.field({ type: 'DateTime', description: 'Only entries at or after this time.' }),
    until: t.field({ type: 'DateTime', description: 'Only entries before this time.' }),
  }),
});

/** PostgreSQL and JavaScript don't agree on years beyond these. */
const moment = z.date().refine((date) => date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9999, {
  error: 'must be in a year from 1 to 9999',
});

const wantedEntries = z.object({
  actor: optional(text(400)),
  kind: optional(
    z
      .array(
        z
          .string()
          .regex(/^[a-z_]{1,50}\.[a-z_]{0,50}$/, 'must be a kind such as tenant.suspended, or tenant.'),
      )
      .min(1, 'must name at least one kind')
      .max(50, 'must name at most 50 kinds'),
  ),
  since: optional(moment),
  until: optional(moment),
});

interface WantedEntries {
  where: Prisma.RegistryChangeWhereInput;
  /** undefined: of every kind. */
  kinds: string[] | undefined;
}

/** Throws VALIDATION_ERROR that names the field within the argument `filter`. */
export function readFilter(filter: typeof AuditLogFilter.$inferInput | null | undefined): WantedEntries {
  const { filter: wanted } = readInput(z.object({ filter: wantedEntries }), { filter: filter ?? {} });
  const { actor, kind, since, until } = wanted;
  if (since && until && since >= until) throw invalidField('filter.until', 'must be later than filter.since');
  return {
    kinds: kind && [...new Set(kind)],
    where: {
      ...(actor !== undefined && { actor }),
      ...((since || until) && { changedAt: { ...(since && { gte: since }), ...(until && { lt: until }) } }),
    },
  };
}

/** Kinds in full: one that ends in a dot becomes those in the log that begin with it. */
export async function spellOut(prisma: PrismaClient, kinds: readonly string[]): Promise<string[]> {
  const stems = kinds.filter((kind) => kind.endsWith('.'));
  if (stems.length === 0) return [...kinds];
  // Jumps from kind to kind in the index, of which there are a few dozen in a log of any size.
  const known = await prisma.$queryRaw<{ kind: string }[]>`
    WITH RECURSIVE known (kind) AS (
      SELECT min(kind) FROM registry_change
      UNION ALL
      SELECT (SELECT min(change.kind) FROM registry_change AS change WHERE change.kind > known.kind)
      FROM known WHERE kind IS NOT NULL)
    SELECT kind FROM known WHERE kind IS NOT NULL`;
  const matching = known
    .map(({ kind }) => kind)
    .filter((kind) => stems.some((stem) => kind.startsWith(stem)));
  return [...new Set([...kinds.filter((kind) => !stems.includes(kind)), ...matching])];
}
