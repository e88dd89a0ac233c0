import type { Clock } from './follower.js';

interface Lease {
  /** Newest revision whose changes the client has confirmed to have applied. */
  confirmed: bigint;
  /** When nothing that was granted to it counts any more. */
  until: number;
}

/** How many clients can hold a lease of their own at a time; beyond that they count together, by the oldest. */
const maxClients = 10_000;

/**
 * The leases this gateway granted to clients, so that it can report one number: the lowest revision confirmed by those
 * who may still trust what they have.
 */
export class ClientLeases {
  readonly #clock: Clock;
  readonly #leases = new Map<string, Lease>();
  /** Granted with an answer to somebody who does not report, one entry per revision. */
  #unnamed: Lease[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * A client gets a lease. It says which revision's changes it has applied, or that it will drop everything: until it
   * says that it did, what it confirmed before still counts.
   */
  grant(
    client: string,
    lease: { confirmed: bigint | undefined; current: bigint; remainingMs: number },
  ): void {
    const known = this.#leases.get(client);
    const confirmed = lease.confirmed ?? known?.confirmed ?? lease.current;
    // Never shorter: it may not get this answer, and go on with the one before.
    const until = Math.max(known?.until ?? Number.NEGATIVE_INFINITY, this.#clock() + lease.remainingMs);
    if (known || this.#leases.size < maxClients) this.#leases.set(client, { confirmed, until });
    else this.grantUnnamed(confirmed, lease.remainingMs);
  }

  /** An answer that may be used again was given to a client that does not report. */
  grantUnnamed(revision: bigint, remainingMs: number): void {
    const until = this.#clock() + remainingMs;
    const last = this.#unnamed.at(-1);
    if (last?.confirmed === revision) last.until = Math.max(last.until, until);
    else this.#unnamed.push({ confirmed: revision, until });
  }

  /** An answer was given to a client; one that reports will report it too. false: it is not known. */
  extend(client: string, remainingMs: number): boolean {
    const lease = this.#leases.get(client);
    if (lease) lease.until = Math.max(lease.until, this.#clock() + remainingMs);
    return lease !== undefined;
  }

  /** A client says that it uses nothing any more of what it was granted. */
  end(client: string): void {
    this.#leases.delete(client);
  }

  /** Another history begins: nobody has confirmed anything of it, and what was granted before still counts. */
  startOver(): void {
    for (const lease of [...this.#leases.values(), ...this.#unnamed]) lease.confirmed = 0n;
  }

  /** undefined when no client holds a lease. */
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
