import { type Change, concernsTenants } from './change.js';

/** What a subscriber gets: each change in order, or word that it has to start anew. */
type StreamedChange =
  | { kind: 'change'; epoch: string; change: Change }
  | { kind: 'resync'; epoch: string; revision: bigint };

/** Where a subscriber was. Without a position it has heard all of that revision, otherwise up to there. */
interface Heard {
  epoch: string;
  revision: bigint;
  position?: number | undefined;
}

export interface ChangeStreamOptions {
  /** Where the follower stands; the stream never runs ahead of it. */
  position: () => { epoch: string; revision: bigint } | undefined;
  /** Changes after a revision up to another, in order, whole revisions only. Rejects when the log is of another epoch. */
  read: (epoch: string, after: bigint, upTo: bigint) => Promise<readonly Change[]>;
}

export interface ChangeStream {
  /** Changes after a point, or from now on. Ends with return(), or when the stream closes. */
  subscribe(since: Heard | undefined): AsyncIterableIterator<StreamedChange>;
  /** The follower has moved: by these changes, or by a resync when there are none. */
  moved(changes: readonly Change[]): void;
  /** Changes from the memory of this process or the log, for those who ask instead of subscribing. */
  changesAfter(revision: bigint, upTo: bigint): Promise<readonly Change[]>;
  /** Ends every subscription. */
  close(): void;
  readonly subscribers: number;
}

/** How many revisions are read at a time. */
const pageSize = 500n;

/** Who is further behind than this is told to start anew: catching up would take longer. */
const maxBehind = 100_000n;

/**
 * Changes for subscribers, in order and without a gap. Nothing is queued for anybody: each subscriber pulls from the
 * log at its own pace, so a slow one costs nothing but its own delay.
 */
export function openChangeStream({ position, read }: ChangeStreamOptions): ChangeStream {
  const recent = createRecentChanges();
  const sleepers = new Set<() => void>();
  const open = new Set<Subscription>();
  let isClosed = false;

  class Subscription implements AsyncIterableIterator<StreamedChange> {
    #at: Heard | undefined;
    #pending: StreamedChange[] = [];
    #isDone = false;
    #wake: (() => void) | undefined;

    constructor(since: Heard | undefined) {
      this.#at = since ?? position();
      open.add(this);
    }

    async next(): Promise<IteratorResult<StreamedChange>> {
      while (!this.#isDone && !isClosed) {
        const ready = this.#pending.shift();
        if (ready) return { value: ready, done: false };
        await this.#fill().catch((error) => {
          // Who is told of a failure does not come back to end it.
          this.#end();
          throw error;
        });
      }
      this.#end();
      return { value: undefined, done: true };
    }

    // Not an async generator: its return() would wait for the change that next() waits for, and leak until then.
    async return(): Promise<IteratorResult<StreamedChange>> {
      this.#end();
      return { value: undefined, done: true };
    }

    [Symbol.asyncIterator]() {
      return this;
    }

    async #fill(): Promise<void> {
      const now = position();
      if (!now) return this.#sleep();
      const at: Heard = this.#at ?? now;
      if (at.epoch !== now.epoch || at.revision > now.revision || now.revision - at.revision > maxBehind) {
        this.#at = now;
        this.#pending.push({ kind: 'resync', ...now });
        return;
      }
      this.#at = at;
      const isWhole = at.position === undefined;
      if (at.revision === now.revision && isWhole) return this.#sleep();
      const upTo = now.revision - at.revision > pageSize ? at.revision + pageSize : now.revision;
      const changes = await changesAfter(isWhole ? at.revision : at.revision - 1n, upTo);
      // A history that was replaced while it was read is found out by the follower; its epoch then differs here.
      if (position()?.epoch !== at.epoch) return;
      this.#at = { epoch: at.epoch, revision: upTo };
      for (const change of changes)
        if (isAfter(change, at)) this.#pending.push({ kind: 'change', epoch: at.epoch, change });
    }

    #sleep(): Promise<void> {
      return new Promise((resolve) => {
        this.#wake = () => {
          sleepers.delete(this.#wake as () => void);
          resolve();
        };
        sleepers.add(this.#wake);
      });
    }

    #end(): void {
      this.#isDone = true;
      open.delete(this);
      this.#wake?.();
    }
  }

  const wake = () => {
    for (const sleeper of [...sleepers]) sleeper();
  };
  async function changesAfter(revision: bigint, upTo: bigint): Promise<readonly Change[]> {
    // The follower may not have noticed yet that the log was replaced: then these are not the changes that were meant.
    const epoch = position()?.epoch ?? '';
    const changes = recent.find(revision, upTo) ?? (await read(epoch, revision, upTo));
    return changes.filter(concernsTenants);
  }

  return {
    changesAfter,
    moved(changes) {
      recent.append(changes);
      wake();
    },
    subscribe: (since) => new Subscription(since),
    close() {
      isClosed = true;
      wake();
    },
    get subscribers() {
      return open.size;
    },
  };
}

function isAfter(change: Change, { revision, position }: Heard): boolean {
  return change.revision > revision || (position !== undefined && change.position > position);
}

/** How many changes are kept for subscribers that are nearly up to date. */
const maxRecent = 5_000;

/** The last changes, so that many subscribers do not read each change from the database once each. */
function createRecentChanges() {
  let kept: Change[] = [];
  return {
    /** Changes that follow those kept; none: another history begins. */
    append(changes: readonly Change[]) {
      kept = changes.length === 0 ? [] : [...kept, ...changes].slice(-maxRecent);
    },
    /** undefined when they are not all here. */
    find(after: bigint, upTo: bigint): Change[] | undefined {
      // The oldest revision may have lost entries of its own.
      const oldest = kept[0]?.revision;
      if (oldest === undefined || after < oldest) return undefined;
      return kept.filter(({ revision }) => revision > after && revision <= upTo);
    },
  };
}
