import { getHeapStatistics } from 'node:v8';
import type { Pool } from 'pg';
import { z } from 'zod';
import { type MemoryTierOptions, openMemoryTier } from '../../cache/memory-tier.js';
import { ReadThrough, type ReadThroughOptions, type Validity } from '../../cache/read-through.js';
import type { RedisConnection } from '../../cache/redis-connection.js';
import { openRedisTier, type RedisTierOptions } from '../../cache/redis-tier.js';
import { createSeal, type Seal } from '../../cache/seal.js';
import type { Tier } from '../../cache/tier.js';
import { noCounts, type ResolutionCounts } from '../../metrics/resolution-counts.js';
import { isExternalId } from '../external-id.js';
import { storedIsolations } from '../modules/isolation.js';
import { isSlug, isUuid } from '../slug.js';
import { existingName } from '../storage-name.js';
import { createRouteHolder, routeName } from './held-route.js';
import type { MigrationProgress } from './migration-gate.js';
import {
  loadCacheSecret,
  loadMigrationProgress,
  loadRouteFacts,
  loadTenantConfigs,
  type StoredConfig,
  type SubscriptionKey,
} from './queries.js';
import type { RouteFacts, RouteKey } from './route.js';

/** The caches of the registry: routes (refusals too) and configurations, under the same rules. */
export interface Caches {
  routes: ReadThrough<RouteKey, RouteFacts>;
  configs: ReadThrough<string, StoredConfig | null>;
  /** How far tenants are, and the running rollouts that are still to migrate them; read each time, since a start changes no route. */
  findProgress(keys: readonly SubscriptionKey[]): Promise<MigrationProgress[]>;
  /** Loads what the shared tier needs, so that the first request does not wait for it. A failure is repeated at the next use. */
  prepare(): Promise<void>;
  /** Removes the entries that this process holds. */
  clear(): void;
  /** How often which answer was given. */
  counts: ResolutionCounts;
}

export interface CachesOptions {
  pool: Pool;
  redis: RedisConnection | undefined;
  validity: Validity;
  clock: () => number;
  stalenessMs: number;
  /** Default: nothing is counted. */
  counts?: ResolutionCounts;
  onLookup?: ReadThroughOptions<unknown, unknown>['onLookup'];
  onBreaker?: RedisTierOptions<unknown>['onBreaker'];
}

/** A route takes about 280 bytes of the heap; those in memory are to take a quarter of it at most. */
const maxRoutes = Math.min(1_000_000, Math.floor(getHeapStatistics().heap_size_limit / 4 / 280));
const maxConfigs = 20_000;
const ttlMs = 300_000;

export function openCaches(options: CachesOptions): Caches {
  const { pool, stalenessMs, counts = noCounts } = options;
  const loadSeal = createSealLoader(pool, options.validity, stalenessMs);
  const memory: Tier<never>[] = [];
  const tiersFor = <Value>(
    namespace: string,
    value: z.ZodType<Value>,
    inMemory: Omit<MemoryTierOptions<Value>, 'ttlMs'>,
  ): Tier<Value>[] => {
    const near = openMemoryTier<Value>({ ...inMemory, ttlMs });
    memory.push(near as Tier<never>);
    if (!options.redis) return [near];
    return [near, openRedisTier(options.redis, { ...options, namespace, ttlMs, value, loadSeal })];
  };

  return {
    counts,
    routes: new ReadThrough<RouteKey, RouteFacts>({
      ...options,
      tiers: tiersFor('route', storedFacts, { maxEntries: maxRoutes, hold: createRouteHolder(counts) }),
      // A read that takes longer than the staleness bound is useless.
      load: (keys) => loadRouteFacts(pool, keys, stalenessMs),
      nameOf: routeName,
      referenceOf: ({ reference }) => reference,
      isAbout: ({ reference }, { tenantId, tenantSlug, externalId }) =>
        tenantId === null || [tenantId, tenantSlug, externalId].includes(reference),
    }),
    configs: new ReadThrough<string, StoredConfig | null>({
      ...options,
      tiers: tiersFor('stored-config', storedConfig.nullable(), { maxEntries: maxConfigs }),
      load: (tenantIds) => loadTenantConfigs(pool, tenantIds, stalenessMs),
      nameOf: (tenantId) => tenantId,
      referenceOf: (tenantId) => tenantId,
    }),
    findProgress: (keys) => loadMigrationProgress(pool, keys, stalenessMs),
    async prepare() {
      if (options.redis) await loadSeal().catch(() => undefined);
    },
    clear() {
      for (const tier of memory) tier.clear();
    },
  };
}

/** Loads the registry's secret once per epoch: a restored registry may have another. */
function createSealLoader(pool: Pool, validity: Validity, timeoutMs: number): () => Promise<Seal> {
  let loaded: { epoch: string | undefined; seal: Promise<Seal> } | undefined;
  return () => {
    const epoch = validity.position?.epoch;
    if (loaded && loaded.epoch === epoch) return loaded.seal;
    const seal = loadCacheSecret(pool, timeoutMs).then(createSeal);
    const current = { epoch, seal };
    loaded = current;
    seal.catch(() => {
      if (loaded === current) loaded = undefined;
    });
    return seal;
  };
}

const storedConfig: z.ZodType<StoredConfig> = z.object({
  slug: z.string().refine(isSlug),
  source: z.enum(['yaml', 'database']),
  config: z.record(z.string(), z.unknown()),
});

/** Any name that PostgreSQL can hold; a module's own database may have one that the registry would not issue. */
const databaseName = z
  .string()
  .min(1)
  .refine((name) => Buffer.byteLength(name) <= 63 && !/\p{Cc}/u.test(name));

/** The shape of a route that another process may have written into the shared tier. */
const storedFacts: z.ZodType<RouteFacts> = z.object({
  tenantId: z.string().refine(isUuid).nullable(),
  tenantSlug: z.string().refine(isSlug).nullable(),
  // Not optional: a version without external ids may have stored that there is no such tenant.
  externalId: z.string().refine(isExternalId).nullable(),
  tenantStatus: z.string().nullable(),
  suspendedReason: z.string().nullable(),
  moduleExists: z.boolean(),
  subscriptionStatus: z.string().nullable(),
  isolation: z.enum(storedIsolations).nullable(),
  databaseName: databaseName.nullable(),
  schemaName: existingName.or(z.literal('public')).nullable(),
  generation: z.int().positive().nullable(),
  migrationVersion: z.string().nullable(),
});
