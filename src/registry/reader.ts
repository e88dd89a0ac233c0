import DataLoader from 'dataloader';
import type { Pool } from 'pg';
import type { Caller } from '../auth/caller.js';
import { mayResolve, missingScope } from '../auth/permissions.js';
import { RegistryError } from '../errors.js';
import { asRegistryError } from './database-failure.js';
import { loadRouteFacts, type RouteKey } from './queries.js';
import { readRevision } from './revision.js';
import { decideRoute, type Resolution } from './route.js';

export interface ResolutionRequest extends RouteKey {
  consistency: 'CACHED' | 'STRONG';
  /** Revision token: the answer must be at least as new. */
  minRevision: string | undefined;
}

/** What one request reads. Made per request, so that nothing outlives what it was true for. */
export interface Reader {
  /** The route or the refusal; an outage is a refusal too. Any number of calls is one statement. */
  resolve(request: ResolutionRequest): Promise<Resolution>;
  /** Forgets everything read so far: called after each mutation of the same request. */
  clear(): void;
}

export function createReader(pool: Pool, caller: Caller): Reader {
  const resolutions = new DataLoader<ResolutionRequest, Resolution, string>(
    async (requests) => {
      const facts = await loadRouteFacts(pool, requests);
      return facts.map(
        (found, at) => atLeast(requests[at]?.minRevision, found.revision) ?? decideRoute(found),
      );
    },
    { cacheKeyFn: (request) => JSON.stringify(request) },
  );

  return {
    async resolve(request) {
      // Before anything is read: a key for one module learns nothing about another, not even that it exists.
      if (!mayResolve(caller, request.module)) return missingScope(`resolve:${request.module}`);
      return resolutions.load(request).catch((error) => {
        const refusal = asRegistryError(error);
        if (refusal) return refusal;
        throw error;
      });
    },
    clear() {
      resolutions.clearAll();
    },
  };
}

/** A token of another epoch belongs to a lost history: the primary's answer is then the best there is. */
function atLeast(
  token: string | undefined,
  found: { epoch: string; number: bigint },
): RegistryError | undefined {
  if (token === undefined) return undefined;
  const wanted = readRevision(token);
  if (wanted.epoch !== found.epoch || wanted.number <= found.number) return undefined;
  return new RegistryError(
    'REVISION_NOT_REACHED',
    `The registry is at revision ${found.number}, not yet at ${wanted.number}`,
  );
}
