import type { Gateways } from '../gateways/gateways.js';
import { GatewayFailure, type Transport } from '../gateways/http.js';
import { isOwnFault } from '../gateways/own-fault.js';
import type { Clock } from './clock.js';
import type { Knowledge, LeaseAnswer } from './knowledge.js';

export interface RenewalOptions {
  /** UUID of this client, under which gateways record its lease. */
  client: string;
  gateways: Gateways;
  transport: Transport;
  knowledge: Knowledge;
  clock: Clock;
  closing: AbortSignal;
  /** Maximum timeout of one request, in milliseconds. */
  timeoutMs: number;
  onReady: () => void;
  /** Called when cached entries are no longer proven. */
  onStale: () => void;
  onError: (error: unknown) => void;
}

/** Renewals run about once a second, and three times per lease when the lease is shorter. */
const longestPauseMs = 1_000;
const shortestPauseMs = 50;
const pauseAfterFailureMs = 250;

const farewellMs = 500;

/** How long to search for a gateway that renews the lease, in milliseconds. */
const patienceMs = 500;

/** A gateway answers renewals from memory; one that takes longer is not healthy. */
const longestTimeoutMs = 1_000;

/**
 * Renews the lease of this client: sends its position and receives what became invalid and how long the rest may be
 * trusted. Events of the gateway only trigger a renewal earlier.
 */
export class Renewal {
  readonly #options: RenewalOptions;
  /** Resolves when the first renewal has succeeded or failed. */
  readonly begun: Promise<void>;
  readonly #running: Promise<void>;
  #isReady = false;
  #wake: (() => void) | undefined;
  #isHinted = false;
  #staleTimer: NodeJS.Timeout | undefined;

  constructor(options: RenewalOptions) {
    this.#options = options;
    let begin: () => void = () => undefined;
    this.begun = new Promise((resolve) => {
      begin = resolve;
    });
    this.#running = this.#run(begin);
  }

  /** Triggers a renewal, because a change was reported. */
  hint(): void {
    this.#isHinted = true;
    this.#wake?.();
  }

  /** Called after `closing`. Ends the lease at the gateway, so that no mutation waits for this client. */
  async close(): Promise<void> {
    clearTimeout(this.#staleTimer);
    this.#wake?.();
    const { client, gateways, transport } = this.#options;
    await this.#running;
    // If the gateway cannot be reached, mutations wait until the lease ends.
    await transport
      .post(`${gateways.current.url}/lease`, { client, ends: true }, { timeoutMs: farewellMs })
      .catch(() => undefined);
  }

  async #run(begin: () => void): Promise<void> {
    const { closing, onError } = this.#options;
    let hasFailed = false;
    while (!closing.aborted) {
      this.#isHinted = false;
      let isMoved = false;
      try {
        isMoved = await this.#renew();
        hasFailed = false;
      } catch (error) {
        // Reports an outage once. A mistake in the options may show itself only when the outage ends.
        if (!closing.aborted && (!hasFailed || isOwnFault(error))) onError(error);
        hasFailed = true;
      }
      begin();
      // The next renewal confirms the new position, and a mutation may be waiting for that.
      if (!isMoved && !this.#isHinted && !closing.aborted) await this.#pause(hasFailed);
    }
    begin();
  }

  /** Returns whether the position moved. Throws when no gateway renews the lease. */
  async #renew(): Promise<boolean> {
    const { client, gateways, transport, knowledge, clock } = this.#options;
    return gateways.ask(async ({ url }) => {
      const sent = { at: clock(), has: knowledge.position };
      const body = { client, ...(sent.has !== undefined && { has: sent.has }) };
      const answer = await transport.post(`${url}/lease`, body, { timeoutMs: this.#timeoutMs });
      const outcome = knowledge.renew(readLease(url, answer), sent);
      if (outcome === 'behind') throw new GatewayFailure(`${url} is behind this client`);
      if (outcome === 'unleased')
        throw new GatewayFailure(`${url} has no lease: it cannot reach the registry database`);
      this.#renewed();
      return knowledge.position !== sent.has;
    }, patienceMs);
  }

  #renewed(): void {
    const { knowledge, closing, onReady } = this.#options;
    if (closing.aborted) return;
    clearTimeout(this.#staleTimer);
    this.#staleTimer = setTimeout(() => this.#checkLease(), Math.ceil(knowledge.leaseRemainingMs));
    this.#staleTimer.unref();
    if (this.#isReady) return;
    this.#isReady = true;
    onReady();
  }

  #checkLease(): void {
    if (this.#options.knowledge.leaseRemainingMs > 0) {
      this.#renewed();
    } else {
      this.#isReady = false;
      this.#options.onStale();
    }
  }

  /** Leaves time for another gateway before the lease ends. Without a lease there is no deadline. */
  get #timeoutMs(): number {
    const { timeoutMs, knowledge } = this.#options;
    const longestMs = Math.min(timeoutMs, longestTimeoutMs);
    const { leaseRemainingMs } = knowledge;
    return leaseRemainingMs > 0 ? Math.max(100, Math.min(longestMs, leaseRemainingMs / 3)) : longestMs;
  }

  #pause(hasFailed: boolean): Promise<void> {
    const third = this.#options.knowledge.leaseRemainingMs / 3 || longestPauseMs;
    const regularMs = Math.max(shortestPauseMs, Math.min(longestPauseMs, third));
    const pauseMs = (hasFailed ? pauseAfterFailureMs : regularMs) * (0.8 + Math.random() * 0.2);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function readLease(url: string, body: unknown): LeaseAnswer {
  const { revision, leaseRemainingMs, changed } = (body ?? {}) as Partial<LeaseAnswer>;
  if (revision === undefined || typeof leaseRemainingMs !== 'number' || changed === undefined)
    throw new GatewayFailure(`${url}/lease sent an unexpected response`);
  return { revision, leaseRemainingMs, changed };
}
