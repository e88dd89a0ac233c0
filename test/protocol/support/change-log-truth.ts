import type { Begun, Committed } from './history.js';

/** The state of a reference from one change to the next. */
export interface Version {
  revision: bigint;
  value: string;
  /** When the state began. */
  from: number;
  /** When the state ended, by the next change or with its history. */
  until: number;
}

/** One history of the registry, from its beginning to its replacement. */
export interface Epoch {
  name: string;
  /** Number of the history; later ones have higher numbers. */
  order: number;
  head: bigint;
  versions: Map<string, Version[]>;
}

/** The true state at each time: the change log with times. */
export class Truth {
  readonly #epochs = new Map<string, Epoch>();
  #current: Epoch | undefined;

  begin({ at, epoch: name, kept }: Begun): void {
    const replaced = this.#current;
    const versions = new Map<string, Version[]>();
    for (const [reference, known] of replaced?.versions ?? []) {
      const inherited = known.filter(({ revision }) => revision <= kept).map((version) => ({ ...version }));
      const last = inherited.at(-1);
      // The state is true again, if it was interrupted.
      if (last) last.until = Number.POSITIVE_INFINITY;
      versions.set(reference, inherited);
      for (const version of known) version.until = Math.min(version.until, at);
    }
    this.#current = { name, order: this.#epochs.size, head: kept, versions };
    this.#epochs.set(name, this.#current);
  }

  commit({ at, epoch: name, revision, values }: Committed): void {
    const epoch = this.#current;
    if (epoch?.name !== name) throw new Error(`a commit in ${name}, which is not the current history`);
    epoch.head = revision;
    for (const [reference, value] of Object.entries(values)) {
      const versions = epoch.versions.get(reference) ?? [];
      const last = versions.at(-1);
      if (last) last.until = at;
      versions.push({ revision, value, from: at, until: Number.POSITIVE_INFINITY });
      epoch.versions.set(reference, versions);
    }
  }

  find(name: string): Epoch | undefined {
    return this.#epochs.get(name);
  }

  get epochs(): Iterable<Epoch> {
    return this.#epochs.values();
  }
}

/**
 * Returns the version of a reference at a revision. The search begins with the newest, because answers are rarely old.
 */
export function findVersion(epoch: Epoch, reference: string, asOf: bigint): Version | undefined {
  return epoch.versions.get(reference)?.findLast(({ revision }) => revision <= asOf);
}

/**
 * Returns the last version of a reference in a range of revisions, which a value from before the range does not
 * include.
 */
export function findOverlooked(
  epoch: Epoch,
  reference: string,
  { asOf, upTo }: { asOf: bigint; upTo: bigint },
): Version | undefined {
  const version = findVersion(epoch, reference, upTo);
  return version && version.revision > asOf ? version : undefined;
}
