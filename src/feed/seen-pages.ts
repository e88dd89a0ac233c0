import { LRUCache } from 'lru-cache';
import type { Change, ChangeView } from './change.js';

/**
 * One event for a subscriber: the next change, the news that cached refusals are no longer valid, or the instruction to start
 * anew from a revision.
 */
export type StreamedChange =
  | { kind: 'change'; epoch: string; change: Change }
  | { kind: 'refusals'; epoch: string; revision: bigint; position: number }
  | { kind: 'resync'; epoch: string; revision: bigint };

/** Events that follow each other, for every subscriber that sees the same of the same changes. */
export interface SeenPage {
  /** No other page of this process has it. */
  id: number;
  events: readonly StreamedChange[];
}

/** In events of all kept pages together. */
const maxEvents = 20_000;

const marks = { whole: 'w', refusals: 'r', nothing: '-' } as const;

/** Makes the events of a page once for all subscribers that see the same of it. */
export class SeenPages {
  readonly #pages = new LRUCache<string, SeenPage>({
    maxSize: maxEvents,
    sizeCalculation: ({ events }) => events.length + 1,
  });
  #lastId = 0;

  /**
   * The changes follow each other in the log. The view is asked for each of them and for each subscriber: the page is found by
   * its answers and not by the caller.
   */
  find(epoch: string, changes: readonly Change[], view: ChangeView): SeenPage {
    const [first] = changes;
    const last = changes.at(-1);
    if (!first || !last) return this.make([]);
    let seen = '';
    for (const change of changes) seen += marks[view(change)];
    const key = `${epoch}:${first.revision}/${first.position}-${last.revision}/${last.position} ${seen}`;
    const held = this.#pages.get(key);
    if (held) return held;
    const page = this.make(eventsOf(epoch, changes, seen));
    this.#pages.set(key, page);
    return page;
  }

  make(events: readonly StreamedChange[]): SeenPage {
    return { id: ++this.#lastId, events };
  }
}

function eventsOf(epoch: string, changes: readonly Change[], seen: string): StreamedChange[] {
  const events: StreamedChange[] = [];
  for (const [at, change] of changes.entries()) {
    if (seen[at] === marks.nothing) continue;
    if (seen[at] === marks.whole) {
      events.push({ kind: 'change', epoch, change });
      continue;
    }
    // A later event of this kind includes an earlier one.
    if (events.at(-1)?.kind === 'refusals') events.pop();
    const { revision, position } = change;
    events.push({ kind: 'refusals', epoch, revision, position });
  }
  return events;
}
