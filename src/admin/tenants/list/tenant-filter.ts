import type { Plan, TenantFilter, TenantStatus } from '../../generated/graphql.js';
import type { ListRead } from '../../parts/lists/list-state.js';

export const statuses = [
  'ACTIVE',
  'SUSPENDED',
  'PROVISIONING',
  'PENDING',
  'FAILED',
  'DELETED',
  'PURGED',
] as const;
export const plans = ['LITE', 'PRO', 'ENTERPRISE'] as const;

/** The filter that the URL describes: `q`, `status`, `plan`, `module`, `attention`, `from`, `until`. */
export function readTenantFilter(list: ListRead): TenantFilter | null {
  const { parameters } = list;
  const known = <Value extends string>(name: string, values: readonly Value[]) => {
    const given = values.filter((value) => list.list(name).includes(value));
    return given.length > 0 ? given : undefined;
  };
  const filter: TenantFilter = {
    text: parameters.get('q') ?? undefined,
    status: known<TenantStatus>('status', statuses),
    plan: known<Plan>('plan', plans),
    module: parameters.get('module') ?? undefined,
    needsAttention: parameters.get('attention') === 'yes' || undefined,
    createdFrom: readTime(parameters.get('from')),
    createdUntil: readTime(parameters.get('until')),
  };
  const isEmpty = Object.values(filter).every((value) => value === undefined);
  return isEmpty ? null : filter;
}

function readTime(text: string | null): string | undefined {
  const time = new Date(text ?? '');
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
