import cluster, { type Worker } from 'node:cluster';
import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';
import { type App, openApp } from '../app.js';
import { type Config, readConfig } from '../config.js';
import { explainFullDisk } from '../database/embedded/data-folder.js';
import { type Log, openLog } from '../log.js';
import { redactSecrets } from '../registry/values/secret-detector.js';
import { readWorkers } from './option.js';
import { RunningSettings } from './reload.js';
import { warnOfModuleFiles, warnOfServiceDatabases } from './service-warnings.js';
import { startTracing } from './start-tracing.js';
import { stopSignal } from './stop-signal.js';
import { connectToPrimary, numberVariable } from './workers/gateway-worker.js';
import { Workers } from './workers/workers.js';

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('Run the gateway until a stop signal. With WORKER=none it runs no operations.')
    .option('--workers <n>', 'number of gateway processes that share the port, from 1 to 64', readWorkers, 1)
    .action(serve);
}

/** Time for closing everything after the last request; the stop of PostgreSQL takes most of it. */
const closingMs = 20_000;

/** The part of it that workers may take. */
const workerClosingMs = 10_000;

interface Process {
  config: Config;
  log: Log;
  stop: Promise<NodeJS.Signals>;
  running: RunningSettings;
}

async function serve({ workers }: { workers: number }): Promise<void> {
  keepShortLivedObjectsYoung();
  const { worker } = cluster;
  const number = worker && Number(process.env[numberVariable]);
  const config = readConfig(process.env);
  const log = openLog(config.logLevel, redactSecrets, number === undefined ? undefined : { worker: number });
  logWarnings(log);
  const tracing = await startTracing(config, log);
  const running = new RunningSettings(config, log);
  // Workers hear of it from their primary process, also where a signal is sent to all processes.
  const ofPrimary = (work: () => void) => () => void (worker || work());
  const stop = stopSignal(ofPrimary(() => running.reload()));
  process.on(
    'SIGUSR2',
    ofPrimary(() => running.toggleDebug()),
  );
  // Also before the start is complete, the process must end in time after a stop signal.
  void stop.then(() => setTimeout(() => exitLate(log), config.shutdownTimeoutMs + closingMs).unref());
  const own: Process = { config, log, stop, running };
  const serving = worker
    ? serveAsWorker(worker, own)
    : workers === 1
      ? serveAlone(own)
      : serveTogether(workers, own);
  const inTime = await serving.catch(async (error) => {
    // The embedded PostgreSQL may have ended after everything was open.
    throw config.databaseUrl === undefined ? await explainFullDisk(config.dataDir, error) : error;
  });
  await tracing?.close();
  if (!worker) log.info('stopped');
  // A cancelled request or a hanging database may still hold a connection open.
  process.exit(inTime ? 0 : 1);
}

// The parts of a gateway are imported where they are used, because GraphQL would slow down every other command.

async function serveAlone({ config, log, stop, running }: Process): Promise<boolean> {
  const { addDemo } = await import('../server/demo.js');
  const { findPort, openServer } = await import('../server/server.js');
  await findPort(config);
  const app = await openApp(config, log, { exclusive: true });
  try {
    warnOfServiceDatabases(config, log);
    warnOfModuleFiles(app);
    await addDemo(app);
    const server = await openServer(app);
    running.onChange(({ settings }) => settings && server.allowOrigins(settings.corsOrigins));
    logServing(app, { url: server.url, admin: server.adminUrl });
    log.info({ signal: await stop }, 'stopping');
    return await server.close();
  } finally {
    await app.close();
  }
}

/** Keeps the registry, runs operations and answers at ADMIN_PORT; its workers answer requests. */
async function serveTogether(count: number, { config, log, stop, running }: Process): Promise<boolean> {
  const { addDemo } = await import('../server/demo.js');
  const { openAdminServer, findPort } = await import('../server/server.js');
  const { createMetrics } = await import('../metrics/metrics.js');
  const metrics = createMetrics();
  // Before a database is made for a gateway that cannot serve.
  await findPort(config);
  const app = await openApp(config, log, { exclusive: true, serves: false, workers: count, metrics });
  const stopWithinMs = config.shutdownTimeoutMs + workerClosingMs;
  let isStopping = false;
  let workers: Workers | undefined;
  let admin: Awaited<ReturnType<typeof openAdminServer>> | undefined;
  try {
    warnOfServiceDatabases(config, log);
    warnOfModuleFiles(app);
    await addDemo(app);
    const port = await findPort(config);
    const started = new Workers({ count, port, metrics, stopWithinMs, log });
    workers = started;
    running.onChange((change) => started.change(change));
    if (config.adminPort !== undefined)
      admin = await openAdminServer(app, {
        metrics: { ...metrics, text: () => started.metrics() },
        isStopping: () => isStopping,
        checks: () => [checkWorkers(started.serving, count)],
      });
    const url = await Promise.race([started.start(), stop.then(() => undefined)]);
    if (url) logServing(app, { url, admin: admin?.url, workers: started.pids });
    log.info({ signal: await Promise.race([stop, started.failed]) }, 'stopping');
    isStopping = true;
    return await started.stop();
  } finally {
    await workers?.stop();
    await admin?.close();
    await app.close();
  }
}

async function serveAsWorker(worker: Worker, { config, log, stop, running }: Process): Promise<boolean> {
  const primary = connectToPrimary(worker, () => {
    log.error('the primary process has ended: stopping');
    setTimeout(() => exitLate(log), config.shutdownTimeoutMs + workerClosingMs).unref();
  });
  try {
    const { openServer } = await import('../server/server.js');
    const app = await openApp(config, log, { exclusive: false, serves: true });
    try {
      if (app.gateway) primary.share(app.gateway.metrics);
      const server = await openServer(app, { allMetrics: primary.allMetrics });
      running.onChange(({ settings }) => settings && server.allowOrigins(settings.corsOrigins));
      primary.onChange((change) => running.apply(change));
      await primary.tell({ kind: 'serving', url: server.url });
      await Promise.race([stop, primary.stop]);
      return await server.close();
    } finally {
      await app.close();
    }
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    await primary.tell({ kind: 'failed', message, stack });
    return false;
  }
}

function checkWorkers(serving: number, count: number) {
  const name = 'workers';
  return serving === count
    ? { name, ok: true }
    : { name, ok: false, reason: `${serving} of ${count} workers serve` };
}

function logServing(
  app: App,
  at: { url: string; admin: string | undefined; workers?: (number | undefined)[] },
) {
  const { url, admin, workers } = at;
  const { config, log, embedded } = app;
  const further = { ...(admin && { admin }), ...(workers && { workers }) };
  const root = `${withLocalhost(url)}${config.basePath}`;
  const places = { url: `${root}/graphql`, adminPage: `${root}/admin` };
  log.info({ ...places, authMode: config.authMode, ...further }, 'serving');
  if (process.stderr.isTTY)
    process.stderr.write(`\n  Admin page: ${places.adminPage}\n  GraphQL:    ${places.url}\n\n`);
  if (embedded) log.info({ psql: embedded.psqlCommand('finance') }, 'look into the embedded PostgreSQL');
}

/** An address that a browser can open: a gateway that listens on all addresses of the machine is found at localhost. */
function withLocalhost(url: string): string {
  return url.replace(/^(http:\/\/)(0\.0\.0\.0|\[::\])(?=:)/, '$1localhost');
}

/**
 * While many requests wait at once, V8 learns that their objects live long. It then puts all later ones into the old generation, where
 * each dead one keeps what it refers to, and never unlearns that under load: measured, a quarter of what requests allocated was
 * promoted, and collecting garbage took a fifth of a gateway's CPU time.
 */
function keepShortLivedObjectsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}

function exitLate(log: Log): void {
  log.error('could not close everything in time');
  process.exit(1);
}

/** Logs warnings of Node.js and libraries as one line each. */
function logWarnings(log: Log): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warn({ warning: warning.name }, warning.message));
}
