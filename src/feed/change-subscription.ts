import type { Change, ChangeView } from './change.js';

/**
 * One event for a subscriber: the next change, the news that cached refusals are no longer valid, or the instruction to start
 * anew from a revision.
 */
export type StreamedChange =
  | { kind: 'change'; epoch: string; change: Change }
  | { kind: 'refusals'; epoch: string; revision: bigint; position: number }
  | { kind: 'resync'; epoch: string; revision: bigint };

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
  changesAfter(revision: bigint, upTo: bigint): Promise<readonly Change[]>;
  /** Resolves when the follower may have moved. `cancel` resolves it earlier. */
  sleep(): { woken: Promise<void>; cancel: () => void };
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
  #pending: StreamedChange[] = [];
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
  }

  async next(): Promise<IteratorResult<StreamedChange>> {
    while (!this.#isDone && !this.#log.isClosed()) {
      const ready = this.#pending.shift();
      if (ready) return { value: ready, done: false };
      await this.#fill().catch((error) => {
        // A consumer that gets an error from next() does not call return().
        this.#end();
        throw error;
      });
    }
    this.#end();
    return { value: undefined, done: true };
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
    if (needsResync(from, now)) {
      this.#readUpTo = now;
      this.#pending.push({ kind: 'resync', ...now });
      return;
    }
    this.#readUpTo = from;
    const isWhole = from.position === undefined;
    if (from.revision === now.revision && isWhole) return this.#sleep();
    const upTo = now.revision - from.revision > pageSize ? from.revision + pageSize : now.revision;
    const changes = await this.#log.changesAfter(isWhole ? from.revision : from.revision - 1n, upTo);
    // The follower finds out when the history was replaced during the read; its epoch differs then.
    if (this.#log.position()?.epoch !== from.epoch) return;
    this.#readUpTo = { epoch: from.epoch, revision: upTo };
    for (const change of changes) if (isAfter(change, from)) this.#append(from.epoch, change);
  }

  #append(epoch: string, change: Change): void {
    const seen = this.#view(change);
    if (seen === 'nothing') return;
    if (seen === 'whole') return void this.#pending.push({ kind: 'change', epoch, change });
    // A later event of this kind includes an earlier one.
    if (this.#pending.at(-1)?.kind === 'refusals') this.#pending.pop();
    const { revision, position } = change;
    this.#pending.push({ kind: 'refusals', epoch, revision, position });
  }

  #sleep(): Promise<void> {
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
