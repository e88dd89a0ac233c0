import type { Command } from 'commander';
import { openApp } from '../app.js';
import { readConfig } from '../config.js';
import { openLog } from '../log.js';
import { redactSecrets } from '../registry/values/secret-detector.js';
import { RunningSettings } from './reload.js';
import { warnOfModuleFiles, warnOfServiceDatabases } from './service-warnings.js';
import { startTracing } from './start-tracing.js';
import { stopSignal } from './stop-signal.js';

export function addWorker(program: Command): void {
  program
    .command('worker')
    .description(
      'Run due operations without a gateway, until a stop signal. With ADMIN_PORT it answers /ready and /metrics there.',
    )
    .action(work);
}

async function work(): Promise<void> {
  const config = readConfig(process.env);
  const log = openLog(config.logLevel, redactSecrets);
  const tracing = await startTracing(config, log);
  const running = new RunningSettings(config, log);
  const stop = stopSignal(() => running.reload());
  process.on('SIGUSR2', () => running.toggleDebug());
  // Loaded only where it is used: a worker without a port needs no HTTP.
  const admin = config.adminPort === undefined ? undefined : await import('../server/server.js');
  const metrics = admin && (await import('../metrics/metrics.js')).createMetrics();
  const app = await openApp(config, log, { exclusive: false, ...(metrics && { metrics }) });
  let isStopping = false;
  const door = metrics && (await admin?.openAdminServer(app, { metrics, isStopping: () => isStopping }));
  try {
    warnOfServiceDatabases(config, log);
    warnOfModuleFiles(app);
    app.startWorker();
    log.info(door ? { admin: door.url } : {}, 'working');
    log.info({ signal: await stop }, 'stopping');
    isStopping = true;
  } finally {
    await door?.close();
    await app.close();
  }
  await tracing?.close();
  log.info('stopped');
  // An interrupted step may still hold a connection open.
  process.exit();
}
