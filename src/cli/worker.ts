import type { Command } from 'commander';
import { openApp } from '../app.js';
import { readConfig } from '../config.js';
import { openLog } from '../log.js';
import { redactSecrets } from '../registry/secret-detector.js';
import { warnOfServiceDatabases } from './service-warnings.js';
import { stopSignal } from './stop-signal.js';

export function addWorker(program: Command): void {
  program
    .command('worker')
    .description('Run due operations without a gateway, until a stop signal.')
    .action(work);
}

async function work(): Promise<void> {
  const config = readConfig(process.env);
  const log = openLog(config.logLevel, redactSecrets);
  const stop = stopSignal();
  const app = await openApp(config, log, { exclusive: false });
  try {
    warnOfServiceDatabases(config, log);
    app.startWorker();
    log.info('working');
    log.info({ signal: await stop }, 'stopping');
  } finally {
    await app.close();
  }
  log.info('stopped');
  // An interrupted step may still hold a connection open.
  process.exit();
}
