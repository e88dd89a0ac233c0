import type { Command } from 'commander';
import { openApp } from '../app.js';
import { readConfig } from '../config.js';
import { type Log, openLog } from '../log.js';
import { redactSecrets } from '../profile/secret-detector.js';
import { stopSignal } from './stop-signal.js';

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('Run the gateway until it is told to stop; with WORKER=none it leaves work to others.')
    .action(serve);
}

/** For what is closed after the last request, in milliseconds: mostly PostgreSQL's own stop. */
const closingMs = 20_000;

async function serve(): Promise<void> {
  const config = readConfig(process.env);
  const log = openLog(config.logLevel, redactSecrets);
  logWarnings(log);
  const stop = stopSignal();
  // Started or not: who is told to stop does.
  void stop.then(() => setTimeout(() => exitLate(log), config.shutdownTimeoutMs + closingMs).unref());

  // Loaded here, so that no other command waits for GraphQL and the 9 MB of GraphiQL.
  const { addDemo } = await import('../server/demo.js');
  const { openServer } = await import('../server/server.js');
  const app = await openApp(config, log, { exclusive: true });
  let inTime = true;
  try {
    await addDemo(app);
    const server = await openServer(app);
    log.info({ url: `${server.url}/graphql`, authMode: config.authMode }, 'serving');
    if (app.embedded)
      log.info({ psql: app.embedded.psqlCommand('finance') }, 'look into the embedded PostgreSQL');
    log.info({ signal: await stop }, 'stopping');
    inTime = await server.close();
  } finally {
    await app.close();
  }
  log.info('stopped');
  // What was cut off, or a database that hangs, may still hold a connection open.
  process.exit(inTime ? 0 : 1);
}

function exitLate(log: Log): void {
  log.error('could not close everything in time');
  process.exit(1);
}

/** Node would print what it and libraries warn of over several lines. */
function logWarnings(log: Log): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warn({ warning: warning.name }, warning.message));
}
