import DataLoader from 'dataloader';
import type { Caller } from '../../auth/caller.js';
import { mayResolve, missingScope } from '../../auth/permissions.js';
import type { Demand } from '../../cache/read-through.js';
import type { Answer, Entry } from '../../cache/tier.js';
import { RegistryError } from '../../errors.js';
import type { Follower } from '../../feed/follower.js';
import { asRegistryError } from '../database-failure.js';
import { isTenantReference } from '../external-id.js';
import { type Revision, readRevision } from '../revision.js';
import { isUuid } from '../slug.js';
import type { Caches } from './caches.js';
import { HeldRoute } from './held-route.js';
import { hasReached, type MigrationProgress, refuseBehind } from './migration-gate.js';
import type { StoredConfig, TenantConfig } from './queries.js';
import {
  decideRoute,
  outcomeOf,
  type Resolution,
  type Route,
  type RouteFacts,
  type RouteKey,
  tenantNotFound,
} from './route.js';

export interface ResolutionRequest extends RouteKey {
  consistency: 'CACHED' | 'STRONG';
  /** Revision token: the answer must be at least as new. */
  minRevision: string | undefined;
  /** Oldest migration that the answer may have; readMinMigration has checked it. */
  minMigration?: string | undefined;
}

interface ConfigRequest {
  tenantId: string;
  minRevision: string | undefined;
}

/** A resolution and where it came from. */
export interface ExplainedResolution {
  resolution: Resolution;
  /** Undefined when nothing was read: the caller may not ask, or the registry cannot tell. */
  answer: Answer<RouteFacts> | undefined;
}

/**
 * Reads for one request; what outlives the request is checked again each time it is used. A route that memory holds is
 * answered at once, without a promise.
 */
export interface Reader {
  /** The route or the refusal; an outage is a refusal too. Any number of calls is at most one statement. */
  resolve(request: ResolutionRequest): Resolution | Promise<Resolution>;
  explain(request: ResolutionRequest): ExplainedResolution | Promise<ExplainedResolution>;
  /** In the order of the requests; at once only when memory holds all of them. */
  explainAll(requests: readonly ResolutionRequest[]): ExplainedResolution[] | Promise<ExplainedResolution[]>;
  /** At least as new as the revision; null for a tenant that does not exist. */
  config(tenantId: string, minRevision?: string): Promise<TenantConfig | null>;
  /** Whether `config` answers with a file, which changes without a revision. */
  isConfigFile(tenantId: string, minRevision?: string): Promise<boolean>;
  /** After a mutation of the same request: forgets earlier reads, and reads nothing older from now on. */
  changed(revision: string | undefined): void;
}

export interface ReaderOptions {
  caches: Caches;
  follower: Follower;
  caller: Caller;
  /** Configurations that are still files, by slug. */
  clients?: { find(slug: string): { config: TenantConfig | undefined } | undefined } | undefined;
}

export function createReader(options: ReaderOptions): Reader {
  return new RequestReader(options);
}

class RequestReader implements Reader {
  readonly #options: ReaderOptions;
  #ownChange: Revision | undefined;
  #routes: DataLoader<ResolutionRequest, Answer<RouteFacts>, string> | undefined;
  #progress: DataLoader<Route, MigrationProgress, string> | undefined;
  #configs: DataLoader<ConfigRequest, StoredConfig | null, string> | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  resolve(request: ResolutionRequest): Resolution | Promise<Resolution> {
    const held = this.#peek(request);
    if (!held) return this.#load(request).then(({ resolution }) => resolution);
    const resolution = this.#decideHeld(request, held);
    if (!isBehind(request, resolution)) {
      this.#countHeld(held);
      return resolution;
    }
    return this.#load(request).then((explained) => explained.resolution);
  }

  explain(request: ResolutionRequest): ExplainedResolution | Promise<ExplainedResolution> {
    const explained = this.#explainHeld(request);
    if (!explained || isBehind(request, explained.resolution)) return this.#load(request);
    this.#countHeld(explained.answer);
    return explained;
  }

  explainAll(requests: readonly ResolutionRequest[]): ExplainedResolution[] | Promise<ExplainedResolution[]> {
    const explained: ExplainedResolution[] = [];
    for (const request of requests) {
      const held = this.#explainHeld(request);
      // All are asked again together: a lease must not be from before a wait, in which a change may be acknowledged.
      if (!held || isBehind(request, held.resolution))
        return Promise.all(requests.map((one) => this.#load(one)));
      explained.push(held);
    }
    for (const { answer } of explained) this.#countHeld(answer);
    return explained;
  }

  async config(tenantId: string, minRevision?: string): Promise<TenantConfig | null> {
    const stored = await this.#loadConfig({ tenantId, minRevision });
    // The file counts while the row says so; the row counts when there is no such file.
    const served = stored?.source === 'yaml' ? this.#options.clients?.find(stored.slug)?.config : undefined;
    return served ?? stored?.config ?? null;
  }

  async isConfigFile(tenantId: string, minRevision?: string): Promise<boolean> {
    return (await this.#loadConfig({ tenantId, minRevision }))?.source === 'yaml';
  }

  changed(revision: string | undefined): void {
    if (revision !== undefined) this.#ownChange = readRevision(revision);
    this.#routes?.clearAll();
    this.#progress?.clearAll();
    this.#configs?.clearAll();
  }

  /**
   * Memory's entry, when the caller may have it and it counts now. An entry is held only under a name that was checked
   * before it was loaded, so a reference that finds one needs no check of its own.
   */
  #peek({ reference, module, consistency, minRevision }: ResolutionRequest): Answer<RouteFacts> | undefined {
    const { caches, caller } = this.#options;
    if (consistency === 'STRONG' || !mayResolve(caller, module)) return undefined;
    const isAnyNewEnough = minRevision === undefined && this.#ownChange === undefined;
    return caches.routes.peek({ reference, module }, isAnyNewEnough ? undefined : this.#floor(minRevision));
  }

  #explainHeld(request: ResolutionRequest): ExplainedResolution | undefined {
    const held = this.#peek(request);
    return held && { resolution: this.#decideHeld(request, held), answer: held };
  }

  /** An entry that was just found to count now. */
  #decideHeld(request: ResolutionRequest, held: Entry<RouteFacts>): Resolution {
    return routeOf(request, held, Math.floor(this.#options.follower.leaseRemainingMs));
  }

  #countHeld(held: Answer<RouteFacts> | undefined): void {
    if (!(held instanceof HeldRoute)) return;
    held.countAnswer();
    const { tenants } = this.#options.caches.counts;
    if (tenants && held.tenantId !== null) tenants.count(held.tenantId);
  }

  async #load(request: ResolutionRequest): Promise<ExplainedResolution> {
    const explained = await this.#loadUncounted(request);
    const { resolution, answer } = explained;
    const { counts } = this.#options.caches;
    counts.of(answer?.value.moduleExists ? request.module : undefined, outcomeOf(resolution)).n++;
    if (counts.tenants && answer?.value.tenantId) counts.tenants.count(answer.value.tenantId);
    return explained;
  }

  async #loadUncounted(request: ResolutionRequest): Promise<ExplainedResolution> {
    // Before anything is read: a key for one module learns nothing about another, not even that it exists.
    if (!mayResolve(this.#options.caller, request.module))
      return { resolution: missingScope(`resolve:${request.module}`), answer: undefined };
    const { reference } = request;
    if (!isTenantReference(reference)) return { resolution: tenantNotFound(reference), answer: undefined };
    try {
      // Floors are kept under ids in lower case; upper and lower case of external ids differ.
      const asked = isUuid(reference) ? { ...request, reference: reference.toLowerCase() } : request;
      this.#routes ??= new DataLoader(
        (requests) => this.#options.caches.routes.getMany(requests.map((one) => this.#toDemand(one))),
        { cacheKeyFn: (one) => JSON.stringify(one) },
      );
      const answer = await this.#routes.load(asked);
      const resolution = this.#decide(asked, answer);
      if (!isBehind(request, resolution)) return { resolution, answer };
      // A cached entry may be from just before the end of the tenant's migration.
      if (answer.tier !== 'database') return this.#loadUncounted({ ...request, consistency: 'STRONG' });
      return { resolution: await this.#refuseBehind(request, resolution), answer };
    } catch (error) {
      const refusal = asRegistryError(error);
      if (refusal) return { resolution: refusal, answer: undefined };
      throw error;
    }
  }

  async #refuseBehind({ minMigration = '' }: ResolutionRequest, route: Route): Promise<RegistryError> {
    this.#progress ??= new DataLoader((routes) => this.#options.caches.findProgress(routes), {
      cacheKeyFn: ({ tenantId, module }) => `${tenantId} ${module}`,
    });
    try {
      return refuseBehind(route, minMigration, await this.#progress.load(route));
    } catch (error) {
      const refusal = asRegistryError(error);
      if (refusal) return refusal;
      throw error;
    }
  }

  #loadConfig(request: ConfigRequest): Promise<StoredConfig | null> {
    this.#configs ??= new DataLoader(
      async (requests) => {
        const demands = requests.map(({ tenantId, minRevision }) => {
          const atLeast = this.#floor(minRevision);
          return { key: tenantId, ...(atLeast && { atLeast }) };
        });
        const answers = await this.#options.caches.configs.getMany(demands);
        return answers.map(({ value }) => value);
      },
      { cacheKeyFn: ({ tenantId, minRevision }) => `${tenantId} ${minRevision}` },
    );
    return this.#configs.load(request);
  }

  #toDemand({ reference, module, consistency, minRevision }: ResolutionRequest): Demand<RouteKey> {
    const isStrong = consistency === 'STRONG';
    return { key: { reference, module }, isStrong, atLeast: this.#floor(minRevision) };
  }

  /** The newer of the client's token and this request's own change. */
  #floor(token: string | undefined): Demand<unknown>['atLeast'] {
    const own = this.#ownChange;
    const asked = token === undefined ? undefined : readRevision(token);
    const isOwnNewer = own && (!asked || asked.epoch !== own.epoch || asked.number < own.number);
    const newest = isOwnNewer ? own : asked;
    return newest && { epoch: newest.epoch, revision: newest.number };
  }

  #decide(request: ResolutionRequest, entry: Entry<RouteFacts>): Resolution {
    const { follower } = this.#options;
    const { epoch, asOf } = entry;
    // A token of another epoch belongs to a lost history: the primary's answer is then the best there is.
    const asked = request.minRevision === undefined ? undefined : readRevision(request.minRevision);
    if (asked && asked.epoch === epoch && asked.number > asOf)
      return new RegistryError(
        'REVISION_NOT_REACHED',
        `The registry is at revision ${asOf}, not yet at ${asked.number}`,
      );
    const isCurrent = follower.isCurrent(entry, request.reference);
    const leaseRemainingMs = isCurrent ? Math.floor(follower.leaseRemainingMs) : 0;
    return routeOf(request, entry, leaseRemainingMs);
  }
}

function isBehind({ minMigration }: ResolutionRequest, resolution: Resolution): resolution is Route {
  return (
    minMigration !== undefined &&
    !(resolution instanceof RegistryError) &&
    !hasReached(resolution.migrationVersion, minMigration)
  );
}

/** The decision depends on the entry alone, but for the lease: a route that is held was decided when it was stored. */
function routeOf(key: RouteKey, entry: Entry<RouteFacts>, leaseRemainingMs: number): Resolution {
  const held = entry instanceof HeldRoute ? entry.route(leaseRemainingMs) : undefined;
  if (held) return held;
  const { epoch, asOf, value } = entry;
  return decideRoute(key, value, { revision: { epoch, number: asOf }, leaseRemainingMs });
}
