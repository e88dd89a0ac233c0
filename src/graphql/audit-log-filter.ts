import { z } from 'zod';
import { invalidField } from '../errors.js';
import type { ChangeFilter } from '../registry/change-log.js';
import { moment, omittable, plainText, readInput } from '../registry/input.js';
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

const Conditions = z.object({
  actor: omittable(plainText(400)),
  kind: omittable(
    z
      .array(
        z
          .string()
          .regex(/^[a-z_]{1,50}\.[a-z_]{0,50}$/, 'must be a kind such as tenant.suspended, or tenant.'),
      )
      .min(1, 'must name at least one kind')
      .max(50, 'must name at most 50 kinds'),
  ),
  since: omittable(moment),
  until: omittable(moment),
});

/** Reads the argument `filter`; kinds may still end in a dot. Throws VALIDATION_ERROR that names the field. */
export function readFilter(filter: typeof AuditLogFilter.$inferInput | null | undefined): ChangeFilter {
  const { filter: conditions } = readInput(z.object({ filter: Conditions }), { filter: filter ?? {} });
  const { kind: kinds, since, until, ...others } = conditions;
  if (since && until && since >= until) throw invalidField('filter.until', 'must be later than filter.since');
  return { ...others, kinds, since, until };
}
