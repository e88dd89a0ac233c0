import { RegistryError } from '../errors.js';
import type { Answer, Entry, Tier } from './tier.js';

/** Tells when a value is current; the follower of the change log implements it. */
export interface Validity {
  isCurrent(read: { epoch: string; asOf: bigint }, reference: string): boolean;
  /** The last revision that this process has read. */
  readonly position: { epoch: string; revision: bigint } | undefined;
  /** Why nothing may be answered, not even what the database says; undefined: nothing prevents it. */
  readonly refusal?: string | undefined;
  /** Polls the change log, because the reader found a change that is not known yet. */
  poll(): Promise<void>;
}

/** The result of a load: all values in one snapshot, in the order of the keys. */
export interface Loaded<Value> {
  epoch: string;
  asOf: bigint;
  values: readonly Value[];
}

export interface ReadThroughOptions<Key, Value> {
  /** The fastest tier first. */
  tiers: readonly Tier<Value>[];
  validity: Validity;
  /** Loads any number of keys from the primary database with one statement. */
  load: (keys: readonly Key[]) => Promise<Loaded<Value>>;
  /** The name of the key in the tiers. */
  nameOf: (key: Key) => string;
  /** The key of the floor: the tenant's id, slug or external id, as requested. */
  referenceOf: (key: Key) => string;
  /** Whether a value from a shared tier is about the key; without it, the tier's own check of the key counts. */
  isAbout?: ((key: Key, value: Value) => boolean) | undefined;
  clock: () => number;
  stalenessMs: number;
  /** Called for each look-up in a tier ("memory", "redis", "database") with the numbers of hits and misses. */
  onLookup?: ((tier: string, found: { hits: number; misses: number }) => void) | undefined;
}

export interface Demand<Key> {
  key: Key;
  /** Requires a read from the primary database. */
  isStrong?: boolean;
  /** The lowest acceptable revision. A revision of another epoch requires the primary database. */
  atLeast?: { epoch: string; revision: bigint } | undefined;
}

const oneHit = { hits: 1, misses: 0 };

interface Flight<Value> {
  /** Sequence number of the load; a higher number was sent later. */
  order: number;
  sentAt: number;
  entry: Promise<Entry<Value>>;
}

/**
 * Reads tier by tier and then from the database, with one concurrent load per key. Every entry is checked when it is
 * used, whatever its source. A load that a change has overtaken is neither shared nor cached.
 */
export class ReadThrough<Key, Value> {
  readonly #options: ReadThroughOptions<Key, Value>;
  readonly #flights = new Map<string, Flight<Value>>();
  #sent = 0;

  constructor(options: ReadThroughOptions<Key, Value>) {
    this.#options = options;
  }

  /**
   * Returns the entry of the nearest tier if that tier is synchronous and the entry is current; otherwise undefined,
   * and the caller uses getMany.
   */
  peek(key: Key, atLeast: Demand<Key>['atLeast']): Answer<Value> | undefined {
    const { tiers, nameOf, onLookup } = this.#options;
    const [nearest] = tiers;
    if (!nearest?.peek) return undefined;
    const name = nameOf(key);
    const entry = nearest.peek(name);
    if (entry?.key !== name || !this.#isUsable(entry, key, atLeast)) return undefined;
    onLookup?.(nearest.name, oneHit);
    return entry;
  }

  /** Answers in the order of the demands. Rejects when the database is needed and does not answer. */
  async getMany(demands: readonly Demand<Key>[]): Promise<Answer<Value>[]> {
    const askedAfter = this.#sent;
    const answers = new Array<Answer<Value> | undefined>(demands.length);
    await this.#fromTiers(demands, answers);
    this.#fromNearest(demands, answers);
    // Shares a running load first; a demand for which that load was sent too early gets a later one.
    for (const mayShareEarlier of [true, false]) {
      const open = [...demands.keys()].filter((at) => !answers[at]);
      if (open.length > 0) await this.#fromDatabase(demands, open, answers, { askedAfter, mayShareEarlier });
    }
    return answers as Answer<Value>[];
  }

  async #fromTiers(demands: readonly Demand<Key>[], answers: (Answer<Value> | undefined)[]): Promise<void> {
    const { tiers, nameOf, onLookup } = this.#options;
    for (const [depth, tier] of tiers.entries()) {
      const open = [...demands.keys()].filter((at) => !answers[at] && !demands[at]?.isStrong);
      if (open.length === 0) return;
      const names = open.map((at) => nameOf((demands[at] as Demand<Key>).key));
      const found = tier.get(names);
      const entries = found instanceof Promise ? await found : found;
      const usable: Entry<Value>[] = [];
      for (const [place, at] of open.entries()) {
        const entry = entries[place];
        const demand = demands[at] as Demand<Key>;
        if (!entry || entry.key !== names[place] || !this.#isUsable(entry, demand.key, demand.atLeast))
          continue;
        if (tier.isShared && !this.#isPlausible(entry, demand)) continue;
        answers[at] = { ...entry, tier: tier.name };
        usable.push(entry);
      }
      onLookup?.(tier.name, { hits: usable.length, misses: open.length - usable.length });
      if (usable.length > 0) for (const faster of tiers.slice(0, depth)) void faster.set(usable);
    }
  }

  /** Another request may have filled the nearest tier while a slower tier was read. */
  #fromNearest(demands: readonly Demand<Key>[], answers: (Answer<Value> | undefined)[]): void {
    const { tiers, nameOf, onLookup } = this.#options;
    const [nearest, ...slower] = tiers;
    if (!nearest || slower.length === 0) return;
    for (const [at, demand] of demands.entries()) {
      if (answers[at] || demand.isStrong) continue;
      const name = nameOf(demand.key);
      const found = nearest.get([name]);
      const [entry] = found instanceof Promise ? [] : found;
      if (!entry || entry.key !== name || !this.#isUsable(entry, demand.key, demand.atLeast)) continue;
      answers[at] = { ...entry, tier: nearest.name };
      onLookup?.(nearest.name, { hits: 1, misses: 0 });
    }
  }

  #isUsable(entry: Entry<Value>, key: Key, atLeast: Demand<Key>['atLeast']): boolean {
    const { validity, referenceOf } = this.#options;
    return validity.isCurrent(entry, referenceOf(key)) && reaches(entry, atLeast);
  }

  /**
   * Checks an entry that another process wrote. An entry beyond the known position may belong to a lost history, so
   * it is loaded instead.
   */
  #isPlausible(entry: Entry<Value>, { key }: Demand<Key>): boolean {
    const { validity, isAbout } = this.#options;
    const { position } = validity;
    return position !== undefined && entry.asOf <= position.revision && isAbout?.(key, entry.value) !== false;
  }

  async #fromDatabase(
    demands: readonly Demand<Key>[],
    open: readonly number[],
    answers: (Answer<Value> | undefined)[],
    asked: { askedAfter: number; mayShareEarlier: boolean },
  ): Promise<void> {
    const { validity, nameOf, referenceOf, clock, stalenessMs, onLookup } = this.#options;
    this.#requireTrust();
    const flights = this.#board(
      open.map((at) => demands[at] as Demand<Key>),
      asked,
    );
    let hits = 0;
    for (const at of open) {
      const { key } = demands[at] as Demand<Key>;
      const flight = flights.get(nameOf(key)) as Flight<Value>;
      const entry = await flight.entry;
      this.#requireTrust();
      const isTooOld = clock() >= flight.sentAt + stalenessMs;
      if (flight.order > asked.askedAfter) {
        // The load was sent after the demand, so its values were current at some moment since then.
        if (isTooOld)
          throw new RegistryError(
            'REGISTRY_UNAVAILABLE',
            'The registry database answers too slowly; try again shortly',
          );
      } else if (isTooOld || !validity.isCurrent(entry, referenceOf(key))) continue;
      answers[at] = { ...entry, tier: 'database' };
      hits++;
    }
    onLookup?.('database', { hits, misses: open.length - hits });
  }

  /** Throws where the database may be a primary that was replaced. */
  #requireTrust(): void {
    const { refusal } = this.#options.validity;
    if (refusal !== undefined) throw new RegistryError('REGISTRY_UNAVAILABLE', refusal);
  }

  /** Assigns each demand to a running load that it may share, or to one new load for all the others. */
  #board(
    demands: readonly Demand<Key>[],
    { askedAfter, mayShareEarlier }: { askedAfter: number; mayShareEarlier: boolean },
  ): Map<string, Flight<Value>> {
    const { nameOf } = this.#options;
    const boarded = new Map<string, Flight<Value>>();
    const missing = new Map<string, Key>();
    for (const { key, isStrong, atLeast } of demands) {
      const name = nameOf(key);
      const flight = this.#flights.get(name);
      const isEarlierEnough = mayShareEarlier && !isStrong && !atLeast;
      if (flight && (flight.order > askedAfter || isEarlierEnough)) boarded.set(name, flight);
      else missing.set(name, key);
    }
    if (missing.size === 0) return boarded;

    const order = ++this.#sent;
    const sentAt = this.#options.clock();
    const load = this.#load([...missing.values()]);
    for (const [place, name] of [...missing.keys()].entries()) {
      const flight = { order, sentAt, entry: load.then((entries) => entries[place] as Entry<Value>) };
      this.#flights.set(name, flight);
      boarded.set(name, flight);
      const land = () => {
        if (this.#flights.get(name) === flight) this.#flights.delete(name);
      };
      flight.entry.then(land, land);
    }
    return boarded;
  }

  async #load(keys: readonly Key[]): Promise<Entry<Value>[]> {
    const { tiers, validity, load, nameOf, referenceOf } = this.#options;
    const { epoch, asOf, values } = await load(keys);
    if (epoch !== validity.position?.epoch) validity.poll().catch(() => undefined);
    const readAt = Date.now();
    const entries = keys.map((key, at) => ({
      key: nameOf(key),
      epoch,
      asOf,
      readAt,
      value: values[at] as Value,
    }));
    // An entry that a change has overtaken is not cached.
    const current = entries.filter((entry, at) => validity.isCurrent(entry, referenceOf(keys[at] as Key)));
    for (const tier of tiers) if (current.length > 0) void tier.set(current);
    return entries;
  }
}

/** Whether an entry reaches the required revision. Revision numbers of another epoch cannot be compared. */
function reaches(entry: { epoch: string; asOf: bigint }, atLeast: Demand<unknown>['atLeast']): boolean {
  return atLeast === undefined || (entry.epoch === atLeast.epoch && entry.asOf >= atLeast.revision);
}
