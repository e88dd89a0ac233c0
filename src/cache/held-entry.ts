import type { Answer, Entry, TierName } from './tier.js';

/** The snapshot in which values were read. The entries that are read in it share one object. */
interface Snapshot {
  epoch: string;
  asOf: bigint;
  readAt: number;
}

/** Differences of times that V8 keeps within an object end here. */
const maxLaterMs = 2 ** 30;

/** The parts of an entry in memory, without its value. */
export interface HeldParts {
  key: string;
  snapshot: Snapshot;
  /** Time of the entry's read after that of its snapshot, in milliseconds. */
  laterMs: number;
  /** In the units of the tier's clock. */
  expiresAt: number;
}

/**
 * An entry in memory, which is also its answer. A million of them are held, so an entry is one flat object: a number that is
 * no small integer would be an object of its own.
 */
export abstract class HeldEntry<Value> implements Answer<Value> {
  readonly key: string;
  readonly expiresAt: number;
  /** Read since the tier last looked for something to remove. */
  wasRead = false;
  readonly #snapshot: Snapshot;
  readonly #laterMs: number;

  constructor({ key, snapshot, laterMs, expiresAt }: HeldParts) {
    this.key = key;
    this.expiresAt = expiresAt;
    this.#snapshot = snapshot;
    this.#laterMs = laterMs;
  }

  abstract get value(): Value;

  get tier(): TierName {
    return 'memory';
  }

  get epoch(): string {
    return this.#snapshot.epoch;
  }

  get asOf(): bigint {
    return this.#snapshot.asOf;
  }

  get readAt(): number {
    return this.#snapshot.readAt + this.#laterMs;
  }
}

/** An entry with a value as it was given. */
export class PlainEntry<Value> extends HeldEntry<Value> {
  readonly #value: Value;

  constructor(parts: HeldParts, value: Value) {
    super(parts);
    this.#value = value;
  }

  get value(): Value {
    return this.#value;
  }
}

/** Finds the snapshot of entries that are stored one after the other. */
export class Snapshots {
  #last: Snapshot | undefined;

  of({ epoch, asOf, readAt }: Entry<unknown>): { snapshot: Snapshot; laterMs: number } {
    const last = this.#last;
    if (last && last.epoch === epoch && last.asOf === asOf) {
      const laterMs = readAt - last.readAt;
      if (Math.abs(laterMs) < maxLaterMs) return { snapshot: last, laterMs };
    }
    const snapshot = { epoch, asOf, readAt };
    this.#last = snapshot;
    return { snapshot, laterMs: 0 };
  }
}
