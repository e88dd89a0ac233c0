/** Counts ends of workers: a worker that cannot live must not be started for ever. */
export class CrashLimit {
  readonly #max: number;
  readonly #windowMs: number;
  #crashes: number[] = [];

  constructor(limit: { max: number; windowMs: number }) {
    this.#max = limit.max;
    this.#windowMs = limit.windowMs;
  }

  /** Counts one. Returns false when there were more than the maximum within the window. */
  admits(nowMs: number): boolean {
    this.#crashes = [...this.#crashes.filter((at) => at > nowMs - this.#windowMs), nowMs];
    return this.#crashes.length <= this.#max;
  }
}
