import {
  apiKeysReference,
  type Change,
  concernsTenants,
  type FeedPage,
  type FeedSource,
  membersReference,
  type Position,
} from './change.js';
import { type Clock, type Moment, momentOf } from './clock.js';
import type { Standbys } from './standbys.js';

export interface FollowerOptions {
  source: FeedSource;
  /** The clock of the lease: never behind real time. */
  clock: Clock;
  /** The clock for waiting until leases of others have ended: never ahead of real time. */
  waitingClock: Clock;
  /** The staleness bound: how long after the sending of a poll its result counts as current, in milliseconds. */
  stalenessMs: number;
  /** The standbys without which there is no lease. Default: none are asked for. */
  standbys?: Standbys | undefined;
  /** Called after each step of the protocol, for a log that can be replayed. */
  onStep?: ((step: Step) => void) | undefined;
  /** See ReplicaReport.clientsRevision. */
  clientsRevision?: () => bigint | undefined;
  /** Called before a poll that follows another one. Callers that ask for a poll during the pause share that poll. Default: no pause. */
  pause?: () => Promise<void>;
  /**
   * Called when the position has moved, with the changes since the last position; with an empty list after a resync.
   */
  onMoved?: (changes: readonly Change[]) => void;
  /** Called when everything known before is no longer valid. */
  onResync?: () => void;
}

/** The snapshot in which a cached value was read. */
export interface ReadPoint {
  epoch: string;
  asOf: bigint;
}

/** A step of this replica, with what it knows after it. */
export interface Step {
  step: 'register' | 'poll' | 'losePoll' | 'noRow' | 'resync' | 'begin' | 'advance' | 'stop';
  position: Position | undefined;
  base: bigint;
  /** The moment of the step, on the clock for waiting: that of the lease jumps when somebody moves the time of day. */
  at: number;
  /** What is left of the lease at that moment, in milliseconds. */
  leaseMs: number;
  isSettled: boolean;
  /** The epoch that it follows or followed last. */
  epoch: string | undefined;
  page?: FeedPage;
}

/** How many tenants can have their own floor before all of them share one. */
const maxFloors = 100_000;

/**
 * This replica's knowledge of the change log, with the time for which it is valid. It is the core of the promise "never
 * a stale answer after an acknowledged change": floors, base, epoch, lease. It owns no timer and no connection.
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

  /** How many new revisions the last poll found. */
  get lagRevisions(): number {
    return this.#lagRevisions;
  }

  get position(): Position | undefined {
    return this.#position;
  }

  /** How long this replica's knowledge still counts as current, in milliseconds; 0 when it does not. */
  get leaseRemainingMs(): number {
    return Math.max(0, this.#leaseUntil - this.#options.clock());
  }

  /** Why nothing may be answered, whatever is asked: standbys are required, and there is no lease. Undefined: nothing prevents it. */
  get refusal(): string | undefined {
    const { standbys, stalenessMs } = this.#options;
    if (!standbys || this.leaseRemainingMs > 0) return undefined;
    return (
      standbys.lack ??
      `The change log of the registry was not read for longer than STALENESS_BOUND_MS (${stalenessMs} ms), so nobody knows whether its ` +
        'primary is still the one that standbys follow (REQUIRE_SYNC_STANDBYS): ask another gateway, or again in a moment'
    );
  }

  /** Whether a value read at that point is still valid for the tenant, which is given by the reference of the request. */
  isCurrent(read: ReadPoint, reference: string): boolean {
    return (
      this.leaseRemainingMs > 0 &&
      read.epoch === this.#position?.epoch &&
      read.asOf >= this.floorOf(reference)
    );
  }

  /** The newest revision that may have changed the tenant's data. */
  floorOf(reference: string): bigint {
    const floor = this.#floors.get(reference) ?? 0n;
    return floor > this.#base ? floor : this.#base;
  }

  /**
   * Polls the primary for changes. Resolves after a poll that was sent after this call: a running poll may have been
   * sent too early, so one more follows it for all callers meanwhile.
   */
  poll(): Promise<void> {
    if (this.#pollAgain) return this.#pollAgain;
    if (!this.#polling) return this.#beginPoll();
    this.#pollAgain = this.#polling
      .catch(() => undefined)
      .then(this.#options.pause)
      .then(() => {
        this.#pollAgain = undefined;
        return this.#beginPoll();
      });
    return this.#pollAgain;
  }

  #beginPoll(): Promise<void> {
    this.#polling = this.#pollOnce().finally(() => {
      this.#polling = undefined;
    });
    return this.#polling;
  }

  /**
   * Ends the lease and removes the row, so that mutations no longer wait for this replica. While clients have leases
   * from it, or while it must cover for rows that were lost with an earlier history, the row stays and is removed like
   * that of a crashed replica.
   */
  async stop(): Promise<void> {
    this.#leaseUntil = Number.NEGATIVE_INFINITY;
    this.#isStopped = true;
    await this.#polling?.catch(() => undefined);
    const { source, waitingClock, clientsRevision } = this.#options;
    const isSettled = waitingClock() >= this.#settlesAt;
    if (this.#isRegistered && this.#epoch !== undefined && isSettled && clientsRevision?.() === undefined) {
      await source.unregister(this.#epoch);
      this.#say('stop', momentOf(this.#options));
    }
  }

  async #pollOnce(): Promise<void> {
    if (this.#isStopped) return;
    const { source, clientsRevision, standbys } = this.#options;
    if (!this.#isRegistered) {
      const epoch = await source.register();
      // A replica with a row from before another history began has seen that history, even if it had not read a page
      // yet.
      this.#epoch ??= epoch;
      this.#isRegistered = true;
      this.#say('register', momentOf(this.#options));
    }
    // The time of sending: the answer was true at some moment after it, however long it took.
    const sent = momentOf(this.#options);
    this.#say('poll', sent);
    const asked = source.poll({
      position: this.#position,
      isSettled: sent.waiting >= this.#settlesAt,
      clientsRevision: clientsRevision?.(),
      mark: standbys?.mark,
    });
    asked.catch(() => this.#say('losePoll', momentOf(this.#options)));
    const page = await asked;
    const answered = momentOf(this.#options);
    if (!page.isRegistered) {
      this.#isRegistered = false;
      this.#leaseUntil = Number.NEGATIVE_INFINITY;
      this.#say('noRow', answered, page);
      return this.#pollOnce();
    }
    const known = this.#position;
    if (known && !continues(known, page)) {
      this.#forget();
      this.#say('resync', answered, page);
      return this.#pollOnce();
    }
    this.#lagRevisions = Number(page.head.revision - (known?.revision ?? page.head.revision));
    if (known) this.#advance(page);
    else this.#begin(page, answered);
    this.#extendLease(page, sent.trusted);
    this.#say(known ? 'advance' : 'begin', answered, page);
    // Mutations wait for the report of the new position. It goes out with the next poll, so that one is sent at once;
    // if it fails, the regular next poll carries it.
    if (known?.revision !== page.head.revision) this.poll().catch(() => undefined);
  }

  /** A poll was sent at that moment; where standbys are required, the lease counts from the last moment at which they followed. */
  #extendLease({ standbys: report }: FeedPage, sentAt: number): void {
    const { standbys, stalenessMs } = this.#options;
    const provenAt = standbys ? report && standbys.take(report, sentAt) : sentAt;
    if (!this.#isStopped && provenAt !== undefined) this.#leaseUntil = provenAt + stalenessMs;
  }

  #say(step: Step['step'], { waiting, trusted }: Moment, page?: FeedPage): void {
    this.#options.onStep?.({
      ...{ step, at: waiting },
      position: this.#position,
      base: this.#base,
      leaseMs: Math.max(0, this.#leaseUntil - trusted),
      isSettled: this.#settlesAt <= waiting,
      epoch: this.#epoch,
      ...(page && { page }),
    });
  }

  /** Takes a first page: its changes become floors, and the base covers everything older. */
  #begin(page: FeedPage, answered: Moment): void {
    // A replaced history may have lost the rows of replicas that still hold a lease from it, and mutations cannot wait
    // for those. So every replica that has seen that history makes mutations wait until such a lease has ended.
    if (this.#epoch !== undefined && this.#epoch !== page.head.epoch)
      this.#settlesAt = answered.waiting + this.#options.stalenessMs;
    this.#epoch = page.head.epoch;
    this.#floors.clear();
    // Entries that were pruned are unknown: the base covers them.
    const first = page.changes[0];
    this.#base = first ? first.revision - 1n : page.head.revision;
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
      if (change.kind.startsWith('member.')) this.#floors.set(membersReference, change.revision);
      if (!concernsTenants(change)) continue;
      // The change of a module affects every tenant.
      if (change.tenantId === null) this.#base = change.revision;
      else this.#floors.set(change.tenantId, change.revision);
      if (change.tenantSlug !== null) this.#floors.set(change.tenantSlug, change.revision);
      for (const externalId of change.externalIds) this.#floors.set(externalId, change.revision);
    }
    const last = changes.at(-1);
    if (this.#floors.size > maxFloors && last) {
      this.#floors.clear();
      this.#base = last.revision;
    }
  }

  /** Another history, a gap, or a head that went back: nothing known before is valid. */
  #forget(): void {
    this.#position = undefined;
    this.#leaseUntil = Number.NEGATIVE_INFINITY;
    this.#options.standbys?.forget();
    this.#options.onResync?.();
  }
}

/** Whether the page continues exactly at the position: same history, no gap, unbroken hash chain. */
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
