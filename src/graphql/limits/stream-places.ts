import type { Caller } from '../../auth/caller.js';
import { RegistryError } from '../../errors.js';

/** Counts the open streams of a gateway, in all and by caller. */
export class StreamPlaces {
  readonly #perCaller: number;
  readonly #perGateway: number;
  readonly #open = new Map<string, number>();
  #all = 0;

  constructor({ perCaller, perGateway }: { perCaller: number; perGateway: number }) {
    this.#perCaller = perCaller;
    this.#perGateway = perGateway;
  }

  get open(): number {
    return this.#all;
  }

  /** Returns the function that gives the place back. Throws RATE_LIMITED and REGISTRY_UNAVAILABLE. */
  take({ actor }: Caller): () => void {
    const own = this.#open.get(actor) ?? 0;
    if (own >= this.#perCaller)
      throw new RegistryError(
        'RATE_LIMITED',
        `This caller has ${own} streams open at this gateway, the most that STREAMS_PER_CALLER allows: close one of them first`,
      );
    if (this.#all >= this.#perGateway)
      throw new RegistryError(
        'REGISTRY_UNAVAILABLE',
        `This gateway has ${this.#all} streams open, the most that STREAMS_PER_GATEWAY allows: ask another gateway`,
      );
    this.#all++;
    this.#open.set(actor, own + 1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.#all--;
      const left = (this.#open.get(actor) ?? 1) - 1;
      if (left === 0) this.#open.delete(actor);
      else this.#open.set(actor, left);
    };
  }
}

/** The same events; `onEnd` is called once, when they end or are no longer read. */
export function withEnd<T>(events: AsyncIterable<T>, onEnd: () => void): AsyncIterableIterator<T> {
  const source = events[Symbol.asyncIterator]();
  return {
    next() {
      return source.next().then(
        (result) => {
          if (result.done) onEnd();
          return result;
        },
        (error) => {
          onEnd();
          throw error;
        },
      );
    },
    async return() {
      onEnd();
      await source.return?.();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
