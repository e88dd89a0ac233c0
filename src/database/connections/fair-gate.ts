/** Lets at most `places` works run at a time, and at most `placesPerKey` of one key. */
export interface FairGateOptions {
  places: number;
  placesPerKey: number;
  /** How many works of one key may wait. */
  waitingPerKey: number;
}

/** Why a work may not run: too many of its own key run or wait, or the others take all places. */
export type GateRefusal = 'key is busy' | 'gate is busy';

interface Waiting {
  enter: () => void;
}

/** The free place goes to the key that has the fewest works running; works of one key run in the order of their calls. */
export class FairGate {
  readonly #options: FairGateOptions;
  readonly #running = new Map<string, number>();
  /** Keys in the order in which they began to wait. */
  readonly #waiting = new Map<string, Waiting[]>();
  #free: number;

  constructor(options: FairGateOptions) {
    this.#options = options;
    this.#free = options.places;
  }

  get running(): number {
    return this.#options.places - this.#free;
  }

  /** Resolves with the function that leaves again, or with a refusal when the signal is aborted first. */
  async enter(key: string, signal: AbortSignal): Promise<(() => void) | GateRefusal> {
    const waiting = this.#waiting.get(key) ?? [];
    if (this.#mayRun(key) && waiting.length === 0) return this.#begin(key);
    if (waiting.length >= this.#options.waitingPerKey) return 'key is busy';
    return new Promise((resolve) => {
      const give = (answer: (() => void) | GateRefusal) => {
        signal.removeEventListener('abort', leave);
        resolve(answer);
      };
      const one: Waiting = { enter: () => give(this.#begin(key)) };
      const leave = () => {
        this.#forget(key, one);
        give(this.#runningOf(key) >= this.#options.placesPerKey ? 'key is busy' : 'gate is busy');
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.set(key, [...waiting, one]);
    });
  }

  #begin(key: string): () => void {
    this.#free--;
    this.#running.set(key, this.#runningOf(key) + 1);
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      this.#free++;
      const left = this.#runningOf(key) - 1;
      if (left === 0) this.#running.delete(key);
      else this.#running.set(key, left);
      this.#admit();
    };
  }

  #admit(): void {
    const next = [...this.#waiting.keys()]
      .filter((key) => this.#mayRun(key))
      .reduce<string | undefined>(
        (best, key) => (best === undefined || this.#runningOf(key) < this.#runningOf(best) ? key : best),
        undefined,
      );
    const [first] = (next !== undefined && this.#waiting.get(next)) || [];
    if (next === undefined || !first) return;
    this.#forget(next, first);
    first.enter();
  }

  #forget(key: string, one: Waiting): void {
    const others = this.#waiting.get(key)?.filter((waiting) => waiting !== one) ?? [];
    if (others.length === 0) this.#waiting.delete(key);
    else this.#waiting.set(key, others);
  }

  #mayRun(key: string): boolean {
    return this.#free > 0 && this.#runningOf(key) < this.#options.placesPerKey;
  }

  #runningOf(key: string): number {
    return this.#running.get(key) ?? 0;
  }
}
