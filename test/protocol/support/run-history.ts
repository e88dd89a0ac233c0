import { injectFault } from './faults.js';
import { Figures } from './figures.js';
import type { History, HistoryEvent } from './history.js';
import { CachingClient, type Demand, ModelClient, referencesOf } from './model-clients.js';
import { ModelGateway } from './model-gateway.js';
import { ModelRedis } from './model-redis.js';
import {
  type Edit,
  externalIdOf,
  idOf,
  ModelRegistry,
  referencesTo,
  slugOf,
  tenantCount,
} from './model-registry.js';
import { ModelReplicas } from './model-replicas.js';
import { SdkClient } from './model-sdk.js';
import type { Weather } from './network.js';
import { type Chance, createChance, VirtualTime } from './virtual-time.js';

export interface WorldOptions {
  seed: number;
  /** Number of requests and changes. */
  operations: number;
  hasFaults: boolean;
}

const gatewayCount = 3;

const weathers: Weather[] = [
  { breezy: 0.1, rough: 0, stormy: 0 },
  { breezy: 0.2, rough: 0.05, stormy: 0.005 },
  { breezy: 0.2, rough: 0.2, stormy: 0.03 },
];

/** The keys that caching clients request repeatedly. */
const favourites = [idOf(0), slugOf(0), slugOf(1), externalIdOf(0)];

const demands: Demand[] = ['as it is', 'as it is', 'as it is', 'with its token', 'with its token', 'strong'];

/** How long to wait for running work at the end, in milliseconds. */
const finaleMs = 7_000;

/** Runs one history: a database, a Redis, gateways and clients with random faults, all from one seed. */
export class World {
  readonly time = new VirtualTime();
  readonly stalenessMs = 5_000;
  readonly chance: Chance;
  readonly weather: Weather;
  readonly options: WorldOptions;
  readonly figures: Figures;
  readonly registry: ModelRegistry;
  readonly replicas: ModelReplicas;
  readonly redis: ModelRedis;
  readonly events: HistoryEvent[] = [];
  readonly #gateways: ModelGateway[] = [];
  readonly #clients: ModelClient[];
  readonly #sdkClients: SdkClient[];
  readonly #holders: (CachingClient | SdkClient)[];
  #started = 0;
  #done = 0;
  #failure: unknown;

  constructor(options: WorldOptions, figures: Figures) {
    this.options = options;
    this.figures = figures;
    const { time } = this;
    const chance = createChance(options.seed);
    this.chance = chance;
    this.weather = options.hasFaults ? chance.pick(weathers) : { breezy: 0.1, rough: 0, stormy: 0 };
    this.registry = new ModelRegistry(time, chance, this.record);
    this.replicas = new ModelReplicas({ registry: this.registry, time, chance, figures });
    const isOvertaken = (entry: { key: string; epoch: string; asOf: bigint }) =>
      this.registry.isOvertaken(entry, entry.key.slice(0, entry.key.indexOf('/')));
    this.redis = new ModelRedis({ time, chance, figures, isOvertaken });
    this.registry.onCommit = () => this.#hint();
    while (this.#gateways.length < gatewayCount) this.startGateway();
    this.#clients = ['ann', 'ben', 'cas'].map((name) => new ModelClient(this, name));
    this.#sdkClients = ['gus', 'hal'].map((name) => new SdkClient(this, name));
    this.#holders = [
      new CachingClient(this, 'dan', true),
      new CachingClient(this, 'eve', true),
      new CachingClient(this, 'fay', false),
      ...this.#sdkClients,
    ];
  }

  readonly record = (event: HistoryEvent): void => {
    this.events.push(event);
  };

  /** The gateways that accept requests; there may be none. */
  get gateways(): ModelGateway[] {
    return this.#gateways.filter(({ isAlive, isStopping }) => isAlive && !isStopping);
  }

  anyGateway(): ModelGateway {
    return this.chance.pick(this.gateways.length > 0 ? this.gateways : this.#gateways);
  }

  startGateway(): void {
    const gateway = new ModelGateway(this, `gateway ${this.#started++}`);
    this.#gateways.push(gateway);
    gateway.start();
  }

  async run(): Promise<History> {
    const { time, options } = this;
    let endsAt = Number.POSITIVE_INFINITY;
    const operate = () => {
      if (this.#done >= options.operations) {
        endsAt = time.now + finaleMs;
        return;
      }
      if (options.hasFaults && this.chance.happens(0.07)) injectFault(this);
      else this.#operate();
      time.after(this.#pauseMs(), operate);
    };
    // New gateways need some time first.
    time.after(50, operate);
    await time.runUntil(() => time.now >= endsAt);
    if (this.#failure) throw this.#failure;
    this.figures.count('histories');
    this.figures.count('operations', this.#done);
    return { stalenessMs: this.stalenessMs, events: this.events };
  }

  /** All clients request it at once. */
  acknowledged(edit: Edit): void {
    const { chance } = this;
    if (chance.happens(0.3)) return;
    const reference = chance.pick(referencesOf(edit));
    this.time.after(0, () => {
      for (const gateway of this.gateways)
        this.#note(this.#anyClient().read([[reference, 'as it is']], gateway));
      for (const holder of this.#holders) this.#note(holder.read(reference));
    });
  }

  #operate(): void {
    const { chance } = this;
    const luck = chance.next();
    if (luck < 0.13) {
      const waitFor = chance.pick(['GATEWAYS', 'EVERYWHERE', 'EVERYWHERE', 'COMMITTED'] as const);
      this.#note(this.#anyClient().change(this.#anyEdit(), waitFor));
    } else if (luck < 0.17) this.#changeByHand();
    else if (luck < 0.35) this.#note(chance.pick(this.#holders).read(chance.pick(favourites)));
    else if (luck < 0.5) this.#rush();
    else this.#note(this.#anyClient().read(this.#anyQuestions()));
  }

  /** Many clients send one gateway the same request. */
  #rush(): void {
    const reference = this.#anyReference();
    const gateway = this.anyGateway();
    for (let count = this.chance.between(2, 6); count > 0; count--)
      this.#note(this.#anyClient().read([[reference, this.#anyDemand()]], gateway));
  }

  /** A change by psql: no mutation waits for it, and it may change several rows. */
  #changeByHand(): void {
    if (!this.registry.isUp) return;
    const edits = this.chance.happens(0.5) ? [this.#anyEdit()] : [this.#anyEdit(), this.#anyEdit()];
    if (this.registry.commit(edits)) this.figures.count('changes by hand');
    this.#done++;
  }

  #note(operation: Promise<void>): void {
    this.#done++;
    operation.catch((error) => {
      this.#failure ??= error;
    });
  }

  #hint(): void {
    const { chance } = this;
    for (const gateway of this.#gateways)
      if (chance.happens(0.7))
        this.time.after(
          chance.happens(0.9) ? chance.between(0.3, 20) : chance.between(20, 1_500),
          () => void gateway.hint(),
        );
    const { epoch, revision } = this.registry.point;
    const changes = this.registry.readChanges(revision - 1n, revision);
    for (const client of this.#sdkClients)
      if (chance.happens(0.4))
        this.time.after(chance.happens(0.7) ? chance.between(0.3, 30) : chance.between(30, 3_000), () => {
          for (const change of changes) client.hear(change, epoch);
        });
  }

  /** Mostly one key; several keys are one request, in which a key may occur twice. */
  #anyQuestions(): [string, Demand][] {
    const count = this.chance.happens(0.2) ? 3 : 1;
    return Array.from({ length: count }, () => [this.#anyReference(), this.#anyDemand()]);
  }

  #anyClient(): ModelClient {
    return this.chance.pick(this.#clients);
  }

  #anyDemand(): Demand {
    return this.chance.pick(demands);
  }

  #anyTenant(): number {
    return Math.floor(this.chance.next() ** 3 * tenantCount);
  }

  #anyReference(): string {
    return this.chance.pick(referencesTo(this.#anyTenant()));
  }

  #anyEdit(): Edit {
    if (this.chance.happens(0.08)) return { tenant: undefined, verb: 'update' };
    const tenant = this.#anyTenant();
    const status = this.registry.statusOf(tenant);
    if (!status) return { tenant, verb: 'register' };
    return {
      tenant,
      verb: this.chance.pick(['move', status === 'active' ? 'suspend' : 'resume', 'name', 'unname']),
    };
  }

  #pauseMs(): number {
    const luck = this.chance.next();
    if (luck < 0.5) return this.chance.between(0, 5);
    if (luck < 0.93) return this.chance.between(5, 250);
    if (luck < 0.99) return this.chance.between(250, 1_500);
    return this.chance.between(1_500, 6_000);
  }
}

export function runHistory(options: WorldOptions, figures = new Figures()): Promise<History> {
  return new World(options, figures).run();
}
