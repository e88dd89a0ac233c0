import { constants } from 'node:os';
import type { Command } from 'commander';
import { openApp } from '../app.js';
import { readConfig } from '../config.js';
import { type Log, openLog } from '../log.js';

export function addServe(program: Command): void {
  program.command('serve').description('Run the gateway until it is told to stop.').action(serve);
}

/** For what is closed after the last request, in milliseconds: mostly PostgreSQL's own stop. */
const closingMs = 20_000;

/** npm passes on the Ctrl-C that the terminal has sent us already: within this time it is the same one. */
const echoMs = 500;

async function serve(): Promise<void> {
  const config = readConfig(process.env);
  const log = openLog(config.logLevel);
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

/** The first signal stops gracefully; a second one, from somebody impatient, ends the process at once. */
function stopSignal(): Promise<NodeJS.Signals> {
  let since: number | undefined;
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.on(signal, () => {
        since ??= performance.now();
        resolve(signal);
        if (performance.now() - since > echoMs) process.exit(128 + constants.signals[signal]);
      });
  });
}

/** Node would print what it and libraries warn of over several lines. */
function logWarnings(log: Log): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warn({ warning: warning.name }, warning.message));
}
