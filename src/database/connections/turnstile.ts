/** Limits how many works run at a time; the others wait for their turn in the order of the calls, without a timeout. */
export class Turnstile {
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #waits = 0;

  constructor(places: number) {
    this.#free = places;
  }

  get isFull(): boolean {
    return this.#free === 0;
  }

  /** Number of works that wait for their turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Number of works that have had to wait. */
  get waits(): number {
    return this.#waits;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else {
      this.#waits++;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
