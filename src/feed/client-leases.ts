import type { Clock } from './clock.js';

interface Lease {
  /** Newest revision whose changes the client has confirmed. */
  confirmed: bigint;
  /** When the last lease that was granted to it ends. */
  until: number;
}

/** A client and the caller whose credential it uses. */
export interface ClientName {
  /** See Caller.actor. */
  actor: string;
  /** UUID of the client's choice. */
  client: string;
}

/** How many clients can have a lease of their own at a time. Further clients count together, by the oldest revision. */
const maxClients = 10_000;

/**
 * The leases that this gateway granted to clients. From them it reports one number: the lowest revision confirmed by
 * clients whose lease has not ended.
 */
export class ClientLeases {
  readonly #clock: Clock;
  /** By the caller's actor, then by the client's id: a caller cannot reach a lease of another one, whatever id it sends. */
  readonly #leases = new Map<string, Map<string, Lease>>();
  #named = 0;
  /** Leases granted with an answer to clients that do not report, one entry per revision. */
  #unnamed: Lease[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Grants a lease to a client. The client names the revision whose changes it has applied, or announces that it will
   * drop everything: until it confirms that, its earlier confirmation counts.
   */
  grant(
    { actor, client }: ClientName,
    lease: { confirmed: bigint | undefined; current: bigint; remainingMs: number },
  ): void {
    const own = this.#leases.get(actor) ?? new Map<string, Lease>();
    const known = own.get(client);
    const confirmed = lease.confirmed ?? known?.confirmed ?? lease.current;
    // A lease never gets shorter: the client may not receive this answer and continue with the one before.
    const until = Math.max(known?.until ?? Number.NEGATIVE_INFINITY, this.#clock() + lease.remainingMs);
    if (known || this.#named < maxClients) {
      if (!known) this.#named++;
      own.set(client, { confirmed, until });
      this.#leases.set(actor, own);
    } else this.grantUnnamed(confirmed, lease.remainingMs);
  }

  /** Records that a reusable answer was given to a client that does not report. */
  grantUnnamed(revision: bigint, remainingMs: number): void {
    const until = this.#clock() + remainingMs;
    const last = this.#unnamed.at(-1);
    if (last?.confirmed === revision) last.until = Math.max(last.until, until);
    else this.#unnamed.push({ confirmed: revision, until });
  }

  /** Extends the lease of a client by an answer. Returns false for an unknown client. */
  extend({ actor, client }: ClientName, remainingMs: number): boolean {
    const lease = this.#leases.get(actor)?.get(client);
    if (lease) lease.until = Math.max(lease.until, this.#clock() + remainingMs);
    return lease !== undefined;
  }

  /** Ends the lease of a client that uses its cached answers no longer. */
  end({ actor, client }: ClientName): void {
    const own = this.#leases.get(actor);
    if (own?.delete(client)) this.#named--;
    if (own?.size === 0) this.#leases.delete(actor);
  }

  /** Another history begins: no client has confirmed anything of it, and the granted leases still count. */
  startOver(): void {
    for (const lease of this.#all()) lease.confirmed = 0n;
  }

  /** The lowest confirmed revision; undefined when no client has a lease. */
  get lowestConfirmed(): bigint | undefined {
    this.#forgetEnded();
    let lowest: bigint | undefined;
    for (const { confirmed } of this.#all())
      if (lowest === undefined || confirmed < lowest) lowest = confirmed;
    return lowest;
  }

  *#all(): Generator<Lease> {
    for (const own of this.#leases.values()) yield* own.values();
    yield* this.#unnamed;
  }

  #forgetEnded(): void {
    const now = this.#clock();
    for (const [actor, own] of this.#leases)
      for (const [client, { until }] of own) if (until <= now) this.end({ actor, client });
    this.#unnamed = this.#unnamed.filter(({ until }) => until > now);
  }
}
