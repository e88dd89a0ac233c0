import { type Ageing, BoundedMap } from './bounded-map.js';
import type { Clock } from './clock.js';
import { type Finding, formatRevision, isRoute, type Resolution, readRevision } from './route.js';

/** What counts no more: a tenant, or everything when it names none. */
export interface TenantChange {
  readonly tenantId: string | null;
  readonly tenantSlug: string | null;
  readonly module: string | null;
}

/** The gateway's answer to a renewal. */
export interface LeaseAnswer {
  revision: string | null;
  /** From the moment the request was sent, in milliseconds. */
  leaseRemainingMs: number;
  /** After what this client has; null: everything counts no more. */
  changed: readonly TenantChange[] | null;
}

export interface KnowledgeOptions {
  clock: Clock;
  module: string;
  maxTenants: number;
  onChange?: (change: TenantChange) => void;
}

interface Entry extends Ageing, Finding {
  /** Number of the revision at which it was so. */
  readonly asOf: number;
  readonly era: number;
}

/** Somebody who makes up ids must not push routes out. */
const refusalsPerRoute = 0.1;

/** How many tenants can have a floor of their own before all share one. */
const maxFloors = 10_000;

/** For how long the word of a gateway that still follows a replaced history is not taken. Longer than any lease. */
const distrustMs = 60_000;

/**
 * What this client knows and for how long it may trust that: entries, floors, position, lease. It owns no timer and no
 * connection. The position is how far the client knows the registry's changes; an entry is current while the lease lasts if
 * no change after the entry's own revision is known to have touched its tenant.
 */
export class Knowledge {
  readonly #options: KnowledgeOptions;
  readonly #routes: BoundedMap<Entry>;
  readonly #refusals: BoundedMap<Entry>;
  #epoch: string | undefined;
  #position: number | undefined;
  #leaseUntil = Number.NEGATIVE_INFINITY;
  /** Counts how often everything ceased to count. */
  #era = 0;
  #isEraEmpty = true;
  /** Until when what was learned in the era before counted. */
  #formerlyUntil = Number.NEGATIVE_INFINITY;
  /** The newest revision known to have touched a tenant, by id and by slug, and one for all that are not in it. */
  readonly #floors = new Map<string, number>();
  #commonFloor = 0;
  #highestFloor = 0;
  readonly #leftEpochs = new Map<string, number>();

  constructor(options: KnowledgeOptions) {
    this.#options = options;
    this.#routes = new BoundedMap(options.maxTenants);
    this.#refusals = new BoundedMap(Math.ceil(options.maxTenants * refusalsPerRoute));
  }

  /** Up to which revision the registry's changes are known; undefined: of none. */
  get position(): string | undefined {
    if (this.#epoch === undefined || this.#position === undefined) return undefined;
    return formatRevision({ epoch: this.#epoch, number: this.#position });
  }

  get leaseRemainingMs(): number {
    return Math.max(0, this.#leaseUntil - this.#options.clock());
  }

  /** How many tenants are held, current or not. */
  get size(): number {
    return this.#routes.size + this.#refusals.size;
  }

  /** What is known of a tenant, by id or slug, and current. */
  find(reference: string): Finding | undefined {
    const entry = this.#routes.get(reference) ?? this.#refusals.get(reference);
    if (entry?.era !== this.#era || this.#options.clock() >= this.#leaseUntil) return undefined;
    return entry;
  }

  /** What was known last, if that is no longer ago than so many milliseconds; no change of it was heard of since. */
  findStale(reference: string, maxStaleMs: number): Resolution | undefined {
    const entry = this.#routes.get(reference) ?? this.#refusals.get(reference);
    if (!entry || entry.era < this.#era - 1) return undefined;
    const knownUntil = entry.era === this.#era ? this.#leaseUntil : this.#formerlyUntil;
    return this.#options.clock() < knownUntil + maxStaleMs ? entry.resolution : undefined;
  }

  /** The revision that an answer about these tenants must reach, so that it knows what this client knows of them. */
  floorOf(references: Iterable<string>): string | undefined {
    if (this.#epoch === undefined) return undefined;
    let number = this.#commonFloor;
    for (const reference of references) number = Math.max(number, this.#floors.get(reference) ?? 0);
    return formatRevision({ epoch: this.#epoch, number });
  }

  /**
   * An answer has come. "overtaken": it does not know of a change that this client knows of, so it counts for nobody.
   * "unproven": it counts for those who asked before it was sent for, and is not kept.
   */
  learn(reference: string, answer: Finding & { revision: string }): 'kept' | 'unproven' | 'overtaken' {
    const { epoch, number } = readRevision(answer.revision);
    if (epoch !== this.#epoch) {
      if (this.#hasLeft(epoch)) return 'overtaken';
      this.#beginEpoch(epoch);
    }
    if (number < (this.#floors.get(reference) ?? this.#commonFloor)) return 'overtaken';
    // It may know more than this client; who asks again, of another gateway perhaps, is to hear nothing older.
    if (number > (this.#position ?? 0)) this.#raiseFloor(reference, number);
    if (this.#position === undefined) return 'unproven';
    const { resolution, config } = answer;
    const entry = { resolution, config, asOf: number, era: this.#era, touchedAt: 0 };
    const [to, other] = isRoute(resolution) ? [this.#routes, this.#refusals] : [this.#refusals, this.#routes];
    other.delete(reference);
    // One text instead of two that are alike.
    to.set(isRoute(resolution) && resolution.tenantId === reference ? resolution.tenantId : reference, entry);
    this.#isEraEmpty = false;
    return 'kept';
  }

  /**
   * A renewal was answered; `has` is the position that was sent with it, and when. "behind": by a gateway that knows less
   * than this client; "unleased": by one that may trust nothing itself. Both renew nothing.
   */
  renew(
    answer: LeaseAnswer,
    sent: { at: number; has: string | undefined },
  ): 'renewed' | 'behind' | 'unleased' {
    if (answer.revision === null) return 'unleased';
    const { epoch, number } = readRevision(answer.revision);
    if (epoch !== this.#epoch) {
      if (this.#hasLeft(epoch)) return 'behind';
      this.#beginEpoch(epoch);
    }
    if (this.#position !== undefined && number < this.#position) return 'behind';
    const leaseUntil = sent.at + answer.leaseRemainingMs;
    if (answer.changed === null || this.#position === undefined || sent.has !== this.position) {
      this.#startOver(number);
      this.#leaseUntil = leaseUntil;
    } else {
      for (const change of answer.changed) this.#touch(change, number);
      // The one before was given for what is known since then, too.
      this.#leaseUntil = Math.max(this.#leaseUntil, leaseUntil);
    }
    this.#position = number;
    return answer.leaseRemainingMs > 0 ? 'renewed' : 'unleased';
  }

  /** Word of a change that may not have been renewed over yet. Whether it is news. */
  hear(change: TenantChange, revision: string): boolean {
    const { epoch, number } = readRevision(revision);
    if (epoch !== this.#epoch) return true;
    if (number <= (this.#position ?? 0)) return false;
    this.#touch(change, number);
    return true;
  }

  /** What is known of a tenant has proved wrong. */
  forget(reference: string): void {
    this.#routes.delete(reference);
    this.#refusals.delete(reference);
  }

  #touch(change: TenantChange, number: number): void {
    const { tenantId, tenantSlug, module } = change;
    if (tenantId === null || tenantSlug === null) {
      if (tenantId === null && module !== null && module !== this.#options.module) return;
      this.#startOver(number);
      return;
    }
    for (const reference of [tenantId, tenantSlug]) {
      this.#raiseFloor(reference, number);
      for (const entries of [this.#routes, this.#refusals])
        if ((entries.peek(reference)?.asOf ?? number) < number) entries.delete(reference);
    }
    this.#options.onChange?.(change);
  }

  /** Everything known before counts no more, and nothing older than this revision does. */
  #startOver(number: number): void {
    this.#floors.clear();
    this.#commonFloor = Math.max(number, this.#highestFloor);
    this.#highestFloor = this.#commonFloor;
    if (this.#isEraEmpty) return;
    this.#era++;
    this.#isEraEmpty = true;
    this.#formerlyUntil = Math.min(this.#leaseUntil, this.#options.clock());
    this.#options.onChange?.({ tenantId: null, tenantSlug: null, module: null });
  }

  #beginEpoch(epoch: string): void {
    if (this.#epoch !== undefined) this.#leftEpochs.set(this.#epoch, this.#options.clock());
    this.#epoch = epoch;
    this.#position = undefined;
    this.#highestFloor = 0;
    this.#startOver(0);
    this.#leaseUntil = Number.NEGATIVE_INFINITY;
  }

  /** A history may come back after all, when whoever replaced it thinks better of it. */
  #hasLeft(epoch: string): boolean {
    const now = this.#options.clock();
    for (const [left, at] of this.#leftEpochs) if (now - at > distrustMs) this.#leftEpochs.delete(left);
    return this.#leftEpochs.has(epoch);
  }

  #raiseFloor(reference: string, number: number): void {
    this.#highestFloor = Math.max(this.#highestFloor, number);
    const floor = Math.max(number, this.#floors.get(reference) ?? this.#commonFloor);
    this.#floors.set(reference, floor);
    if (this.#floors.size <= maxFloors) return;
    this.#floors.clear();
    this.#commonFloor = this.#highestFloor;
  }
}
