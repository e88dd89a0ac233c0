import { RegistryError } from '../errors.js';
import { within } from '../within.js';
import type { Caller } from './caller.js';

export interface CredentialWatchOptions {
  /** Authenticates the credential of the stream again. */
  identify: () => Caller | Promise<Caller>;
  /** How long the gateway's own knowledge still counts as current, in milliseconds. */
  leaseRemainingMs: () => number;
  stalenessMs: number;
}

/** Interval between two checks. They are answered from memory. */
const checkMs = 500;
const shortestPauseMs = 20;

/**
 * Watches the credential that opened a stream. An answer of `identify` proves the credential for as long as the gateway's
 * lease lasts at that moment; without a new proof by then, the stream must end, because the gateway cannot know of a
 * revocation.
 */
export class CredentialWatch {
  readonly #options: CredentialWatchOptions;
  readonly #opened: Caller;
  #expiresAt: number;
  #provenUntil: number;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #end: (error: RegistryError) => void = () => undefined;
  /** Resolves with the reason when the credential has ended; pending for ever after stop(). */
  readonly ended: Promise<RegistryError>;

  constructor(opened: Caller, options: CredentialWatchOptions) {
    this.#options = options;
    this.#opened = opened;
    this.#expiresAt = opened.expiresAt ?? Number.POSITIVE_INFINITY;
    this.#provenUntil = this.#proofFrom(performance.now());
    this.ended = new Promise((resolve) => {
      this.#end = (error) => {
        this.stop();
        resolve(error);
      };
    });
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#isStopped) return;
    const untilExpiryMs = this.#expiresAt - Date.now();
    const pauseMs = Math.min(checkMs, untilExpiryMs, this.#provenUntil - performance.now());
    this.#timer = setTimeout(() => void this.#check(), Math.max(shortestPauseMs, pauseMs));
    this.#timer.unref();
  }

  async #check(): Promise<void> {
    if (Date.now() >= this.#expiresAt) return this.#end(hasEnded('it has expired'));
    const askedAt = performance.now();
    try {
      const asked = this.#options.identify();
      const patienceMs = Math.max(shortestPauseMs, this.#provenUntil - askedAt);
      const caller =
        asked instanceof Promise ? await within(patienceMs, asked, () => Promise.reject(unproven())) : asked;
      if (this.#isStopped) return;
      const lost = caller === this.#opened ? undefined : findLoss(this.#opened, caller);
      if (lost) return this.#end(hasEnded(lost));
      this.#expiresAt = caller.expiresAt ?? Number.POSITIVE_INFINITY;
      this.#provenUntil = this.#proofFrom(askedAt);
    } catch (error) {
      if (this.#isStopped) return;
      if (error instanceof RegistryError && error.code === 'UNAUTHENTICATED')
        return this.#end(hasEnded('it is revoked, expired or unknown'));
      // A failed check does not end the stream while an earlier one still counts.
      if (performance.now() >= this.#provenUntil) return this.#end(unproven());
    }
    this.#schedule();
  }

  #proofFrom(askedAt: number): number {
    // Without a lease the answer comes from the primary database, and was true after the request was sent.
    return askedAt + (this.#options.leaseRemainingMs() || this.#options.stalenessMs);
  }
}

/** The first right of the caller that opened the stream which the caller no longer has. */
function findLoss(opened: Caller, now: Caller): string | undefined {
  for (const scope of opened.scopes) if (!now.scopes.has(scope)) return `it no longer has the scope ${scope}`;
  for (const [tenantId, role] of opened.identity?.roles ?? [])
    if (now.identity?.roles.get(tenantId) !== role)
      return `its subject’s membership in tenant ${tenantId} has changed`;
  return undefined;
}

function hasEnded(reason: string): RegistryError {
  return new RegistryError(
    'UNAUTHENTICATED',
    `The stream ends with its API key or token: ${reason}; subscribe again with a valid one`,
  );
}

function unproven(): RegistryError {
  return new RegistryError(
    'REGISTRY_UNAVAILABLE',
    'The gateway cannot check the API key or token of this stream: subscribe again in a moment',
  );
}
