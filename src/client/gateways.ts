import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from './clock.js';
import { TenantRegistryError } from './error.js';
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

/** Chooses one of several gateways. A client stays with a gateway until it fails. */
export class Gateways {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #closing: AbortSignal;
  readonly #gateways: readonly KnownGateway[];
  #current: number;
  #downSince: number | undefined;
  #lastFailure: GatewayFailure | undefined;

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
   * REGISTRY_UNAVAILABLE when none answered in time. An error that is not a GatewayFailure is thrown at once.
   */
  async ask<T>(attempt: (gateway: Gateway) => Promise<T>, patienceMs: number): Promise<T> {
    const deadline = this.#clock() + patienceMs;
    let failure = this.#lastFailure ?? new GatewayFailure('no gateway has been tried yet');
    for (let attempts = 0; ; attempts++) {
      this.#closing.throwIfAborted();
      const startedAt = this.#clock();
      const isLate = attempts >= this.#gateways.length && startedAt >= deadline;
      const at = isLate ? undefined : this.#next();
      const gateway = at === undefined ? undefined : (this.#gateways[at] as KnownGateway);
      if (at === undefined || !gateway) {
        const pauseMs = Math.max(1, this.#firstRetryAt - startedAt);
        if (startedAt + pauseMs > deadline) throw unavailable(failure);
        await delay(pauseMs, undefined, { signal: this.#closing }).catch(() => undefined);
        continue;
      }
      // One caller tests a failed gateway; the others do not wait for the result.
      if (gateway.failures > 0) gateway.retryAt = this.#clock() + this.#pauseMs(gateway.failures);
      try {
        const answer = await attempt(gateway);
        gateway.failures = 0;
        gateway.retryAt = Number.NEGATIVE_INFINITY;
        this.#current = at;
        this.#downSince = undefined;
        return answer;
      } catch (error) {
        if (!(error instanceof GatewayFailure)) throw error;
        failure = error;
        this.#lastFailure = error;
        this.#fail(gateway, startedAt, error);
      }
    }
  }

  #fail(gateway: KnownGateway, startedAt: number, { retryAfterMs = 0 }: GatewayFailure): void {
    // Concurrent failures count as one.
    if (startedAt >= gateway.failedAt) gateway.failures++;
    gateway.failedAt = this.#clock();
    gateway.retryAt = gateway.failedAt + Math.max(retryAfterMs, this.#pauseMs(gateway.failures));
    if (this.#gateways.every(({ failures }) => failures > 0)) this.#downSince ??= this.#clock();
  }

  /** Exponential backoff with jitter between half and all of the pause. */
  #pauseMs(failures: number): number {
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1));
    return pauseMs * (0.5 + this.#random() / 2);
  }

  /** The current gateway if it may be asked, else the next one that may. */
  #next(): number | undefined {
    const now = this.#clock();
    const count = this.#gateways.length;
    for (let step = 0; step < count; step++) {
      const at = (this.#current + step) % count;
      if ((this.#gateways[at]?.retryAt ?? 0) <= now) return at;
    }
    return undefined;
  }

  get #firstRetryAt(): number {
    return Math.min(...this.#gateways.map(({ retryAt }) => retryAt));
  }
}

function unavailable(failure: GatewayFailure): TenantRegistryError {
  const { code, retryAfterMs } = failure;
  return new TenantRegistryError(code, `The registry cannot be reached: ${failure.message}`, {
    retryAfter: retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1_000),
    cause: failure,
  });
}
