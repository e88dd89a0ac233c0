import type { Laggard, ReplicaRows } from '../../../src/feed/acknowledge.js';
import type { FeedPage, ReplicaReport } from '../../../src/feed/change.js';
import type { Figures } from './figures.js';
import type { ModelRegistry } from './model-registry.js';
import type { Chance, VirtualTime } from './virtual-time.js';

interface Row {
  epoch: string | null;
  revision: bigint;
  clientsRevision: bigint | null;
  stalenessMs: number;
  registeredAt: number;
  reportedAt: string;
}

/**
 * The rows of the replicas with the behaviour of READ COMMITTED: the snapshot of a poll is taken at its beginning, its
 * report is visible at its end, and other statements on the same row wait in between.
 */
export class ModelReplicas implements ReplicaRows {
  readonly #rows = new Map<string, Row>();
  /** Resolves at the end of the statement that has locked the row. */
  readonly #held = new Map<Row, Promise<void>>();
  readonly #registry: ModelRegistry;
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  readonly #figures: Figures;
  #reports = 0;

  constructor(options: { registry: ModelRegistry; time: VirtualTime; chance: Chance; figures: Figures }) {
    const { registry, time, chance, figures } = options;
    this.#figures = figures;
    this.#registry = registry;
    this.#time = time;
    this.#chance = chance;
  }

  register(id: string, stalenessMs: number): string {
    const { epoch } = this.#registry.point;
    if (this.#rows.has(id)) return epoch;
    const registeredAt = this.#time.now;
    const row = {
      ...{ epoch: null, revision: 0n, clientsRevision: null },
      ...{ stalenessMs, registeredAt, reportedAt: this.#now() },
    };
    this.#rows.set(id, row);
    this.#registry.wrote(() => this.#rows.delete(id));
    return epoch;
  }

  /** Whether a row is as old as this. */
  hasRowFrom(time: number): boolean {
    return [...this.#rows.values()].some(({ registeredAt }) => registeredAt <= time);
  }

  async poll(id: string, { position, isSettled, clientsRevision }: ReplicaReport): Promise<FeedPage> {
    const page = this.#registry.readPage(position);
    const row = this.#rows.get(id);
    if (!row) return { ...page, isRegistered: false };
    return this.#holding(row, async (): Promise<FeedPage> => {
      if (this.#rows.get(id) !== row) return { ...page, isRegistered: false };
      const { incarnation } = this.#registry;
      const takesTime = this.#chance.happens(0.1);
      if (takesTime) await this.#time.sleep(this.#chance.between(1, this.#chance.happens(0.1) ? 2_000 : 100));
      if (incarnation !== this.#registry.incarnation) throw new Error('the database is not reachable');
      const before = { ...row };
      this.#registry.wrote(() => Object.assign(row, before));
      row.epoch = isSettled ? (position?.epoch ?? null) : null;
      row.revision = position?.revision ?? 0n;
      row.clientsRevision = clientsRevision ?? null;
      row.reportedAt = this.#now();
      return { ...page, isRegistered: true };
    });
  }

  async findLaggards(
    { epoch, revision }: { epoch: string; revision: bigint },
    waitFor: 'GATEWAYS' | 'EVERYWHERE',
  ): Promise<Laggard[]> {
    if (epoch !== this.#registry.point.epoch) throw new Error('the registry has begun another history');
    const laggards: Laggard[] = [];
    for (const [id, row] of this.#rows) {
      const { clientsRevision, stalenessMs, reportedAt: lastReport } = row;
      const clientsLag = waitFor === 'EVERYWHERE' && clientsRevision !== null && clientsRevision < revision;
      if (row.epoch !== epoch || row.revision < revision || clientsLag)
        laggards.push({ id, lastReport, stalenessMs });
    }
    return laggards;
  }

  async remove({ id, lastReport }: Laggard, epoch: string): Promise<void> {
    const row = this.#rows.get(id);
    if (row?.reportedAt !== lastReport || this.#registry.point.epoch !== epoch) return;
    await this.#holding(row, async () => {
      if (row.reportedAt !== lastReport) return;
      this.#delete(id, row);
      this.#figures.count('rows removed');
    });
  }

  async unregister(id: string, epoch: string): Promise<void> {
    const row = this.#rows.get(id);
    if (!row || this.#registry.point.epoch !== epoch) return;
    await this.#holding(row, async () => this.#delete(id, row));
  }

  #delete(id: string, row: Row): void {
    if (this.#rows.get(id) !== row) return;
    this.#rows.delete(id);
    this.#registry.wrote(() => this.#rows.set(id, row));
  }

  async #holding<T>(row: Row, work: () => Promise<T>): Promise<T> {
    while (this.#held.has(row)) await this.#held.get(row);
    const done = work();
    const free = done.then(
      () => undefined,
      () => undefined,
    );
    this.#held.set(row, free);
    try {
      return await done;
    } finally {
      if (this.#held.get(row) === free) this.#held.delete(row);
    }
  }

  /** The database's time; no two reports have the same. */
  #now(): string {
    return (this.#time.now + ++this.#reports * 1e-6).toFixed(6);
  }
}
