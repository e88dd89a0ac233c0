import { setTimeout as delay } from 'node:timers/promises';
import { TenantRegistryError } from '../error.js';
import type { Clock } from '../resolution/clock.js';
import { GatewayFailure } from './http.js';

export interface Gateway {
  /** Without a trailing slash. */
  readonly url: string;
}

interface KnownGateway extends Gateway {
  /** Consecutive failures. */
  failures: number;
  /** The gateway is not asked before this time. */
  retryAt: number;
  failedAt: number;
}

const firstPauseMs = 50;
const longestPauseMs = 2_000;
/** While the key is rejected, requests are rare: gateways refuse an address after some tens of them per minute. */
const firstPauseAfterRejectionMs = 1_000;
const longestPauseAfterRejectionMs = 5_000;

/** Chooses one of several gateways. A client stays with a gateway until it fails. */
export class Gateways {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #closing: AbortSignal;
  readonly #gateways: readonly KnownGateway[];
  #current: number;
  #downSince: number | undefined;
  #lastFailure: GatewayFailure | undefined;
  /** The gateways do not accept the key. */
  #rejection: { error: TenantRegistryError; until: number; pauseMs: number } | undefined;

  constructor(options: {
    urls: readonly string[];
    clock: Clock;
    closing: AbortSignal;
    random?: () => number;
  }) {
    this.#clock = options.clock;
    this.#closing = options.closing;
    this.#random = options.random ?? Math.random;
    const never = Number.NEGATIVE_INFINITY;
    this.#gateways = options.urls.map((url) => ({ url, failures: 0, retryAt: never, failedAt: never }));
    // A random start spreads many clients over the gateways.
    this.#current = Math.floor(this.#random() * this.#gateways.length);
  }

  get current(): Gateway {
    return this.#gateways[this.#current] as KnownGateway;
  }

  /** How long no gateway has answered, in milliseconds; 0 while one answers. */
  get downForMs(): number {
    return this.#downSince === undefined ? 0 : this.#clock() - this.#downSince;
  }

  /**
   * Calls gateways until one answers: the last successful one first, then the next that may be tried. Throws
   * REGISTRY_UNAVAILABLE when none answered in time. An error that is not a GatewayFailure is thrown at once. A gateway that rejects
   * the key may be the only one, so the others are asked; when none accepts it, its error is thrown without a request for a while.
   */
  async ask<T>(attempt: (gateway: Gateway) => Promise<T>, patienceMs: number): Promise<T> {
    const deadline = this.#clock() + patienceMs;
    if (this.#rejection && this.#clock() < this.#rejection.until) throw this.#rejection.error;
    const rejecting = new Set<KnownGateway>();
    let rejection: TenantRegistryError | undefined;
    let failure = this.#lastFailure ?? new GatewayFailure('no gateway has been tried yet');
    for (let attempts = 0; ; attempts++) {
      this.#closing.throwIfAborted();
      const startedAt = this.#clock();
      const isLate = attempts >= this.#gateways.length && startedAt >= deadline;
      const at = isLate ? undefined : this.#next(rejecting);
      const gateway = at === undefined ? undefined : (this.#gateways[at] as KnownGateway);
      if (at === undefined || !gateway) {
        if (rejection) throw this.#reject(rejection);
        const pauseMs = Math.max(1, this.#firstRetryAt - startedAt);
        if (startedAt + pauseMs > deadline) throw this.#unavailable(failure);
        await delay(pauseMs, undefined, { signal: this.#closing }).catch(() => undefined);
        continue;
      }
      // One caller tests a failed gateway; the others do not wait for the result.
      if (gateway.failures > 0) gateway.retryAt = this.#clock() + this.#pauseMs(gateway.failures);
      try {
        const answer = await attempt(gateway);
        this.#endOutage(gateway);
        this.#current = at;
        this.#rejection = undefined;
        return answer;
      } catch (error) {
        if (error instanceof TenantRegistryError && error.code === 'UNAUTHENTICATED') {
          // It has answered, so there is no outage in which old routes may be used.
          this.#endOutage(gateway);
          rejecting.add(gateway);
          rejection = error;
          continue;
        }
        if (!(error instanceof GatewayFailure)) throw error;
        failure = error;
        this.#lastFailure = error;
        this.#fail(gateway, startedAt, error);
      }
    }
  }

  #reject(error: TenantRegistryError): TenantRegistryError {
    const now = this.#clock();
    // Concurrent rejections count as one.
    if (this.#rejection && now < this.#rejection.until) return error;
    const pauseMs = this.#rejection
      ? Math.min(longestPauseAfterRejectionMs, this.#rejection.pauseMs * 2)
      : firstPauseAfterRejectionMs;
    this.#rejection = { error, pauseMs, until: now + pauseMs };
    return error;
  }

  #endOutage(gateway: KnownGateway): void {
    gateway.failures = 0;
    gateway.retryAt = Number.NEGATIVE_INFINITY;
    this.#downSince = undefined;
  }

  #fail(gateway: KnownGateway, startedAt: number, { retryAfterMs = 0, code }: GatewayFailure): void {
    // Concurrent failures count as one.
    if (startedAt >= gateway.failedAt) gateway.failures++;
    gateway.failedAt = this.#clock();
    gateway.retryAt = gateway.failedAt + Math.max(retryAfterMs, this.#pauseMs(gateway.failures));
    // The limit after rejected keys is no outage.
    if (code === 'RATE_LIMITED' && this.#rejection) return;
    if (this.#gateways.every(({ failures }) => failures > 0)) this.#downSince ??= this.#clock();
  }

  /** Exponential backoff with jitter between half and all of the pause. */
  #pauseMs(failures: number): number {
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1));
    return pauseMs * (0.5 + this.#random() / 2);
  }

  /** The current gateway if it may be asked, else the next one that may, without the excepted ones. */
  #next(except: ReadonlySet<Gateway>): number | undefined {
    const now = this.#clock();
    const count = this.#gateways.length;
    for (let step = 0; step < count; step++) {
      const at = (this.#current + step) % count;
      const gateway = this.#gateways[at] as KnownGateway;
      if (gateway.retryAt <= now && !except.has(gateway)) return at;
    }
    return undefined;
  }

  get #firstRetryAt(): number {
    return Math.min(...this.#gateways.map(({ retryAt }) => retryAt));
  }

  #unavailable(failure: GatewayFailure): TenantRegistryError {
    const { code, retryAfterMs } = failure;
    // Gateways also limit the rate of requests whose key they reject.
    if (code === 'RATE_LIMITED' && this.#rejection) return this.#rejection.error;
    return new TenantRegistryError(code, `The registry cannot be reached: ${failure.message}`, {
      retryAfter: retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1_000),
      cause: failure,
    });
  }
}
