import type { ApiKeyFilter } from '../generated/graphql.js';
import { keyWarningDays } from '../generated/registry-facts.js';
import type { ListState } from '../parts/lists/list-state.js';

const hourMs = 3_600_000;

/** A key that expires before this moment expires soon. To the hour, so that a list is not another one with each reading. */
export function endOfSoon(): Date {
  return new Date((Math.ceil(Date.now() / hourMs) + keyWarningDays * 24) * hourMs);
}

/** The keys that somebody has to rotate. */
export const expiringKeys = (): ApiKeyFilter => ({
  isActive: true,
  expiresBefore: endOfSoon().toISOString(),
});

export const filters: Readonly<Record<string, { label: string; filter: () => ApiKeyFilter }>> = {
  active: { label: 'Active', filter: () => ({ isActive: true }) },
  soon: { label: `Expire within ${keyWarningDays} days`, filter: expiringKeys },
  ended: { label: 'Revoked or expired', filter: () => ({ isActive: false }) },
};

/** The filter that the URL describes: `status`. */
export function readKeyFilter({ parameters }: Pick<ListState, 'parameters'>): ApiKeyFilter | null {
  return filters[parameters.get('status') ?? '']?.filter() ?? null;
}
