import type { OperationFilter, OperationKind, OperationStatus } from '../generated/graphql.js';
import type { ListState } from '../parts/lists/list-state.js';

export const statuses = [
  ...(['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'COMPENSATING', 'COMPENSATED'] as const),
  ...(['NEEDS_ATTENTION', 'CANCELLED'] as const),
] as const satisfies readonly OperationStatus[];

export const kinds = [
  ...(['SUBSCRIBE_TENANT', 'PROVISION_TENANT', 'PROVISION_MODULE', 'MARK_MODULE_PROVISIONED'] as const),
  ...(['ADOPT_STORAGE', 'BIND_STORAGE', 'REMOVE_STORAGE', 'PURGE_TENANT'] as const),
  ...(['SUBSCRIBE_TENANTS', 'SUSPEND_TENANTS', 'RESUME_TENANTS', 'UPDATE_TENANTS'] as const),
] as const satisfies readonly OperationKind[];

const hourMs = 3_600_000;

export const ranges: Readonly<Record<string, { label: string; ms: number }>> = {
  hour: { label: 'Within an hour', ms: hourMs },
  day: { label: 'Within a day', ms: 24 * hourMs },
  week: { label: 'Within a week', ms: 168 * hourMs },
  month: { label: 'Within 30 days', ms: 720 * hourMs },
};

/** The filter that the URL describes: `status`, `kind`, `module`, `tenant`, `since`. */
export function readOperationFilter(list: Pick<ListState, 'list' | 'parameters'>): OperationFilter | null {
  const { parameters } = list;
  const chosen = <Value extends string>(name: string, values: readonly Value[]) => {
    const given = values.filter((value) => list.list(name).includes(value));
    return given.length > 0 ? given : undefined;
  };
  const range = ranges[parameters.get('since') ?? ''];
  const filter: OperationFilter = {
    status: chosen<OperationStatus>('status', statuses),
    kind: chosen<OperationKind>('kind', kinds),
    module: parameters.get('module') || undefined,
    tenant: parameters.get('tenant') || undefined,
    needsAttention: parameters.get('attention') === 'yes' || undefined,
    // To the hour, so that the list is not another one with each reading.
    since: range && new Date((Math.floor(Date.now() / hourMs) - range.ms / hourMs) * hourMs).toISOString(),
  };
  return Object.values(filter).every((value) => value === undefined) ? null : filter;
}
