import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';
import { openApp } from '../app.js';
import { readConfig } from '../config.js';
import { type Log, openLog } from '../log.js';
import { redactSecrets } from '../registry/secret-detector.js';
import { stopSignal } from './stop-signal.js';

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('Run the gateway until a stop signal. With WORKER=none it runs no operations.')
    .action(serve);
}

/** Time for closing everything after the last request; the stop of PostgreSQL takes most of it. */
const closingMs = 20_000;

async function serve(): Promise<void> {
  keepShortLivedObjectsYoung();
  const config = readConfig(process.env);
  const log = openLog(config.logLevel, redactSecrets);
  logWarnings(log);
  const stop = stopSignal();
  // Also before the start is complete, the process must end in time after a stop signal.
  void stop.then(() => setTimeout(() => exitLate(log), config.shutdownTimeoutMs + closingMs).unref());

  // Imported here, because GraphQL would slow down every other command.
  const { addDemo } = await import('../server/demo.js');
  const { openServer } = await import('../server/server.js');
  const app = await openApp(config, log, { exclusive: true });
  let inTime = true;
  try {
    await addDemo(app);
    const server = await openServer(app);
    const admin = server.adminUrl && { admin: server.adminUrl };
    log.info({ url: `${server.url}/graphql`, authMode: config.authMode, ...admin }, 'serving');
    if (app.embedded)
      log.info({ psql: app.embedded.psqlCommand('finance') }, 'look into the embedded PostgreSQL');
    log.info({ signal: await stop }, 'stopping');
    inTime = await server.close();
  } finally {
    await app.close();
  }
  log.info('stopped');
  // A cancelled request or a hanging database may still hold a connection open.
  process.exit(inTime ? 0 : 1);
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
