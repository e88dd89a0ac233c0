import type { Pool } from 'pg';
import { z } from 'zod';
import { openMemoryTier } from '../cache/memory-tier.js';
import { ReadThrough, type ReadThroughOptions, type Validity } from '../cache/read-through.js';
import type { RedisConnection } from '../cache/redis-connection.js';
import { openRedisTier, type RedisTierOptions } from '../cache/redis-tier.js';
import type { Tier } from '../cache/tier.js';
import { storedIsolations } from './isolation.js';
import { loadRouteFacts, loadTenantConfigs, type StoredConfig } from './queries.js';
import type { RouteFacts, RouteKey } from './route.js';

/** What the registry keeps near: routes (refusals too) and configurations, under the same rules. */
export interface Caches {
  routes: ReadThrough<RouteKey, RouteFacts>;
  configs: ReadThrough<string, StoredConfig | null>;
  /** Forgets what this process holds. */
  clear(): void;
}

export interface CachesOptions {
  pool: Pool;
  redis: RedisConnection | undefined;
  validity: Validity;
  clock: () => number;
  stalenessMs: number;
  onLookup?: ReadThroughOptions<unknown, unknown>['onLookup'];
  onBreaker?: RedisTierOptions<unknown>['onBreaker'];
}

const maxRoutes = 200_000;
const maxConfigs = 20_000;
const ttlMs = 300_000;

export function openCaches(options: CachesOptions): Caches {
  const { pool, stalenessMs } = options;
  const memory: Tier<never>[] = [];
  const tiersFor = <Value>(namespace: string, value: z.ZodType<Value>, maxEntries: number): Tier<Value>[] => {
    const near = openMemoryTier<Value>({ maxEntries, ttlMs });
    memory.push(near as Tier<never>);
    if (!options.redis) return [near];
    return [near, openRedisTier(options.redis, { ...options, namespace, ttlMs, value })];
  };

  return {
    routes: new ReadThrough<RouteKey, RouteFacts>({
      ...options,
      tiers: tiersFor('route', storedFacts, maxRoutes),
      // What takes longer than D is no answer any more.
      load: (keys) => loadRouteFacts(pool, keys, stalenessMs),
      nameOf: ({ reference, module }) => `${reference}/${module}`,
      referenceOf: ({ reference }) => reference,
    }),
    configs: new ReadThrough<string, StoredConfig | null>({
      ...options,
      tiers: tiersFor('stored-config', storedConfig.nullable(), maxConfigs),
      load: (tenantIds) => loadTenantConfigs(pool, tenantIds, stalenessMs),
      nameOf: (tenantId) => tenantId,
      referenceOf: (tenantId) => tenantId,
    }),
    clear() {
      for (const tier of memory) tier.clear();
    },
  };
}

const storedConfig: z.ZodType<StoredConfig> = z.object({
  slug: z.string(),
  source: z.enum(['yaml', 'database']),
  config: z.record(z.string(), z.unknown()),
});

/** What another process may have written into the shared tier. */
const storedFacts: z.ZodType<RouteFacts> = z.object({
  tenantId: z.string().nullable(),
  tenantSlug: z.string().nullable(),
  tenantStatus: z.string().nullable(),
  suspendedReason: z.string().nullable(),
  moduleExists: z.boolean(),
  subscriptionStatus: z.string().nullable(),
  isolation: z.enum(storedIsolations).nullable(),
  databaseName: z.string().nullable(),
  schemaName: z.string().nullable(),
  generation: z.number().nullable(),
});
