import type { Change, ChangeView } from './change.js';
import type { Sleep } from './rounds.js';
import type { SeenPage, SeenPages, StreamedChange } from './seen-pages.js';

/** How far a subscriber has read. Without `position` it has read the whole revision, otherwise up to that entry. */
export interface ReadUpTo {
  epoch: string;
  revision: bigint;
  position?: number | undefined;
}

/** The change log as a subscription reads it. */
export interface SubscribedLog {
  /** The follower's position; undefined before its first page. */
  position(): { epoch: string; revision: bigint } | undefined;
  changesAfter(revision: bigint, upTo: bigint): Promise<readonly Change[] | undefined>;
  /** Sleeps until the next round, in which the follower may have moved. `cancel` ends the sleep earlier. */
  sleep(): Sleep;
  /** Asks for a round although the follower has not moved. */
  requestRound(): void;
  turn(): Promise<void>;
  pages: SeenPages;
  isClosed(): boolean;
}

/** How many revisions are read at a time. */
const pageSize = 500n;

/** A subscriber further behind than this gets a resync: catching up would take longer. */
const maxBehind = 100_000n;

/**
 * The changes for one subscriber. It is not an async generator: the return() of a generator waits for the change that
 * next() waits for, and leaks until that change comes.
 */
export class ChangeSubscription implements AsyncIterableIterator<StreamedChange> {
  readonly #log: SubscribedLog;
  readonly #view: ChangeView;
  readonly #onEnd: (subscription: ChangeSubscription) => void;
  #readUpTo: ReadUpTo | undefined;
  /** The page that was read since the last rest: one up to the follower's position, or a full one with more behind it. */
  #lastPage: 'last' | 'full' | undefined;
  #page: SeenPage;
  /** Index of the next event in the page. */
  #at = 0;
  #isDone = false;
  #cancelSleep: (() => void) | undefined;

  /** Starts after `since`, or at the follower's current position. */
  constructor(
    log: SubscribedLog,
    { since, view }: { since: ReadUpTo | undefined; view: ChangeView },
    onEnd: (subscription: ChangeSubscription) => void,
  ) {
    this.#log = log;
    this.#view = view;
    this.#onEnd = onEnd;
    this.#readUpTo = since ?? log.position();
    this.#page = log.pages.make([]);
  }

  async next(): Promise<IteratorResult<StreamedChange>> {
    while (!this.#isDone && !this.#log.isClosed()) {
      const ready = this.#page.events[this.#at];
      if (ready) {
        this.#at++;
        return { value: ready, done: false };
      }
      await this.#fill().catch((error) => {
        // A consumer that gets an error from next() does not call return().
        this.#end();
        throw error;
      });
    }
    this.#end();
    return { value: undefined, done: true };
  }

  /** The events after the one that next() has returned, as far as they are in memory: those of the page from `at`. */
  get rest(): { page: SeenPage; at: number } {
    return { page: this.#page, at: this.#at };
  }

  /** Goes on with a later event of the page. */
  skipTo(at: number): void {
    this.#at = at;
  }

  async return(): Promise<IteratorResult<StreamedChange>> {
    this.#end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async #fill(): Promise<void> {
    const now = this.#log.position();
    if (!now) return this.#sleep();
    const from: ReadUpTo = this.#readUpTo ?? now;
    if (needsResync(from, now)) return this.#resync(now);
    this.#readUpTo = from;
    const isWhole = from.position === undefined;
    if (from.revision === now.revision && isWhole) return this.#sleep();
    if (this.#lastPage) return this.#rest(this.#lastPage);
    const upTo = now.revision - from.revision > pageSize ? from.revision + pageSize : now.revision;
    const changes = await this.#log.changesAfter(isWhole ? from.revision : from.revision - 1n, upTo);
    // The follower finds out when the history was replaced during the read; its epoch differs then.
    if (this.#log.position()?.epoch !== from.epoch) return;
    if (!changes) return this.#resync(now);
    this.#readUpTo = { epoch: from.epoch, revision: upTo };
    this.#lastPage = upTo === now.revision ? 'last' : 'full';
    const unread = isWhole ? changes : changes.filter((change) => isAfter(change, from));
    this.#turnTo(this.#log.pages.find(from.epoch, unread, this.#view));
  }

  /** The subscriber reads everything again: the log does not have what it has missed. */
  #resync(now: { epoch: string; revision: bigint }): void {
    this.#readUpTo = now;
    this.#turnTo(this.#log.pages.make([{ kind: 'resync', epoch: now.epoch, revision: now.revision }]));
  }

  #turnTo(page: SeenPage): void {
    this.#page = page;
    this.#at = 0;
  }

  /** A subscriber that is up to date reads once in a round; one that is behind reads on, in turns with the others. */
  #rest(lastPage: 'last' | 'full'): Promise<void> {
    if (lastPage === 'last') {
      // The follower may have moved since the last round woke this subscriber.
      this.#log.requestRound();
      return this.#sleep();
    }
    this.#lastPage = undefined;
    return this.#log.turn();
  }

  #sleep(): Promise<void> {
    this.#lastPage = undefined;
    const { woken, cancel } = this.#log.sleep();
    this.#cancelSleep = cancel;
    return woken;
  }

  #end(): void {
    this.#isDone = true;
    this.#onEnd(this);
    this.#cancelSleep?.();
  }
}

function needsResync(from: ReadUpTo, now: { epoch: string; revision: bigint }): boolean {
  return from.epoch !== now.epoch || from.revision > now.revision || now.revision - from.revision > maxBehind;
}

function isAfter(change: Change, { revision, position }: ReadUpTo): boolean {
  return change.revision > revision || (position !== undefined && change.position > position);
}
