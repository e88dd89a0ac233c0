import type { Caller } from '../auth/caller.js';
import type { RedisConnection } from '../cache/redis-connection.js';
import type { RateSettings } from '../settings/rate-settings.js';
import { DocumentTime } from './document-time.js';
import { FailedAuthentications } from './failed-authentications.js';
import { RateLimit } from './rate-limit.js';
import { RateLimited, type RateState } from './rate-limited.js';
import { openSharedCounts } from './shared-counts.js';

/** The limits of a gateway. A limit that is not configured is undefined and costs nothing. */
export interface Rates {
  failedAuthentications: FailedAuthentications | undefined;
  /** Takes mutations of the caller. Returns what is left; throws RATE_LIMITED. */
  admitMutations(caller: Caller, count: number): RateState | undefined;
  resolutions: ResolutionRates | undefined;
  documentTime: DocumentTime | undefined;
}

/** Limits of resolution. The refusal is a value, because a batch has one result per key. */
export interface ResolutionRates {
  ofCaller(caller: Caller, count: number): RateLimited | undefined;
  ofTenant(tenantId: string): RateLimited | undefined;
}

export interface RatesOptions {
  settings: RateSettings;
  redis: RedisConnection | undefined;
  clock: () => number;
  /** Called for each refusal, with the name of the limit. */
  onRefused?: (limit: string) => void;
}

export function openRates({ settings, redis, clock, onRefused = () => undefined }: RatesOptions): Rates {
  const open = (name: string, quota: number | undefined, windowSeconds: number, isShared = true) => {
    if (quota === undefined) return undefined;
    const rule = { name, quota, windowSeconds };
    return new RateLimit(rule, {
      clock,
      shared: isShared && redis ? openSharedCounts(redis, rule) : undefined,
    });
  };
  const failures = open('failed-authentications', settings.failedAuthenticationsPerMinute, 60);
  // Each gateway has an event loop of its own.
  const documents = open('document-milliseconds', settings.documentMsPer10Seconds, 10, false);
  const mutations = open('mutations', settings.mutationsPerMinute, 60);
  const callers = open('resolutions', settings.resolutionsPerSecond, 1);
  const tenants = open('resolutions-of-tenant', settings.tenantResolutionsPerSecond, 1);

  return {
    documentTime: documents && new DocumentTime(documents, clock),
    failedAuthentications: failures && new FailedAuthentications(failures, onRefused),
    admitMutations(caller, count) {
      // Open mode has one caller, who sits at the machine.
      if (!mutations || caller.kind === 'developer') return undefined;
      if (!mutations.take(caller.actor, count)) {
        onRefused(mutations.rule.name);
        throw new RateLimited(mutations.stateOf(caller.actor), 'This caller sends too many mutations');
      }
      return mutations.stateOf(caller.actor);
    },
    resolutions: (callers || tenants) && {
      ofCaller: ({ actor }, count) => refusal(callers, actor, count, 'This caller resolves too many routes'),
      ofTenant: (tenantId) =>
        refusal(tenants, tenantId, 1, `Routes of tenant ${tenantId} are resolved too often`),
    },
  };

  function refusal(
    limit: RateLimit | undefined,
    key: string,
    count: number,
    subject: string,
  ): RateLimited | undefined {
    if (!limit || limit.take(key, count)) return undefined;
    onRefused(limit.rule.name);
    return new RateLimited(limit.stateOf(key), subject);
  }
}
