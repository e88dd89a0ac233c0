import type { AuditLogFilter } from '../generated/graphql.js';
import type { ListState } from '../parts/lists/list-state.js';

/** Groups of kinds by the noun they begin with: "tenant." selects all changes of tenants. */
export const nouns = [
  ...['tenant', 'external_id', 'subscription', 'operation', 'rollout', 'module', 'finding'],
  ...['settings', 'branding', 'member', 'invitation', 'plan', 'api_key', 'checkpoint'],
] as const;

interface AuditFilterState {
  tenantId: string | undefined;
  filter: AuditLogFilter | undefined;
}

/** The state that the URL describes: `actor`, `kind`, `tenant`, `module`, `from`, `until`. */
export function readAuditFilter(list: ListState): AuditFilterState {
  const { parameters } = list;
  const kinds = list.list('kind');
  const filter: AuditLogFilter = {
    actor: parameters.get('actor') ?? undefined,
    module: parameters.get('module') ?? undefined,
    kindText: kinds.length > 0 ? kinds : undefined,
    since: readTime(parameters.get('from')),
    until: readTime(parameters.get('until')),
  };
  const isEmpty = Object.values(filter).every((value) => value === undefined);
  return {
    tenantId: parameters.get('tenant') ?? undefined,
    filter: isEmpty ? undefined : filter,
  };
}

function readTime(text: string | null): string | undefined {
  const time = new Date(text ?? '');
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

/** A revision is the epoch of the log with a number; people and "doctor audit" name entries by the number. */
export function numberOf(revision: string): string {
  return revision.slice(revision.lastIndexOf(':') + 1);
}
