import { z } from 'zod';
import { invalidField } from '../../errors.js';
import { moduleName, moment, omittable, plainText, readInput } from '../../registry/input.js';
import { type ChangeFilter, listKinds } from '../../registry/log/change-log.js';
import { builder } from '../builder.js';
import type { GraphqlContext } from '../context.js';
import { other } from '../fields/open-enum.js';
import { auditEventKind } from './audit-event-kind.js';

export const AuditLogFilter = builder.inputType('AuditLogFilter', {
  description: 'Conditions on entries of the audit log; an entry must meet all of them.',
  fields: (t) => ({
    actor: t.string({ description: 'Only entries of this actor, written as in `AuditLogEntry.actor`.' }),
    kind: t.field({
      type: [auditEventKind.type],
      description:
        'Only entries of these kinds, at most 50. OTHER selects the kinds that the gateway does not know.',
    }),
    kindText: t.stringList({
      description:
        'Only entries with these names of kinds, at most 50, such as `tenant.suspended`. A name that ends in a dot, ' +
        'such as `tenant.`, selects all kinds that begin with it.',
    }),
    module: t.field({ type: 'ModuleName', description: 'Only entries that affect this module.' }),
    since: t.field({ type: 'DateTime', description: 'Only entries at or after this time.' }),
    until: t.field({ type: 'DateTime', description: 'Only entries before this time.' }),
  }),
});

const kindsOf = (kind: z.ZodString) =>
  omittable(z.array(kind).min(1, 'must name at least one kind').max(50, 'must name at most 50 kinds'));

const Conditions = z.object({
  actor: omittable(plainText(400)),
  kind: kindsOf(z.string()),
  kindText: kindsOf(
    z.string().regex(/^[a-z_]{1,50}\.[a-z_]{0,50}$/, 'must be a kind such as tenant.suspended, or tenant.'),
  ),
  module: omittable(moduleName),
  since: omittable(moment),
  until: omittable(moment),
});

interface KindConditions {
  kind?: readonly string[] | undefined;
  kindText?: readonly string[] | undefined;
}

/** Reads the argument `filter`. Throws VALIDATION_ERROR that names the field. */
export function readFilter(
  filter: typeof AuditLogFilter.$inferInput | null | undefined,
): Omit<ChangeFilter, 'kinds'> & KindConditions {
  const { filter: conditions } = readInput(z.object({ filter: Conditions }), { filter: filter ?? {} });
  const { since, until } = conditions;
  if (since && until && since >= until) throw invalidField('filter.until', 'must be later than filter.since');
  return conditions;
}

/** Names of the kinds that meet both conditions; undefined without a condition. Asks for the kinds in the log only if it must. */
export async function selectKinds(
  database: GraphqlContext['commands']['database'],
  { kind, kindText }: KindConditions,
): Promise<string[] | undefined> {
  if (!kind && !kindText) return undefined;
  const isOpen = kind?.includes(other) || kindText?.some((text) => text.endsWith('.'));
  const candidates = isOpen
    ? await listKinds(database)
    : [...new Set([...(kind ?? []), ...(kindText ?? [])])];
  return candidates.filter(
    (name) =>
      (!kind || kind.includes(auditEventKind.read(name))) &&
      (!kindText || kindText.some((text) => (text.endsWith('.') ? name.startsWith(text) : name === text))),
  );
}
