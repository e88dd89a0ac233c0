import type { KnownKey } from './auth/api-key.js';
import { isToken, openIdentities } from './auth/identity.js';
import { type FindCaller, openKeyCache } from './auth/key-cache.js';
import { KeysInUse } from './auth/keys-in-use.js';
import type { Config } from './config.js';
import type { RegistryDatabase } from './database/registry-database.js';
import { createTrustClock } from './feed/clock.js';
import { type Freshness, openFreshness } from './feed/freshness.js';
import { openRequestLimits, type RequestLimits } from './graphql/limits/request-limits.js';
import { type ClientConfigs, openClientConfigs } from './importing/yaml/client-configs.js';
import { type Log, logOf } from './log.js';
import type { Metrics } from './metrics/metrics.js';
import { openRates, type Rates } from './rates/rates.js';
import { type Caches, openCaches } from './registry/resolution/caches.js';

/** The parts of the product that only run in a gateway. */
export interface Gateway {
  freshness: Freshness;
  caches: Caches;
  findCaller: FindCaller;
  rates: Rates;
  /** Configurations from client.yaml files; undefined without CLIENTS_DIR. */
  clients: ClientConfigs | undefined;
  /** Limits on what callers ask for. */
  limits: RequestLimits;
  metrics: Metrics;
  /** Begins to follow the change log of a registry that is up to date. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** @param parts.url the URL of `database` */
export async function openGateway(parts: {
  config: Config;
  log: Log;
  url: string;
  /** URL of the same database without a pooler. */
  directUrl: string;
  database: RegistryDatabase;
  metrics: Metrics;
}): Promise<Gateway> {
  const { config, log, url, directUrl, database, metrics } = parts;
  const { stalenessMs, clientsDir, configRules } = config;
  const clients =
    clientsDir === undefined
      ? undefined
      : await openClientConfigs({ folder: clientsDir, rules: configRules, log: logOf(log, 'importing') });
  const clock = createTrustClock();
  const freshness = openFreshness({
    clock,
    databaseUrl: url,
    directUrl,
    redisUrl: config.redisUrl,
    stalenessMs,
    requiredStandbys: config.requiredStandbys,
    traceFolder: config.traceFolder,
    onResync() {
      caches.clear();
      metrics.resynced();
      log.warn('the change log does not continue at the known position; dropped all cached entries');
    },
    onAcknowledged: metrics.acknowledged,
    log: logOf(log, 'feed'),
  });
  const { follower, changes, redis } = freshness;
  const caches: Caches = openCaches({
    pool: database.pool,
    redis,
    validity: follower,
    clock,
    stalenessMs,
    onLookup: metrics.lookedUp,
    counts: metrics.resolutions,
    onBreaker(isOpen) {
      metrics.breakerChanged(isOpen);
      logOf(log, 'cache').warn(
        isOpen ? 'Redis failed; the gateway pauses its requests to Redis' : 'Redis answers again',
      );
    },
  });
  const limits = openRequestLimits(config, database, metrics.queryCancelled);
  const keysInUse = new KeysInUse(log);
  metrics.observe(() => ({
    leaseRemainingMs: follower.leaseRemainingMs,
    lagRevisions: follower.lagRevisions,
    standbys: freshness.standbys,
    subscribers: changes.subscribers,
    streams: limits.streams.open,
    expiringKeys: keysInUse.expiring,
    unusableClientFiles: clients?.all().filter(({ problems }) => problems.length > 0).length ?? 0,
  }));
  const onUse = (key: KnownKey) => keysInUse.used(key);
  const findByKey = openKeyCache({ database, validity: follower, clock, stalenessMs, onUse });
  const findByToken =
    config.identityProvider &&
    openIdentities({
      provider: config.identityProvider,
      pool: database.pool,
      validity: follower,
      clock,
      stalenessMs,
      log,
    });
  const findCaller: FindCaller = {
    peek: findByKey.peek,
    find: (text) => (findByToken && isToken(text) ? findByToken.find(text) : findByKey.find(text)),
    isFamiliar: (text) => findByKey.isFamiliar(text) || findByToken?.isFamiliar(text) === true,
  };
  const rates = openRates({ settings: config.rates, redis, clock, onRefused: metrics.rateLimited });
  return {
    freshness,
    caches,
    findCaller,
    rates,
    clients,
    limits,
    metrics,
    async start() {
      await freshness.start();
      await caches.prepare();
    },
    async close() {
      await freshness.close();
      await clients?.close();
    },
  };
}
