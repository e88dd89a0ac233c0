import type { Loaded } from '../../../src/cache/read-through.js';
import type { Change, FeedPage, Position } from '../../../src/feed/change.js';
import { formatValue, type HistoryEvent } from './history.js';
import type { Host, Link } from './network.js';
import type { Chance, VirtualTime } from './virtual-time.js';

export interface ModelTenant {
  id: string;
  slug: string;
  status: 'active' | 'suspended';
  schema: string;
  /** Whether each external id that it has ever had resolves. */
  externalIds: ReadonlyMap<string, boolean>;
}

/** The change of one row; without a tenant it is a change of the module. */
export type Edit =
  | { tenant: number; verb: 'register' | 'suspend' | 'resume' | 'move' | 'name' | 'unname' }
  | { tenant: undefined; verb: 'update' };

export const tenantCount = 5;
/** Tenants that do not exist at first. */
const registeredAtFirst = 3;

export function idOf(tenant: number): string {
  return `${String(tenant).repeat(8)}-0000-4000-8000-00000000000a`;
}

export function slugOf(tenant: number): string {
  return `tenant-${tenant}`;
}

/** The two external ids that a tenant can have. */
function externalIdsOf(tenant: number): string[] {
  return [`tn_${tenant}`, `Old-${tenant}`];
}

export function externalIdOf(tenant: number): string {
  return externalIdsOf(tenant)[0] as string;
}

/** All that a tenant can be asked for by. */
export function referencesTo(tenant: number): string[] {
  return [idOf(tenant), slugOf(tenant), ...externalIdsOf(tenant)];
}

/** A small page, so that gateways often fall too far behind to continue. */
const maxRevisionsPerPage = 5n;
const firstRevision = 30n;

/**
 * The primary: rows, the change log with its hash chain, the head. Each method is one transaction at one moment. A
 * standby that takes over lacks the last transactions; a restored dump lacks more.
 */
export class ModelRegistry {
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  readonly #record: (event: HistoryEvent) => void;
  #head: Position;
  #log: Omit<Change, 'externalIds'>[] = [];
  #tenants = new Map<number, ModelTenant>();
  #moduleVersion = 1;
  #undo: { at: number; run: () => void }[] = [];
  #names = 0;
  /** Number of the server: connections to an earlier server are lost. */
  incarnation = 0;
  isUp = true;
  onCommit: () => void = () => undefined;

  constructor(time: VirtualTime, chance: Chance, record: (event: HistoryEvent) => void) {
    this.#time = time;
    this.#chance = chance;
    this.#record = record;
    this.#head = { epoch: this.#epochName(), revision: firstRevision, hash: 'hash 0' };
    record({ kind: 'begun', at: 0, epoch: this.#head.epoch, kept: firstRevision });
    for (let tenant = 0; tenant < registeredAtFirst; tenant++) this.#apply({ tenant, verb: 'register' });
    this.#apply({ tenant: 0, verb: 'name' });
    record({ kind: 'committed', at: 0, ...this.point, values: this.#valuesOf(undefined) });
  }

  get point(): { epoch: string; revision: bigint } {
    return { epoch: this.#head.epoch, revision: this.#head.revision };
  }

  /** undefined while the server is down. */
  statusOf(tenant: number): ModelTenant['status'] | undefined {
    return this.#tenants.get(tenant)?.status;
  }

  /** Calls the server. A connection to a replaced server is lost, or leads to its successor. */
  ask<T>(caller: Host, link: Link, timeoutMs: number, work: () => T | Promise<T>): Promise<T> {
    const { incarnation } = this;
    return link.call(caller, timeoutMs, () => {
      if (!this.isUp || (incarnation !== this.incarnation && this.#chance.happens(0.5)))
        throw new Error('the database is down');
      return work();
    });
  }

  /** One transaction with those changes that are possible; undefined when none is. */
  commit(edits: readonly Edit[]): { epoch: string; revision: bigint } | undefined {
    const before = { head: this.#head, tenants: new Map(this.#tenants), module: this.#moduleVersion };
    const possible = edits.filter((edit) => this.#apply(edit));
    if (possible.length === 0) return undefined;
    const revision = before.head.revision + 1n;
    let { hash } = before.head;
    for (const [position, { tenant, verb }] of possible.entries()) {
      const previousHash = hash;
      // The hash depends on this history: the same revision of another history has another hash.
      hash = `hash ${before.head.epoch} ${revision}.${position}`;
      const isModule = tenant === undefined;
      this.#log.push({
        revision,
        position,
        kind: `${isModule ? 'module' : nounOf(verb)}.${verb}`,
        tenantId: isModule ? null : idOf(tenant),
        tenantSlug: isModule ? null : slugOf(tenant),
        module: isModule ? 'finance' : null,
        tenantModules: isModule ? [] : ['finance'],
        previousHash,
        hash,
      });
    }
    this.#head = { ...before.head, revision, hash };
    this.wrote(() => {
      this.#head = before.head;
      this.#tenants = before.tenants;
      this.#moduleVersion = before.module;
      this.#log = this.#log.filter((change) => change.revision < revision);
    });
    const touchesAll = possible.some(({ tenant }) => tenant === undefined);
    const touched = possible.map(({ tenant }) => tenant).filter((tenant) => tenant !== undefined);
    const values = this.#valuesOf(touchesAll ? undefined : touched);
    this.#record({ kind: 'committed', at: this.#time.now, ...this.point, values });
    this.onCommit();
    return this.point;
  }

  /** Reads values and head in one snapshot. */
  load(references: readonly string[]): Loaded<string> {
    const { epoch, revision } = this.#head;
    const find = (reference: string) =>
      [...this.#tenants.values()].find(
        ({ id, slug, externalIds }) =>
          id === reference || slug === reference || externalIds.get(reference) === true,
      );
    const values = references.map((reference) => formatValue(find(reference), this.#moduleVersion));
    return { epoch, asOf: revision, values };
  }

  readPage(position: Position | undefined): Omit<FeedPage, 'isRegistered'> {
    const head = this.#head;
    const oldest = head.revision > maxRevisionsPerPage ? head.revision - maxRevisionsPerPage : 0n;
    const canContinue =
      position !== undefined &&
      position.epoch === head.epoch &&
      position.revision >= oldest &&
      position.revision <= head.revision;
    const since = canContinue ? position.revision : oldest;
    return { head, since, changes: this.readChanges(since, head.revision) };
  }

  readChangesOf(epoch: string, after: bigint, upTo: bigint): Change[] {
    if (epoch !== this.#head.epoch) throw new Error('the registry has begun another history');
    return this.readChanges(after, upTo);
  }

  readChanges(after: bigint, upTo: bigint): Change[] {
    return this.#log
      .filter(({ revision }) => revision > after && revision <= upTo)
      .map((change) => ({ ...change, externalIds: this.#everNamed(change.tenantId) }));
  }

  /** The external ids of the time of the read, not of the change. */
  #everNamed(tenantId: string | null): string[] {
    const tenant = [...this.#tenants.values()].find(({ id }) => id === tenantId);
    return [...(tenant?.externalIds.keys() ?? [])];
  }

  /** Whether a value from that point is of a replaced history, or was changed since. */
  isOvertaken({ epoch, asOf }: { epoch: string; asOf: bigint }, reference: string): boolean {
    const concerns = ({ tenantId, tenantSlug, externalIds }: Change) =>
      tenantId === null || [tenantId, tenantSlug, ...externalIds].includes(reference);
    return epoch !== this.#head.epoch || this.readChanges(asOf, this.#head.revision).some(concerns);
  }

  /** Records a write, which the successor of this server may lack. */
  wrote(run: () => void): void {
    this.#undo.push({ at: this.#time.now, run });
    if (this.#undo.length > 200) this.#undo.splice(0, 100);
  }

  /** Another server takes over without the last writes; no write older than this time is lost. */
  replace({ lostWrites, lagMs }: { lostWrites: number; lagMs: number }): void {
    this.incarnation++;
    for (const { at, run } of this.#undo.splice(-lostWrites).reverse())
      if (at > this.#time.now - lagMs) run();
    this.#undo = [];
    this.#head = { ...this.#head, epoch: this.#epochName() };
    const { epoch, revision } = this.#head;
    this.#record({ kind: 'begun', at: this.#time.now, epoch, kept: revision });
  }

  #apply(edit: Edit): boolean {
    if (edit.tenant === undefined) {
      this.#moduleVersion = ++this.#names;
      return true;
    }
    const { tenant: number, verb } = edit;
    const tenant = this.#tenants.get(number);
    if (verb === 'register') {
      if (tenant) return false;
      this.#tenants.set(number, {
        id: idOf(number),
        slug: slugOf(number),
        status: 'active',
        schema: this.#newName(number),
        externalIds: new Map(),
      });
      return true;
    }
    if (!tenant) return false;
    if (verb === 'name' || verb === 'unname') {
      const isNaming = verb === 'name';
      const externalId = externalIdsOf(number).find(
        (one) => (tenant.externalIds.get(one) ?? false) !== isNaming,
      );
      if (externalId === undefined) return false;
      const externalIds = new Map([...tenant.externalIds, [externalId, isNaming] as const]);
      this.#tenants.set(number, { ...tenant, externalIds });
    } else if (verb === 'move') this.#tenants.set(number, { ...tenant, schema: this.#newName(number) });
    else {
      const status = verb === 'suspend' ? 'suspended' : 'active';
      if (tenant.status === status) return false;
      this.#tenants.set(number, { ...tenant, status });
    }
    return true;
  }

  #valuesOf(touched: readonly number[] | undefined): Record<string, string> {
    const values: Record<string, string> = {};
    for (const tenant of touched ?? Array.from({ length: tenantCount }, (_, number) => number)) {
      const known = this.#tenants.get(tenant);
      for (const reference of referencesTo(tenant)) {
        // A change of a tenant is no change of a name that it has never had.
        if (touched && externalIdsOf(tenant).includes(reference) && !known?.externalIds.has(reference))
          continue;
        const isNamed = known?.externalIds.get(reference) ?? !externalIdsOf(tenant).includes(reference);
        values[reference] = formatValue(isNamed ? known : undefined, this.#moduleVersion);
      }
    }
    return values;
  }

  /** A generation that was never used in any history: the service database is not lost together with the registry. */
  #newName(tenant: number): string {
    return `s${tenant}_${++this.#names}`;
  }

  #epochName(): string {
    return this.incarnation.toString(16).padStart(16, '0');
  }
}

function nounOf(verb: string): string {
  return verb === 'name' || verb === 'unname' ? 'external_id' : 'tenant';
}
