import type { Clock } from './follower.js';

interface Lease {
  /** Newest revision whose changes the client has confirmed. */
  confirmed: bigint;
  /** When the last lease that was granted to it ends. */
  until: number;
}

/** How many clients can have a lease of their own at a time. Further clients count together, by the oldest revision. */
const maxClients = 10_000;

/**
 * The leases that this gateway granted to clients. From them it reports one number: the lowest revision confirmed by
 * clients whose lease has not ended.
 */
export class ClientLeases {
  readonly #clock: Clock;
  readonly #leases = new Map<string, Lease>();
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
    client: string,
    lease: { confirmed: bigint | undefined; current: bigint; remainingMs: number },
  ): void {
    const known = this.#leases.get(client);
    const confirmed = lease.confirmed ?? known?.confirmed ?? lease.current;
    // A lease never gets shorter: the client may not receive this answer and continue with the one before.
    const until = Math.max(known?.until ?? Number.NEGATIVE_INFINITY, this.#clock() + lease.remainingMs);
    if (known || this.#leases.size < maxClients) this.#leases.set(client, { confirmed, until });
    else this.grantUnnamed(confirmed, lease.remainingMs);
  }

  /** Records that a reusable answer was given to a client that does not report. */
  grantUnnamed(revision: bigint, remainingMs: number): void {
    const until = this.#clock() + remainingMs;
    const last = this.#unnamed.at(-1);
    if (last?.confirmed === revision) last.until = Math.max(last.until, until);
    else this.#unnamed.push({ confirmed: revision, until });
  }

  /** Extends the lease of a client by an answer. Returns false for an unknown client. */
  extend(client: string, remainingMs: number): boolean {
    const lease = this.#leases.get(client);
    if (lease) lease.until = Math.max(lease.until, this.#clock() + remainingMs);
    return lease !== undefined;
  }

  /** Ends the lease of a client that uses its cached answers no longer. */
  end(client: string): void {
    this.#leases.delete(client);
  }

  /** Another history begins: no client has confirmed anything of it, and the granted leases still count. */
  startOver(): void {
    for (const lease of [...this.#leases.values(), ...this.#unnamed]) lease.confirmed = 0n;
  }

  /** The lowest confirmed revision; undefined when no client has a lease. */
  get lowestConfirmed(): bigint | undefined {
    this.#forgetEnded();
    let lowest: bigint | undefined;
    for (const { confirmed } of [...this.#leases.values(), ...this.#unnamed])
      if (lowest === undefined || confirmed < lowest) lowest = confirmed;
    return lowest;
  }

  #forgetEnded(): void {
    const now = this.#clock();
    for (const [client, { until }] of this.#leases) if (until <= now) this.#leases.delete(client);
    this.#unnamed = this.#unnamed.filter(({ until }) => until > now);
  }
}
