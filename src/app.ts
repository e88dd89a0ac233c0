import { readdir } from 'node:fs/promises';
import { type Caller, gateway as gatewayCaller } from './auth/caller.js';
import type { Config } from './config.js';
import { closeInTime } from './database/connections/close-in-time.js';
import { countConnections } from './database/connections/connection-counts.js';
import { differentDatabases, leadsToSameDatabase } from './database/connections/direct-database.js';
import { explainFullDisk, requireDataFolder } from './database/embedded/data-folder.js';
import { type EmbeddedPostgres, hasEmbedded, openEmbedded } from './database/embedded/embedded.js';
import { migrateRegistry } from './database/migrations/migrate.js';
import { openRegistryDatabase, type RegistryDatabase } from './database/registry-database.js';
import { findServerProblems } from './database/servers/find-server-problems.js';
import { openServiceDatabases, type ServiceDatabases } from './database/service-databases.js';
import { acknowledgement, awaitAcknowledgement } from './feed/acknowledge.js';
import type { Gateway } from './gateway.js';
import { type Log, logOf } from './log.js';
import type { Metrics } from './metrics/metrics.js';
import { runBulk } from './provisioning/bulk/run-bulk.js';
import { createGuardComparison } from './provisioning/compared-guards.js';
import { createDriftScan } from './provisioning/doctor/drift/drift-scan.js';
import { forgetWorkers } from './provisioning/operations/operation.js';
import { openWorker } from './provisioning/operations/run/worker.js';
import { forgetLeaders } from './provisioning/rollout/lead/rollout-claim.js';
import { RolloutDuty } from './provisioning/rollout/lead/rollout-duty.js';
import { endSuspensions } from './provisioning/suspension-end.js';
import type { CommandContext } from './registry/command.js';
import { adoptDatabaseNames } from './registry/commands/adopt-database-names.js';
import { warnWithoutTextIndex } from './registry/lists/text-search.js';
import { warnOfWrongClock } from './registry/log/clock-check.js';
import { ModuleReach } from './registry/modules/module-reach.js';
import { createNumbersSource } from './registry/stats/registry-numbers.js';
import { forgetUsageKeys, keepLimits, measureQuotas } from './registry/usage/usage-upkeep.js';

/** Everything that is open while the product runs, whatever door is used. */
export interface App {
  config: Config;
  log: Log;
  database: RegistryDatabase;
  serviceDatabases: ServiceDatabases;
  /** Whether the databases of modules can be reached. */
  modules: ModuleReach;
  /** The gateway's caches and feed; undefined for commands at the prompt. */
  gateway: Gateway | undefined;
  /** The embedded PostgreSQL, when the registry's database is in it. */
  embedded: EmbeddedPostgres | undefined;
  commandsFor(caller: Caller): CommandContext;
  /** Starts to take up operations that are due. */
  startWorker(): void;
  /** Closes everything in reverse order of opening. */
  close(): Promise<void>;
}

export interface OpenOptions {
  /**
   * True for the process that keeps the registry, of which a data folder has one: a gateway, or the primary process of several.
   * False for their workers and for commands, which may run beside it.
   */
  exclusive: boolean;
  /** Whether this process answers requests. Default: as `exclusive`. A worker serves what the primary process has prepared. */
  serves?: boolean;
  /** Creates nothing that does not exist yet. */
  readOnly?: boolean;
  /** See MigrateOptions. */
  renamesOldTables?: boolean;
  /** The metrics of this process. Default: a process that serves makes its own, and others have none. */
  metrics?: Metrics;
  /** Number of processes that this one starts to serve; 1, the default: it serves itself. */
  workers?: number;
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
  await requireFolders(config, options);
  try {
    const { exclusive, serves = exclusive } = options;
    const { url, directUrl, embedded, database, serviceDatabases } = await openDatabases(
      config,
      log,
      options,
      closers,
    );
    // Loaded only to serve: the libraries of a gateway would double the start of every other command.
    const parts = serves ? await import('./gateway.js') : undefined;
    const metrics = options.metrics ?? (await createOwnMetrics(config, serves));
    const gateway = metrics && (await parts?.openGateway({ config, log, url, directUrl, database, metrics }));
    if (gateway) closers.push(() => gateway.close());
    const modules = new ModuleReach(database, serviceDatabases);
    metrics?.observePools(() => [
      ...database.readUse(),
      ...(gateway?.freshness.readUse() ?? []),
      ...serviceDatabases.readUse(),
    ]);
    // Of several processes with one door, the first reads for all.
    if (!serves || exclusive) metrics?.observeRegistry(createNumbersSource(database, modules));
    const duties = [
      { everyMs: 2_000, run: createGuardComparison() },
      { everyMs: 1_000, run: endSuspensions },
      { everyMs: 2_000, run: keepLimits },
      { everyMs: 10_000, run: forgetUsageKeys },
      { everyMs: 10_000, run: measureQuotas },
      new RolloutDuty(config),
      ...(config.driftScanHours > 0
        ? [{ everyMs: 60_000, run: createDriftScan(config.driftScanHours) }]
        : []),
    ];
    const worker = openWorker({ ...config, runBulk, duties });
    closers.push(() => worker.close(commandsFor(gatewayCaller)));
    const commandsFor = (caller: Caller): CommandContext => ({
      caller,
      onOperationEnd: metrics?.operationEnded,
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
        (async (committed) => {
          await awaitAcknowledgement(acknowledgement(database.pool, config.stalenessMs), committed);
        }),
      log: logOf(log, 'provisioning'),
    });
    if (exclusive) {
      // No gateway of the embedded database runs yet beside this process: replicas and workers recorded there have ended.
      if (embedded) await database.prisma.replica.deleteMany();
      if (embedded) await forgetWorkers(commandsFor(gatewayCaller));
      if (embedded) await forgetLeaders(commandsFor(gatewayCaller));
      await adoptDatabaseNames(commandsFor(gatewayCaller));
      await warnWithoutTextIndex(database, log);
      await warnOfWrongClock(database, log);
    }
    await gateway?.start();
    const startWorker = () => worker.start(commandsFor(gatewayCaller));
    if (exclusive && config.runsWorker) startWorker();
    return {
      config,
      log,
      database,
      serviceDatabases,
      modules,
      gateway,
      embedded,
      commandsFor,
      startWorker,
      close,
    };
  } catch (error) {
    const explained = config.databaseUrl === undefined ? await explainFullDisk(config.dataDir, error) : error;
    await close();
    throw explained;
  }
}

/** Loaded only where it is used, as the libraries of a gateway. */
async function createOwnMetrics(
  { metricsTenants: tenants }: Config,
  serves: boolean,
): Promise<Metrics | undefined> {
  return serves ? (await import('./metrics/metrics.js')).createMetrics({ tenants }) : undefined;
}

/** Opens and migrates the registry's database and prepares the service databases. */
async function openDatabases(config: Config, log: Log, options: OpenOptions, closers: Closers) {
  const { exclusive, serves = exclusive, readOnly = false } = options;
  const create = !readOnly;
  const embedded =
    config.databaseUrl === undefined
      ? await openEmbedded({ dataDir: config.dataDir, exclusive, log })
      : undefined;
  if (embedded) closers.push(() => embedded.close());
  const url = config.databaseUrl ?? (await embedded?.databaseUrl(registryName, { create }));
  if (url === undefined) throw new Error('neither DATABASE_URL nor an embedded PostgreSQL is open');
  const isPrepared = serves && !exclusive;
  const migration = {
    readOnly,
    renamesOldTables: options.renamesOldTables === true,
    warn: (message: string) => log.warn(message),
    ...(embedded && { dataDir: config.dataDir }),
  };
  const directUrl = config.databaseDirectUrl ?? url;
  const isDirect = directUrl === url;
  const connections = exclusive ? countConnections(options.workers ?? 1) : 0;
  // Other commands ask the primary itself, and change nothing that its commits do not wait for.
  const requiresStandbys = exclusive && config.requiredStandbys > 0;
  const use = { of: 'registry', isRead: readOnly, creates: false, connections, requiresStandbys } as const;
  const check = {
    variable: isDirect ? 'DATABASE_URL' : 'DATABASE_DIRECT_URL',
    connections: isDirect ? connections : 0,
    requiresStandbys,
    findProblems: async () => (isDirect ? [] : findServerProblems({ url, variable: 'DATABASE_URL', use })),
  };
  const applied = isPrepared ? [] : await migrateRegistry(directUrl, { ...migration, ...check });
  if (applied.length > 0) log.info({ migrations: applied.length }, 'migrated the registry database');

  const database = openRegistryDatabase(url, logOf(log, 'database'));
  closers.push(() => closeInTime(database.close()));
  if (!isDirect && !(await leadsToSameDatabase(database.pool, directUrl)))
    throw new Error(differentDatabases('DATABASE_URL', 'DATABASE_DIRECT_URL'));
  const serviceDatabases = openServiceDatabases({
    urls: config.serviceDatabaseUrls,
    readUrls: config.serviceDatabaseReadUrls,
    directUrls: config.serviceDatabaseDirectUrls,
    moduleDbVariables: config.moduleDbVariables,
    registryPool: database.pool,
    fallbackUrl: embedded && ((name) => embedded.databaseUrl(name, { create })),
    log: logOf(log, 'database'),
  });
  closers.push(() => closeInTime(serviceDatabases.close()));
  return { url, directUrl, embedded, database, serviceDatabases };
}

/** Refuses folders that cannot be used at the start, before a tenant needs them. */
async function requireFolders(
  { modulesDir, clientsDir, databaseUrl, dataDir }: Config,
  { readOnly, exclusive, serves = exclusive }: OpenOptions,
): Promise<void> {
  await readdir(modulesDir).catch(refuse('MODULES_DIR', modulesDir));
  // Only a gateway serves the files in it; the primary process refuses them before it starts workers.
  if ((exclusive || serves) && clientsDir !== undefined)
    await readdir(clientsDir).catch(refuse('CLIENTS_DIR', clientsDir));
  if (readOnly && databaseUrl === undefined && !(await hasEmbedded(dataDir)))
    throw new Error(
      `There is no registry in DATA_DIR (${dataDir}): set DATA_DIR or DATABASE_URL to an existing registry`,
    );
  if (databaseUrl === undefined) await requireDataFolder(dataDir);
}

function refuse(variable: string, folder: string) {
  return (cause: NodeJS.ErrnoException): never => {
    throw new Error(`${variable} ${folder} cannot be used (${cause.code}): set it to another folder`, {
      cause,
    });
  };
}
