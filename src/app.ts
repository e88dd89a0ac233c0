import { mkdir, readdir } from 'node:fs/promises';
import type { KnownKey } from './auth/api-key.js';
import { type Caller, gateway as gatewayCaller } from './auth/caller.js';
import { isToken, openIdentities } from './auth/identity.js';
import { type FindCaller, openKeyCache } from './auth/key-cache.js';
import { KeysInUse } from './auth/keys-in-use.js';
import type { Config } from './config.js';
import { closeInTime } from './database/close-in-time.js';
import { type EmbeddedPostgres, hasEmbedded, openEmbedded } from './database/embedded/embedded.js';
import { migrateRegistry } from './database/migrations/migrate.js';
import { openRegistryDatabase, type RegistryDatabase } from './database/registry-database.js';
import { openServiceDatabases, type ServiceDatabases } from './database/service-databases.js';
import { awaitAcknowledgement } from './feed/acknowledge.js';
import { createTrustClock } from './feed/clock.js';
import { acknowledgement, type Freshness, openFreshness } from './feed/freshness.js';
import { type ClientConfigs, openClientConfigs } from './importing/yaml/client-configs.js';
import type { Log } from './log.js';
import { createMetrics, type Metrics } from './metrics.js';
import { forgetWorkers } from './provisioning/operations/operation.js';
import { openWorker } from './provisioning/operations/worker.js';
import { openRates, type Rates } from './rates/rates.js';
import { type Caches, openCaches } from './registry/caches.js';
import type { CommandContext } from './registry/command.js';
import { adoptDatabaseNames } from './registry/commands/adopt-database-names.js';
import { warnWithoutTextIndex } from './registry/text-search.js';

/** Everything that is open while the product runs, whatever door is used. */
export interface App {
  config: Config;
  log: Log;
  database: RegistryDatabase;
  serviceDatabases: ServiceDatabases;
  /** The gateway's caches and feed; undefined for commands at the prompt. */
  gateway: Gateway | undefined;
  metrics: Metrics;
  /** The embedded PostgreSQL, when the registry's database is in it. */
  embedded: EmbeddedPostgres | undefined;
  commandsFor(caller: Caller): CommandContext;
  /** Starts to take up operations that are due. */
  startWorker(): void;
  /** Closes everything in reverse order of opening. */
  close(): Promise<void>;
}

/** The parts of the product that only run in a gateway. */
interface Gateway {
  freshness: Freshness;
  caches: Caches;
  findCaller: FindCaller;
  rates: Rates;
  /** Configurations from client.yaml files; undefined without CLIENTS_DIR. */
  clients: ClientConfigs | undefined;
}

export interface OpenOptions {
  /** True for the gateway, of which a data folder has one; false for commands, which may run beside it. */
  exclusive: boolean;
  /** Creates nothing that does not exist yet. */
  readOnly?: boolean;
}

/** Name of the registry's database in the embedded PostgreSQL. */
export const registryName = 'registry';

type Closers = (() => Promise<void>)[];

/** Opens and migrates everything. */
export async function openApp(config: Config, log: Log, options: OpenOptions): Promise<App> {
  const closers: Closers = [];
  const close = async () => {
    for (const closeOne of closers.splice(0).reverse()) await closeOne();
  };
  try {
    await requireFolders(config, options);
    const { url, embedded, database, serviceDatabases } = await openDatabases(config, log, options, closers);
    const metrics = createMetrics();
    const clients = options.exclusive ? await openClients(config, log) : undefined;
    if (clients) closers.push(() => clients.close());
    const gateway = options.exclusive
      ? openGateway({ config, log, url, database, metrics, clients })
      : undefined;
    if (gateway) closers.push(() => gateway.freshness.close());
    const worker = openWorker(config);
    closers.push(() => worker.close(commandsFor(gatewayCaller)));
    const commandsFor = (caller: Caller): CommandContext => ({
      caller,
      runOperation: (id, wait) => worker.run(commandsFor(caller), id, wait),
      stalenessMs: config.stalenessMs,
      apiKeyLifetimeDays: config.apiKeyLifetimeDays,
      tokenKeyLifetimeDays: config.tokenKeyLifetimeDays,
      database,
      serviceDatabases,
      modulesDir: config.modulesDir,
      configRules: config.configRules,
      acknowledge:
        gateway?.freshness.acknowledge ??
        ((committed) => awaitAcknowledgement(acknowledgement(database.pool, config.stalenessMs), committed)),
      log,
    });
    if (gateway) await startGateway(gateway, embedded, commandsFor(gatewayCaller));
    const startWorker = () => worker.start(commandsFor(gatewayCaller));
    if (gateway && config.runsWorker) startWorker();
    return {
      config,
      log,
      database,
      serviceDatabases,
      gateway,
      metrics,
      embedded,
      commandsFor,
      startWorker,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens and migrates the registry's database and prepares the service databases. */
async function openDatabases(config: Config, log: Log, options: OpenOptions, closers: Closers) {
  const { exclusive, readOnly = false } = options;
  const create = !readOnly;
  const embedded =
    config.databaseUrl === undefined
      ? await openEmbedded({ dataDir: config.dataDir, exclusive, log })
      : undefined;
  if (embedded) closers.push(() => embedded.close());
  const url = config.databaseUrl ?? (await embedded?.databaseUrl(registryName, { create }));
  if (url === undefined) throw new Error('neither DATABASE_URL nor an embedded PostgreSQL is open');
  const applied = await migrateRegistry(url, {
    readOnly,
    warn: (message) => log.warn(message),
    ...(embedded && { dataDir: config.dataDir }),
  });
  if (applied.length > 0) log.info({ migrations: applied.length }, 'migrated the registry database');

  const database = openRegistryDatabase(url, log);
  closers.push(() => closeInTime(database.close()));
  const serviceDatabases = openServiceDatabases({
    urls: config.serviceDatabaseUrls,
    readUrls: config.serviceDatabaseReadUrls,
    moduleDbVariables: config.moduleDbVariables,
    registryPool: database.pool,
    fallbackUrl: embedded && ((name) => embedded.databaseUrl(name, { create })),
    log,
  });
  closers.push(() => closeInTime(serviceDatabases.close()));
  return { url, embedded, database, serviceDatabases };
}

/** Brings the registry up to date with this gateway, then follows the change log. */
async function startGateway(
  gateway: Gateway,
  embedded: EmbeddedPostgres | undefined,
  context: CommandContext,
): Promise<void> {
  // This process is the only gateway of the embedded database: other replicas and workers recorded there have ended.
  if (embedded) await context.database.prisma.replica.deleteMany();
  if (embedded) await forgetWorkers(context);
  await adoptDatabaseNames(context);
  await warnWithoutTextIndex(context.database, context.log);
  await gateway.freshness.start();
  await gateway.caches.prepare();
}

/** Refuses folders that cannot be used at the start, before a tenant needs them. */
async function requireFolders(
  { modulesDir, clientsDir, databaseUrl, dataDir }: Config,
  { readOnly, exclusive }: OpenOptions,
): Promise<void> {
  await readdir(modulesDir).catch(refuse('MODULES_DIR', modulesDir));
  // Only a gateway serves the files in it.
  if (exclusive && clientsDir !== undefined)
    await readdir(clientsDir).catch(refuse('CLIENTS_DIR', clientsDir));
  if (readOnly && databaseUrl === undefined && !(await hasEmbedded(dataDir)))
    throw new Error(
      `There is no registry in DATA_DIR (${dataDir}): set DATA_DIR or DATABASE_URL to an existing registry`,
    );
  if (databaseUrl === undefined) await mkdir(dataDir, { recursive: true }).catch(refuse('DATA_DIR', dataDir));
}

function refuse(variable: string, folder: string) {
  return (cause: NodeJS.ErrnoException): never => {
    throw new Error(`${variable} ${folder} cannot be used (${cause.code}): set it to another folder`, {
      cause,
    });
  };
}

async function openClients(
  { clientsDir, configRules }: Config,
  log: Log,
): Promise<ClientConfigs | undefined> {
  return clientsDir === undefined
    ? undefined
    : openClientConfigs({ folder: clientsDir, rules: configRules, log });
}

function openGateway(parts: {
  config: Config;
  log: Log;
  url: string;
  database: RegistryDatabase;
  metrics: Metrics;
  clients: ClientConfigs | undefined;
}): Gateway {
  const { config, log, url, database, metrics, clients } = parts;
  const { stalenessMs } = config;
  const clock = createTrustClock();
  const freshness = openFreshness({
    clock,
    databaseUrl: url,
    redisUrl: config.redisUrl,
    stalenessMs,
    onResync() {
      caches.clear();
      metrics.resynced();
      log.warn('the change log does not continue at the known position; dropped all cached entries');
    },
    log,
  });
  const { follower, changes, redis } = freshness;
  const caches: Caches = openCaches({
    pool: database.pool,
    redis,
    validity: follower,
    clock,
    stalenessMs,
    onLookup: metrics.lookedUp,
    onBreaker(isOpen) {
      metrics.breakerChanged(isOpen);
      log.warn(isOpen ? 'Redis failed; the gateway pauses its requests to Redis' : 'Redis answers again');
    },
  });
  const keysInUse = new KeysInUse(log);
  metrics.observe(() => ({
    leaseRemainingMs: follower.leaseRemainingMs,
    lagRevisions: follower.lagRevisions,
    subscribers: changes.subscribers,
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
  const rates = openRates({ settings: config.rates, redis, clock });
  return { freshness, caches, findCaller, rates, clients };
}
