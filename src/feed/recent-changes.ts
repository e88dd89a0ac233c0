import type { Change } from './change.js';

/** How many changes are kept for subscribers that are nearly up to date. */
const maxRecent = 5_000;

/** The last changes in memory, so that many subscribers do not each read every change from the database. */
export function createRecentChanges() {
  let kept: Change[] = [];
  return {
    /** Adds changes that follow the kept ones. An empty list means that another history begins. */
    append(changes: readonly Change[]) {
      kept = changes.length === 0 ? [] : [...kept, ...changes].slice(-maxRecent);
    },
    /** Returns undefined when some of the requested changes are not in memory. */
    find(after: bigint, upTo: bigint): Change[] | undefined {
      // The oldest kept revision may have lost some of its own entries, so it does not count as complete.
      const oldest = kept[0]?.revision;
      if (oldest === undefined || after < oldest) return undefined;
      return kept.slice(firstAfter(kept, after), firstAfter(kept, upTo));
    },
  };
}

/** Index of the first change of a later revision. Halves the list: each subscriber asks for each round. */
function firstAfter(changes: readonly Change[], revision: bigint): number {
  let low = 0;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((changes[middle] as Change).revision > revision) high = middle;
    else low = middle + 1;
  }
  return low;
}
