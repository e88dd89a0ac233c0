import { openMemoryTier } from '../../../src/cache/memory-tier.js';
import { type Loaded, ReadThrough } from '../../../src/cache/read-through.js';
import type { Answer, Entry, Tier } from '../../../src/cache/tier.js';
import { awaitAcknowledgement, type WaitFor } from '../../../src/feed/acknowledge.js';
import { type ChangeStream, openChangeStream } from '../../../src/feed/change-stream.js';
import { ClientLeases } from '../../../src/feed/client-leases.js';
import type { Clock } from '../../../src/feed/clock.js';
import { Follower } from '../../../src/feed/follower.js';
import type { Point } from './history.js';
import type { Edit } from './model-registry.js';
import { type Host, Link } from './network.js';
import type { World } from './run-history.js';

export interface Question {
  reference: string;
  isStrong: boolean;
  atLeast: Point | undefined;
}

/** The response to a client: the answer, and how long the client may reuse it. */
export interface Told {
  answer: Answer<string>;
  remainingMs: number;
}

const pollIntervalMs = 500;

/** One gateway: the real parts of the product with a model of the network, of the database and of Redis. */
export class ModelGateway implements Host {
  readonly id: string;
  readonly follower: Follower;
  /** The connection from clients. */
  readonly door: Link;
  readonly feedLink: Link;
  readonly readLink: Link;
  isAlive = true;
  /** Accepts no more requests, and ends when it has answered the running ones. */
  isStopping = false;
  readonly #world: World;
  readonly #clock: Clock;
  readonly #waitingClock: Clock;
  #sleptMs = 0;
  #wasSetByMs = 0;
  readonly #routes: ReadThrough<string, string>;
  readonly #leases: ClientLeases;
  readonly #changes: ChangeStream;
  readonly #loadsOf = new Map<string, number>();

  constructor(world: World, id: string) {
    const { time, chance, weather, registry, replicas, record, figures, stalenessMs } = world;
    this.#world = world;
    this.id = id;
    const link = () => new Link(time, chance, weather);
    [this.door, this.feedLink, this.readLink] = [link(), link(), link()];
    // Every clock starts at another time, so that a time read on another clock is recognised as wrong.
    const offsetMs = chance.between(-2_000, 2_000);
    this.#clock = () => time.now + offsetMs + this.#wasSetByMs;
    let waited = Number.NEGATIVE_INFINITY;
    this.#waitingClock = () => {
      waited = Math.max(waited, time.now + offsetMs - this.#sleptMs);
      return waited;
    };
    this.#leases = new ClientLeases(this.#waitingClock);
    this.#changes = openChangeStream({
      position: () => this.follower.position,
      read: (epoch, after, upTo) =>
        registry.ask(this, this.feedLink, stalenessMs, () => registry.readChangesOf(epoch, after, upTo)),
    });
    const memory = openMemoryTier<string>({ maxEntries: 6, ttlMs: 3_600_000 });
    this.follower = new Follower({
      source: {
        register: () =>
          registry.ask(this, this.feedLink, stalenessMs, () => replicas.register(id, stalenessMs)),
        poll: (report) => registry.ask(this, this.feedLink, stalenessMs, () => replicas.poll(id, report)),
        unregister: (epoch) =>
          registry.ask(this, this.feedLink, stalenessMs, () => replicas.unregister(id, epoch)),
      },
      clock: this.#clock,
      waitingClock: this.#waitingClock,
      stalenessMs,
      clientsRevision: () => this.#leases.lowestConfirmed,
      onMoved: (changes) => {
        const { epoch, revision } = this.follower.position as Point;
        record({ kind: 'moved', at: time.now, gateway: id, epoch, revision });
        this.#changes.moved(changes);
      },
      onResync: () => {
        figures.count('resyncs');
        this.#leases.startOver();
        memory.clear();
      },
    });
    const redis = world.redis.openTier(this, link());
    this.#routes = new ReadThrough<string, string>({
      tiers: [this.#observed(memory), this.#observed(redis)],
      validity: this.follower,
      load: (references) => this.#load(references),
      nameOf: (reference) => `${reference}/finance`,
      referenceOf: (reference) => reference,
      clock: this.#clock,
      stalenessMs,
    });
  }

  async #load(references: readonly string[]): Promise<Loaded<string>> {
    const { registry, figures } = this.#world;
    figures.count('loads');
    for (const reference of references) this.#loadsOf.set(reference, this.#countLoads(reference) + 1);
    const loaded = await registry.ask(this, this.readLink, 10_000, () => registry.load(references));
    for (const reference of references)
      if (loaded.asOf < this.follower.floorOf(reference)) figures.count('loads that a change overtook');
    return loaded;
  }

  #countLoads(reference: string): number {
    return this.#loadsOf.get(reference) ?? 0;
  }

  start(): void {
    const tick = () => {
      if (!this.isAlive || this.isStopping) return;
      const next = () => this.#world.time.after(pollIntervalMs, tick);
      this.follower.poll().then(next, next);
    };
    tick();
  }

  hint(): void {
    if (this.isAlive) this.follower.poll().catch(() => undefined);
  }

  /** The clock of the lease jumps ahead, as when the time of day was set. */
  setClock(byMs: number): void {
    this.#wasSetByMs += byMs;
  }

  /** The clock for waiting stood still. */
  stopClock(forMs: number): void {
    this.#sleptMs += forMs;
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    this.#world.figures.count('graceful stops');
    await this.follower.stop().catch(() => undefined);
  }

  /** As registry/reader.ts does it: at once when memory holds all, and otherwise all together. */
  #readNow(questions: readonly Question[]): Answer<string>[] | undefined {
    const held: Answer<string>[] = [];
    for (const { reference, isStrong, atLeast } of questions) {
      const answer = isStrong ? undefined : this.#routes.peek(reference, atLeast);
      if (!answer) return undefined;
      held.push(answer);
    }
    this.#world.figures.count('answers at once');
    return held;
  }

  /** As in graphql/route.ts: a client that gets a lease with an answer counts as using the answer for that long. */
  async read(questions: readonly Question[], client?: { name: string | undefined }): Promise<Told[]> {
    const { follower } = this;
    const { figures } = this.#world;
    if (follower.position && follower.leaseRemainingMs === 0) figures.count('questions without a lease');
    const loadsBefore = questions.map(({ reference }) => this.#countLoads(reference));
    const demands = questions.map(({ reference: key, isStrong, atLeast }) => ({ key, isStrong, atLeast }));
    const answers = this.#readNow(questions) ?? (await this.#routes.getMany(demands));
    return answers.map((answer, at) => {
      const { reference } = questions[at] as Question;
      if (answer.tier === 'database' && this.#countLoads(reference) === loadsBefore[at])
        figures.count('shared loads');
      const remainingMs = follower.isCurrent(answer, reference) ? Math.floor(follower.leaseRemainingMs) : 0;
      if (client && remainingMs > 0 && follower.position)
        if (
          client.name === undefined ||
          !this.#leases.extend({ actor: 'sdk', client: client.name }, remainingMs)
        )
          this.#leases.grantUnnamed(follower.position.revision, remainingMs);
      return { answer, remainingMs };
    });
  }

  /**
   * As in server/lease.ts: the lease is granted before anything is awaited, otherwise mutations are acknowledged
   * meanwhile.
   */
  async renew(client: string, has: Point | undefined) {
    const { position, leaseRemainingMs: remainingMs } = this.follower;
    if (!position) return undefined;
    const canContinue = has?.epoch === position.epoch && has.revision <= position.revision;
    const confirmed = canContinue ? has.revision : undefined;
    this.#leases.grant({ actor: 'sdk', client }, { confirmed, current: position.revision, remainingMs });
    const changed = canContinue && (await this.#changes.changesAfter(has.revision, position.revision));
    return { position, remainingMs: Math.floor(remainingMs), changed: changed || undefined };
  }

  /** Runs a mutation; returns undefined when it changes nothing. */
  async change(edit: Edit, waitFor: WaitFor): Promise<Point | undefined> {
    const { time, registry, replicas, record, figures, stalenessMs } = this.#world;
    const ask = <T>(work: () => T | Promise<T>) => registry.ask(this, this.readLink, stalenessMs, work);
    const committed = await ask(() => registry.commit([edit]));
    if (!committed) return undefined;
    const startedAt = time.now;
    await awaitAcknowledgement(
      {
        rows: {
          findLaggards: (...which) => ask(() => replicas.findLaggards(...which)),
          remove: (...which) => ask(() => replicas.remove(...which)),
        },
        clock: this.#waitingClock,
        sleep: (ms) => time.sleep(ms),
        stalenessMs,
      },
      { ...committed, waitFor },
    );
    if (!this.isAlive) return new Promise(() => undefined);
    figures.count(`acks of ${waitFor} ${time.now - startedAt < stalenessMs ? 'by report' : 'after D'}`);
    record({ kind: 'acknowledged', at: time.now, waitFor, ...committed });
    if (waitFor !== 'COMMITTED') this.#world.acknowledged(edit);
    return committed;
  }

  /** A tier that records in the history what is stored in it. */
  #observed(tier: Tier<string>): Tier<string> {
    const { time, record } = this.#world;
    const recordFill = ({ key, epoch, asOf, value }: Entry<string>, held?: Held) =>
      record({
        kind: 'filled',
        at: time.now,
        gateway: this.id,
        tier: tier.name,
        known: this.follower.position,
        over: held && { epoch: held.epoch, asOf: held.asOf },
        reference: key.slice(0, key.indexOf('/')),
        ...{ epoch, asOf, value },
      });
    const setAndRecord = (entries: readonly Entry<string>[]) => {
      const done = tier.set(entries);
      for (const entry of entries) recordFill(entry);
      return done;
    };
    return {
      name: tier.name,
      isShared: tier.isShared,
      get: (keys) => tier.get(keys),
      ...(tier.peek && { peek: (key: string) => tier.peek?.(key) }),
      set: (entries) => {
        if (tier.name !== 'memory') return setAndRecord(entries);
        // One after the other: an entry that is stored may take the place of another one, whose fate could not be told afterwards.
        for (const entry of entries) {
          const [held] = tier.get([entry.key]) as Held[];
          tier.set([entry]);
          const [kept] = tier.get([entry.key]) as Held[];
          // The tier may refuse an entry when it has a newer one.
          if (kept?.epoch === entry.epoch && kept.asOf === entry.asOf) recordFill(entry, held);
        }
        return undefined;
      },
      clear: () => tier.clear(),
    };
  }
}

type Held = Entry<string> | undefined;
