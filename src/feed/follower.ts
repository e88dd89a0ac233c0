import {
  apiKeysReference,
  type Change,
  concernsTenants,
  type FeedPage,
  type FeedSource,
  type Position,
} from './change.js';

/** Milliseconds that only go forward; the protocol never looks at the time of day. */
export type Clock = () => number;

export interface FollowerOptions {
  source: FeedSource;
  /** For the lease: never behind real time. */
  clock: Clock;
  /** For waiting until others' leases have ended: never ahead of real time. */
  waitingClock: Clock;
  /** D: how long after the sending of a poll what it found may be treated as current, in milliseconds. */
  stalenessMs: number;
  /** See ReplicaReport.clientsRevision. */
  clientsRevision?: () => bigint | undefined;
  /** Called when the position has moved, with the changes that lead there; without any after a resync. */
  onMoved?: (changes: readonly Change[]) => void;
  /** Called when everything known before counts no more. */
  onResync?: () => void;
}

/** A cached value's claim to be current: the snapshot it was read in. */
export interface ReadPoint {
  epoch: string;
  asOf: bigint;
}

/** How many tenants can have a floor of their own before all of them share one. */
const maxFloors = 100_000;

/**
 * What this replica knows of the change log, and for how long that may be trusted: the core of the promise
 * "never a stale answer after an acknowledged change": floors, base, epoch, lease. It owns no timer and no connection.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #floors = new Map<string, bigint>();
  #position: Position | undefined;
  #base = 0n;
  #lagRevisions = 0;
  #leaseUntil = Number.NEGATIVE_INFINITY;
  #epoch: string | undefined;
  #settlesAt = Number.NEGATIVE_INFINITY;
  #isRegistered = false;
  #isStopped = false;
  #polling: Promise<void> | undefined;
  #pollAgain: Promise<void> | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** How many revisions the last poll found that were not known before. */
  get lagRevisions(): number {
    return this.#lagRevisions;
  }

  get position(): Position | undefined {
    return this.#position;
  }

  /** For how long, in milliseconds, what this replica knows may still be treated as current; 0: not at all. */
  get leaseRemainingMs(): number {
    return Math.max(0, this.#leaseUntil - this.#options.clock());
  }

  /** Whether a value read at that point is still the truth about the tenant (its id or slug, as it was asked for). */
  isCurrent(read: ReadPoint, reference: string): boolean {
    return (
      this.leaseRemainingMs > 0 &&
      read.epoch === this.#position?.epoch &&
      read.asOf >= this.floorOf(reference)
    );
  }

  /** The newest revision that may have changed what is known about a tenant. */
  floorOf(reference: string): bigint {
    const floor = this.#floors.get(reference) ?? 0n;
    return floor > this.#base ? floor : this.#base;
  }

  /**
   * Asks the primary what changed. Resolves when a poll that was sent after this call is done: a poll that is already
   * under way may have been sent too early, so then there is one more after it, for all who asked meanwhile.
   */
  poll(): Promise<void> {
    if (!this.#polling) {
      this.#polling = this.#pollOnce().finally(() => {
        this.#polling = undefined;
      });
      return this.#polling;
    }
    this.#pollAgain ??= this.#polling
      .catch(() => undefined)
      .then(() => {
        this.#pollAgain = undefined;
        return this.poll();
      });
    return this.#pollAgain;
  }

  /**
   * From here on nothing counts as current, and nobody waits for this replica any more. But while clients hold leases from
   * it, who waits for them needs its row, and so do those whose own row was lost with the history before; the row then goes
   * like that of a replica that died.
   */
  async stop(): Promise<void> {
    this.#leaseUntil = Number.NEGATIVE_INFINITY;
    this.#isStopped = true;
    await this.#polling?.catch(() => undefined);
    const { source, waitingClock, clientsRevision } = this.#options;
    const isSettled = waitingClock() >= this.#settlesAt;
    if (this.#isRegistered && this.#epoch !== undefined && isSettled && clientsRevision?.() === undefined)
      await source.unregister(this.#epoch);
  }

  async #pollOnce(): Promise<void> {
    if (this.#isStopped) return;
    const { source, clock, waitingClock, stalenessMs, clientsRevision } = this.#options;
    if (!this.#isRegistered) {
      const epoch = await source.register();
      // Who had a row before another history began has lived through it, even if it had not read a page yet.
      this.#epoch ??= epoch;
      this.#isRegistered = true;
    }
    // The moment of sending: what the answer says was true at some moment after it, however long the answer took.
    const sentAt = clock();
    const page = await source.poll({
      position: this.#position,
      isSettled: waitingClock() >= this.#settlesAt,
      clientsRevision: clientsRevision?.(),
    });
    if (!page.isRegistered) {
      this.#isRegistered = false;
      this.#leaseUntil = Number.NEGATIVE_INFINITY;
      return this.#pollOnce();
    }
    const known = this.#position;
    if (known && !continues(known, page)) {
      this.#forget();
      return this.#pollOnce();
    }
    this.#lagRevisions = Number(page.head.revision - (known?.revision ?? page.head.revision));
    if (known) this.#advance(page);
    else this.#begin(page);
    if (!this.#isStopped) this.#leaseUntil = sentAt + stalenessMs;
    // Acks wait for the report of what was just learned. It goes out with the next poll, so at once; if that one
    // fails, the regular next one carries it.
    if (known?.revision !== page.head.revision) this.poll().catch(() => undefined);
  }

  /** A first page: everything in it as floors, and a base for everything that is older. */
  #begin(page: FeedPage): void {
    // A history that was replaced may have lost the rows of replicas that hold a lease from it. Nobody can wait for
    // those; so whoever lived through it keeps acks waiting until such a lease has ended.
    const { waitingClock, stalenessMs } = this.#options;
    if (this.#epoch !== undefined && this.#epoch !== page.head.epoch)
      this.#settlesAt = waitingClock() + stalenessMs;
    this.#epoch = page.head.epoch;
    this.#floors.clear();
    this.#base = page.since;
    this.#raise(page.changes);
    this.#position = page.head;
    this.#options.onMoved?.([]);
  }

  #advance(page: FeedPage): void {
    this.#raise(page.changes);
    this.#position = page.head;
    if (page.changes.length > 0) this.#options.onMoved?.(page.changes);
  }

  #raise(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind.startsWith('api_key.')) this.#floors.set(apiKeysReference, change.revision);
      if (!concernsTenants(change)) continue;
      // A module's change concerns every tenant.
      if (change.tenantId === null) this.#base = change.revision;
      else this.#floors.set(change.tenantId, change.revision);
      if (change.tenantSlug !== null) this.#floors.set(change.tenantSlug, change.revision);
    }
    const last = changes.at(-1);
    if (this.#floors.size > maxFloors && last) {
      this.#floors.clear();
      this.#base = last.revision;
    }
  }

  /** Another history, a gap, or a head that went back: nothing known before counts. */
  #forget(): void {
    this.#position = undefined;
    this.#leaseUntil = Number.NEGATIVE_INFINITY;
    this.#options.onResync?.();
  }
}

/** Whether the page goes on exactly where the position ends: same history, no gap, chain of hashes unbroken. */
function continues(position: Position, page: FeedPage): boolean {
  if (page.head.epoch !== position.epoch || page.since !== position.revision) return false;
  let { revision, hash } = position;
  for (const change of page.changes) {
    const isNext = change.revision === revision + 1n || (change.revision === revision && change.position > 0);
    if (!isNext || change.previousHash !== hash) return false;
    ({ revision, hash } = change);
  }
  return revision === page.head.revision && hash === page.head.hash;
}
