import { type Ageing, BoundedMap } from './bounded-map.js';
import type { Clock } from './clock.js';
import { type Finding, formatRevision, isRoute, type Resolution, readRevision } from './route.js';

/** An invalidation: of one tenant, or of everything when it names no tenant, or of all refusals. */
export interface TenantChange {
  readonly tenantId: string | null;
  readonly tenantSlug: string | null;
  /** External ids that the tenant has or had. */
  readonly externalIds: readonly string[];
  readonly module: string | null;
  /** A tenant changed that has no subscription to the module, so only refusals can be wrong. */
  readonly refusalsOnly?: boolean;
}

/** The gateway's response to a renewal. */
export interface LeaseAnswer {
  revision: string | null;
  /** Milliseconds from the moment the request was sent. */
  leaseRemainingMs: number;
  /** The changes after the client's position; null invalidates everything. */
  changed: readonly TenantChange[] | null;
}

export interface KnowledgeOptions {
  clock: Clock;
  module: string;
  maxTenants: number;
  onChange?: (change: TenantChange) => void;
}

interface CachedResolution extends Ageing, Finding {
  /** Number of the revision at which the entry was read. */
  readonly asOf: number;
  readonly era: number;
}

/** Refusals have a small map of their own, so that a client that invents ids cannot displace routes. */
const refusalsPerRoute = 0.1;

/** How many tenants have a floor of their own before all share one. */
const maxFloors = 10_000;

/** How long a gateway that still follows a replaced history is not believed. Longer than any lease. */
const distrustMs = 60_000;

/**
 * The client's cache and how long it may be trusted: entries, floors, position, lease. It owns no timer and no
 * connection. The position is the last revision whose changes are known. An entry is current while the lease lasts
 * and no known change after the entry's revision concerns its tenant.
 */
export class Knowledge {
  readonly #options: KnowledgeOptions;
  readonly #routes: BoundedMap<CachedResolution>;
  readonly #refusals: BoundedMap<CachedResolution>;
  #epoch: string | undefined;
  #position: number | undefined;
  #leaseUntil = Number.NEGATIVE_INFINITY;
  /** Incremented whenever everything becomes invalid. */
  #era = 0;
  #isEraEmpty = true;
  /** Until when the entries of the previous era were valid. */
  #formerlyUntil = Number.NEGATIVE_INFINITY;
  /** The newest known change per tenant, by id, slug and external id; the common floor applies to all others. */
  readonly #floors = new Map<string, number>();
  #commonFloor = 0;
  #highestFloor = 0;
  /** Older refusals are no longer valid. */
  #refusalFloor = 0;
  readonly #leftEpochs = new Map<string, number>();

  constructor(options: KnowledgeOptions) {
    this.#options = options;
    this.#routes = new BoundedMap(options.maxTenants);
    this.#refusals = new BoundedMap(Math.ceil(options.maxTenants * refusalsPerRoute));
  }

  /** The last revision whose changes are known; undefined before the first renewal. */
  get position(): string | undefined {
    if (this.#epoch === undefined || this.#position === undefined) return undefined;
    return formatRevision({ epoch: this.#epoch, number: this.#position });
  }

  get leaseRemainingMs(): number {
    return Math.max(0, this.#leaseUntil - this.#options.clock());
  }

  /** Number of cached tenants, current or not. */
  get size(): number {
    return this.#routes.size + this.#refusals.size;
  }

  /** Returns the current entry of a tenant, by id, slug or external id. */
  find(reference: string): Finding | undefined {
    const entry = this.#routes.get(reference) ?? this.#refusals.get(reference);
    if (entry?.era !== this.#era || this.#options.clock() >= this.#leaseUntil) return undefined;
    return entry;
  }

  /**
   * Returns the last known resolution if it was current at most so many milliseconds ago and no change was reported
   * since.
   */
  findStale(reference: string, maxStaleMs: number): Resolution | undefined {
    const entry = this.#routes.get(reference) ?? this.#refusals.get(reference);
    if (!entry || entry.era < this.#era - 1) return undefined;
    const knownUntil = entry.era === this.#era ? this.#leaseUntil : this.#formerlyUntil;
    return this.#options.clock() < knownUntil + maxStaleMs ? entry.resolution : undefined;
  }

  /** The revision that a response about these tenants must reach to include every change known here. */
  floorOf(references: Iterable<string>): string | undefined {
    if (this.#epoch === undefined) return undefined;
    let number = this.#commonFloor;
    for (const reference of references) number = Math.max(number, this.#floors.get(reference) ?? 0);
    return formatRevision({ epoch: this.#epoch, number });
  }

  /**
   * Takes in a response. "overtaken": the response does not include a change that is known here and must not be
   * used. "unproven": callers that asked before the request was sent may use it, but it is not cached.
   */
  learn(reference: string, answer: Finding & { revision: string }): 'kept' | 'unproven' | 'overtaken' {
    const { epoch, number } = readRevision(answer.revision);
    if (epoch !== this.#epoch) {
      if (this.#hasLeft(epoch)) return 'overtaken';
      this.#beginEpoch(epoch);
    }
    if (number < (this.#floors.get(reference) ?? this.#commonFloor)) return 'overtaken';
    if (!isRoute(answer.resolution) && number < this.#refusalFloor) {
      // The next request about this tenant demands a newer answer.
      this.#raiseFloor(reference, this.#refusalFloor);
      return 'overtaken';
    }
    // The response may be ahead of this client. A later response, possibly of another gateway, must not be
    // older.
    if (number > (this.#position ?? 0)) this.#raiseFloor(reference, number);
    if (this.#position === undefined) return 'unproven';
    const { resolution, config } = answer;
    const entry = { resolution, config, asOf: number, era: this.#era, touchedAt: 0 };
    const [to, other] = isRoute(resolution) ? [this.#routes, this.#refusals] : [this.#refusals, this.#routes];
    other.delete(reference);
    // Shares one string between key and value.
    to.set(isRoute(resolution) && resolution.tenantId === reference ? resolution.tenantId : reference, entry);
    this.#isEraEmpty = false;
    return 'kept';
  }

  /**
   * Takes in a response to a renewal; `has` is the position that was sent with it. "behind": the gateway knows less
   * than this client. "unleased": the gateway has no lease itself. Neither renews anything.
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
      // The previous lease covers everything that is known since then as well.
      this.#leaseUntil = Math.max(this.#leaseUntil, leaseUntil);
    }
    this.#position = number;
    return answer.leaseRemainingMs > 0 ? 'renewed' : 'unleased';
  }

  /** Takes in a reported change that no renewal has covered yet. Returns whether it was unknown. */
  hear(change: TenantChange, revision: string): boolean {
    const { epoch, number } = readRevision(revision);
    if (epoch !== this.#epoch) return true;
    if (number <= (this.#position ?? 0)) return false;
    this.#touch(change, number);
    return true;
  }

  /** Drops the entry of a tenant that proved wrong. */
  forget(reference: string): void {
    this.#routes.delete(reference);
    this.#refusals.delete(reference);
  }

  #touch(change: TenantChange, number: number): void {
    const { tenantId, tenantSlug, externalIds, module } = change;
    if (change.refusalsOnly) {
      this.#refusalFloor = Math.max(this.#refusalFloor, number);
      this.#refusals.clear();
      return;
    }
    // A gateway of a version without external ids names none, and answers can be held under any.
    if (tenantId === null || tenantSlug === null || !Array.isArray(externalIds)) {
      if (tenantId === null && module !== null && module !== this.#options.module) return;
      this.#startOver(number);
      return;
    }
    for (const reference of [tenantId, tenantSlug, ...externalIds]) {
      this.#raiseFloor(reference, number);
      for (const entries of [this.#routes, this.#refusals])
        if ((entries.peek(reference)?.asOf ?? number) < number) entries.delete(reference);
    }
    this.#options.onChange?.(change);
  }

  /** Invalidates all entries and everything older than this revision. */
  #startOver(number: number): void {
    this.#floors.clear();
    this.#commonFloor = Math.max(number, this.#highestFloor);
    this.#highestFloor = this.#commonFloor;
    if (this.#isEraEmpty) return;
    this.#era++;
    this.#isEraEmpty = true;
    this.#formerlyUntil = Math.min(this.#leaseUntil, this.#options.clock());
    this.#options.onChange?.({ tenantId: null, tenantSlug: null, externalIds: [], module: null });
  }

  #beginEpoch(epoch: string): void {
    if (this.#epoch !== undefined) this.#leftEpochs.set(this.#epoch, this.#options.clock());
    this.#epoch = epoch;
    this.#refusalFloor = 0;
    this.#position = undefined;
    this.#highestFloor = 0;
    this.#startOver(0);
    this.#leaseUntil = Number.NEGATIVE_INFINITY;
  }

  /** A replaced history can become current again, so the distrust ends after a time. */
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
