import { type Change, type ChangeView, concernsTenants } from './change.js';
import { ChangeSubscription, type ReadUpTo, type SubscribedLog } from './change-subscription.js';
import { createRecentChanges } from './recent-changes.js';
import { Rounds } from './rounds.js';
import { SeenPages } from './seen-pages.js';
import { Turns } from './turns.js';

export interface ChangeStreamOptions {
  /** The follower's position. The stream never runs ahead of it. */
  position: () => { epoch: string; revision: bigint } | undefined;
  /** Reads the changes after a revision up to another, in order, whole revisions only; undefined when some were pruned. Rejects when the log is of another epoch. */
  read: (epoch: string, after: bigint, upTo: bigint) => Promise<readonly Change[] | undefined>;
}

export interface ChangeStream {
  /**
   * Changes after a point, or from now on, as far as the subscriber may see them. The iterator ends with return(), or when
   * the stream closes.
   */
  subscribe(since: ReadUpTo | undefined, view: ChangeView): ChangeSubscription;
  /** Announces that the follower moved: by these changes, or by a resync when the list is empty. */
  moved(changes: readonly Change[]): void;
  /** Changes from the memory of this process or from the log, for callers that poll instead of subscribing; undefined when some were pruned. */
  changesAfter(revision: bigint, upTo: bigint): Promise<readonly Change[] | undefined>;
  /** Resolves when it is the turn of one more piece of work for a stream. */
  turn(): Promise<void>;
  /** Ends every subscription. */
  close(): void;
  readonly subscribers: number;
}

/**
 * Opens the stream of changes for subscribers, in order and without a gap. Nothing is queued for a subscriber: each one
 * pulls from the log at its own pace, so a slow one delays only itself. All of them together work in turns, so that other
 * requests are answered between them.
 */
export function openChangeStream({ position, read }: ChangeStreamOptions): ChangeStream {
  const recent = createRecentChanges();
  const turns = new Turns();
  const rounds = new Rounds(turns);
  const open = new Set<ChangeSubscription>();
  let isClosed = false;

  async function changesAfter(revision: bigint, upTo: bigint): Promise<readonly Change[] | undefined> {
    // The epoch goes with the read: the log may be replaced before the follower notices it, and its changes would be wrong.
    const epoch = position()?.epoch ?? '';
    const changes = recent.find(revision, upTo) ?? (await read(epoch, revision, upTo));
    return changes?.filter(concernsTenants);
  }

  const turn = () => turns.take();
  const log: SubscribedLog = {
    position,
    changesAfter,
    turn,
    pages: new SeenPages(),
    sleep: () => rounds.sleep(),
    requestRound: () => rounds.request(),
    isClosed: () => isClosed,
  };
  return {
    changesAfter,
    turn,
    moved(changes) {
      recent.append(changes);
      rounds.request();
    },
    subscribe(since, view) {
      const subscription = new ChangeSubscription(log, { since, view }, (ended) => open.delete(ended));
      open.add(subscription);
      return subscription;
    },
    close() {
      isClosed = true;
      rounds.wakeAll();
    },
    get subscribers() {
      return open.size;
    },
  };
}
