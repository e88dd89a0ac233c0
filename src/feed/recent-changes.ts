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
      return kept.filter(({ revision }) => revision > after && revision <= upTo);
    },
  };
}
