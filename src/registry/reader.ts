import DataLoader from 'dataloader';
import type { Caller } from '../auth/caller.js';
import { mayResolve, missingScope } from '../auth/permissions.js';
import type { Answer, Demand } from '../cache/read-through.js';
import { RegistryError } from '../errors.js';
import type { Follower } from '../feed/follower.js';
import type { Caches } from './caches.js';
import { asRegistryError } from './database-failure.js';
import type { StoredConfig, TenantConfig } from './queries.js';
import { type Revision, readRevision } from './revision.js';
import { decideRoute, type Resolution, type RouteFacts, type RouteKey, tenantNotFound } from './route.js';
import { isSlug, isUuid } from './slug.js';

interface ResolutionRequest extends RouteKey {
  consistency: 'CACHED' | 'STRONG';
  /** Revision token: the answer must be at least as new. */
  minRevision: string | undefined;
}

interface ConfigRequest {
  tenantId: string;
  minRevision: string | undefined;
}

/** A resolution and where it came from. */
export interface ExplainedResolution {
  resolution: Resolution;
  /** undefined when nothing was read: the caller may not ask, or the registry cannot tell. */
  answer: Answer<RouteFacts> | undefined;
}

/** What one request reads. Made per request; what outlives it is checked again each time it is used. */
export interface Reader {
  /** The route or the refusal; an outage is a refusal too. Any number of calls is at most one statement. */
  resolve(request: ResolutionRequest): Promise<Resolution>;
  explain(request: ResolutionRequest): Promise<ExplainedResolution>;
  /** At least as new as the revision; null for a tenant that is not there. */
  config(tenantId: string, minRevision?: string): Promise<TenantConfig | null>;
  /** Whether `config` answers with a file, which changes without a revision. */
  isConfigFile(tenantId: string, minRevision?: string): Promise<boolean>;
  /** After a mutation of the same request: forgets what was read, and reads nothing older from now on. */
  changed(revision: string | undefined): void;
}

export interface ReaderOptions {
  caches: Caches;
  follower: Follower;
  caller: Caller;
  /** Configurations that are files still, by slug. */
  clients?: { find(slug: string): { config: TenantConfig | undefined } | undefined } | undefined;
}

export function createReader(options: ReaderOptions): Reader {
  const { caches, follower, caller, clients } = options;
  let ownChange: Revision | undefined;

  const routes = new DataLoader<ResolutionRequest, Answer<RouteFacts>, string>(
    (requests) => caches.routes.getMany(requests.map(toDemand)),
    { cacheKeyFn: (request) => JSON.stringify(request) },
  );
  const configs = new DataLoader<ConfigRequest, StoredConfig | null, string>(
    async (requests) => {
      const demands = requests.map(({ tenantId, minRevision }) => ({ key: tenantId, ...floor(minRevision) }));
      const answers = await caches.configs.getMany(demands);
      return answers.map(({ value }) => value);
    },
    { cacheKeyFn: ({ tenantId, minRevision }) => `${tenantId} ${minRevision}` },
  );

  function toDemand({ reference, module, consistency, minRevision }: ResolutionRequest): Demand<RouteKey> {
    return { key: { reference, module }, isStrong: consistency === 'STRONG', ...floor(minRevision) };
  }

  /** The newer of the client's token and this request's own change. */
  function floor(token: string | undefined): Pick<Demand<unknown>, 'atLeast'> {
    const asked = token === undefined ? undefined : readRevision(token);
    const isOwnNewer =
      ownChange && (!asked || asked.epoch !== ownChange.epoch || asked.number < ownChange.number);
    const newest = isOwnNewer ? ownChange : asked;
    return newest ? { atLeast: { epoch: newest.epoch, revision: newest.number } } : {};
  }

  async function explain(request: ResolutionRequest): Promise<ExplainedResolution> {
    // Before anything is read: a key for one module learns nothing about another, not even that it exists.
    if (!mayResolve(caller, request.module))
      return { resolution: missingScope(`resolve:${request.module}`), answer: undefined };
    const { reference } = request;
    if (!isUuid(reference) && !isSlug(reference))
      return { resolution: tenantNotFound(reference), answer: undefined };
    try {
      // Floors are kept under ids in lower case.
      const asked = { ...request, reference: reference.toLowerCase() };
      const answer = await routes.load(asked);
      return { resolution: decide(asked, answer), answer };
    } catch (error) {
      const refusal = asRegistryError(error);
      if (refusal) return { resolution: refusal, answer: undefined };
      throw error;
    }
  }

  function decide(request: ResolutionRequest, answer: Answer<RouteFacts>): Resolution {
    const revision = { epoch: answer.epoch, number: answer.asOf };
    // A token of another epoch belongs to a lost history: the primary's answer is then the best there is.
    const asked = request.minRevision === undefined ? undefined : readRevision(request.minRevision);
    if (asked && asked.epoch === revision.epoch && asked.number > revision.number)
      return new RegistryError(
        'REVISION_NOT_REACHED',
        `The registry is at revision ${revision.number}, not yet at ${asked.number}`,
      );
    const isCurrent = follower.isCurrent(answer, request.reference);
    return decideRoute(request, answer.value, {
      revision,
      leaseRemainingMs: isCurrent ? Math.floor(follower.leaseRemainingMs) : 0,
    });
  }

  return {
    explain,
    resolve: async (request) => (await explain(request)).resolution,
    async config(tenantId, minRevision) {
      const stored = await configs.load({ tenantId, minRevision });
      // The file counts while the row says so; the row is what is left when there is no such file.
      const served = stored?.source === 'yaml' ? clients?.find(stored.slug)?.config : undefined;
      return served ?? stored?.config ?? null;
    },
    async isConfigFile(tenantId, minRevision) {
      return (await configs.load({ tenantId, minRevision }))?.source === 'yaml';
    },
    changed(revision) {
      if (revision !== undefined) ownChange = readRevision(revision);
      routes.clearAll();
      configs.clearAll();
    },
  };
}
