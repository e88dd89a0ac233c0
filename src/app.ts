import { mkdir, readdir } from 'node:fs/promises';
import { type Caller, gateway } from './auth/caller.js';
import type { Config } from './config.js';
import { type EmbeddedPostgres, openEmbedded } from './database/embedded.js';
import { migrateRegistry } from './database/migrate.js';
import { openRegistryDatabase, type RegistryDatabase } from './database/registry-database.js';
import { openServiceDatabases, type ServiceDatabases } from './database/service-databases.js';
import type { Log } from './log.js';
import { endInterruptedOperations } from './provisioning/interrupted.js';
import { interruptedAfterMs } from './provisioning/operation.js';
import type { CommandContext } from './registry/command.js';
import { adoptDatabaseNames } from './registry/commands/adopt-database-names.js';

/** Everything that is open while the product runs, whichever door is in front of it. */
export interface App {
  config: Config;
  log: Log;
  database: RegistryDatabase;
  serviceDatabases: ServiceDatabases;
  /** The embedded PostgreSQL, when the registry lives in it. */
  embedded: EmbeddedPostgres | undefined;
  commandsFor(caller: Caller): CommandContext;
  /** Closes in reverse order of opening. */
  close(): Promise<void>;
}

/** Name of the registry's database in the embedded PostgreSQL. */
const registryName = 'registry';

/** How long a pool may wait for its last queries: nobody waits for their answers any more. */
const lastQueriesMs = 1_000;

/**
 * Opens and migrates everything. `exclusive` is for the gateway: two of them on one data folder would both take
 * themselves for the only one. Commands at the prompt share it.
 */
export async function openApp(config: Config, log: Log, options: { exclusive: boolean }): Promise<App> {
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closeOne of closers.splice(0).reverse()) await closeOne();
  };
  try {
    await requireFolders(config);
    let joined: Promise<EmbeddedPostgres> | undefined;
    const openEmbeddedOnce = (exclusive: boolean) => {
      joined ??= openEmbedded({ dataDir: config.dataDir, exclusive, log });
      return joined;
    };
    const openEmbeddedRegistry = async () => {
      const embedded = await openEmbeddedOnce(options.exclusive);
      return { embedded, url: await embedded.databaseUrl(registryName) };
    };
    closers.push(async () => {
      const embedded = await joined?.catch(() => undefined);
      await embedded?.close();
    });
    const { url, embedded } =
      config.databaseUrl === undefined
        ? await openEmbeddedRegistry()
        : { url: config.databaseUrl, embedded: undefined };
    const applied = await migrateRegistry(url, { warn: (message) => log.warn(message) });
    if (applied.length > 0) log.info({ migrations: applied.length }, 'migrated the registry database');

    const database = openRegistryDatabase(url, log);
    closers.push(() => atMost(lastQueriesMs, database.close()));
    const serviceDatabases = openServiceDatabases({
      urls: config.serviceDatabaseUrls,
      // A service database without a variable is in the embedded server, even when the registry itself is not.
      fallbackUrl: async (name) => (await openEmbeddedOnce(false)).databaseUrl(name),
      log,
    });
    closers.push(() => atMost(lastQueriesMs, serviceDatabases.close()));

    const commandsFor = (caller: Caller): CommandContext => ({
      caller,
      database,
      serviceDatabases,
      modulesDir: config.modulesDir,
      log,
    });
    if (options.exclusive) {
      await adoptDatabaseNames(commandsFor(gateway));
      // Alone on the embedded database there is nobody else who could still be at work.
      await endInterruptedOperations(commandsFor(gateway), embedded ? 0 : interruptedAfterMs);
    }
    return { config, log, database, serviceDatabases, embedded, commandsFor, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Found out at the start, not by the first tenant. */
async function requireFolders({ modulesDir, databaseUrl, dataDir }: Config): Promise<void> {
  await readdir(modulesDir).catch(refuse('MODULES_DIR', modulesDir));
  if (databaseUrl === undefined) await mkdir(dataDir, { recursive: true }).catch(refuse('DATA_DIR', dataDir));
}

function refuse(variable: string, folder: string) {
  return (cause: NodeJS.ErrnoException): never => {
    throw new Error(`${variable} ${folder} cannot be used (${cause.code}): set it to another folder`, {
      cause,
    });
  };
}

async function atMost(ms: number, closing: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([closing, late]);
  clearTimeout(timer);
}
