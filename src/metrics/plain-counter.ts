import { Counter, type Registry } from 'prom-client';

/** A number that is only ever raised: the caller adds to it directly. */
export interface Count {
  n: number;
}

/** A counter with two labels. An increment is one addition; prom-client's own makes a text of the labels each time. */
export class PlainCounter<First extends string, Second extends string> {
  readonly #counts = new Map<string, Map<string, Count>>();

  constructor({
    labelNames: [first, second],
    ...options
  }: {
    name: string;
    help: string;
    labelNames: readonly [First, Second];
    registers: Registry[];
  }) {
    const counts = this.#counts;
    new Counter<First | Second>({
      ...options,
      labelNames: [first, second],
      collect() {
        this.reset();
        for (const [one, others] of counts)
          for (const [other, { n }] of others)
            this.inc({ [first]: one, [second]: other } as Record<First | Second, string>, n);
      },
    });
  }

  /** The count of these labels, which callers may keep. */
  of(first: string, second: string): Count {
    let others = this.#counts.get(first);
    if (!others) {
      others = new Map();
      this.#counts.set(first, others);
    }
    let count = others.get(second);
    if (!count) {
      count = { n: 0 };
      others.set(second, count);
    }
    return count;
  }
}
