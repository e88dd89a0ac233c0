import { useState } from 'react';
import type { TenantFilter } from '../../generated/graphql.js';
import type { Selection } from '../../parts/lists/data-table.js';

/** The tenants of a change of many: those that were ticked, on any page, or all that a filter selects. */
export type Selected = { kind: 'ids'; ids: readonly string[] } | { kind: 'filter'; filter: TenantFilter };

/** Ticks stay while one turns pages; a new filter keeps them, too. */
export function useSelection(filter: TenantFilter | null) {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const [filterKey, setFilterKey] = useState<string>();
  const key = JSON.stringify(filter);
  // All that match are those of the filter that was on the screen.
  const takesFilter = filterKey === key;
  const selection: Selection = {
    has: (id) => takesFilter || ids.has(id),
    toggle(changed, isSelected) {
      setFilterKey(undefined);
      setIds((previous) => {
        const next = new Set(previous);
        for (const id of changed)
          if (isSelected) next.add(id);
          else next.delete(id);
        return next;
      });
    },
  };
  const selected: Selected | undefined = takesFilter
    ? { kind: 'filter', filter: filter ?? {} }
    : ids.size > 0
      ? { kind: 'ids', ids: [...ids] }
      : undefined;
  return {
    selection,
    selected,
    selectAllMatching: () => setFilterKey(key),
    clear() {
      setIds(new Set());
      setFilterKey(undefined);
    },
  };
}
