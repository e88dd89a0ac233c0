import type { Command } from 'commander';
import { openApp } from '../app.js';
import { readConfig } from '../config.js';
import { openLog } from '../log.js';
import { addDemo } from '../server/demo.js';
import { openServer } from '../server/server.js';

export function addServe(program: Command): void {
  program.command('serve').description('Run the gateway until it is told to stop.').action(serve);
}

async function serve(): Promise<void> {
  const config = readConfig(process.env);
  const log = openLog(config.logLevel);
  const stop = stopSignal();
  const app = await openApp(config, log, { exclusive: true });
  try {
    await addDemo(app);
    const server = await openServer(app);
    log.info({ url: `${server.url}/graphql`, authMode: config.authMode }, 'serving');
    if (app.embedded)
      log.info({ psql: app.embedded.psqlCommand('finance') }, 'look into the embedded PostgreSQL');
    log.info({ signal: await stop }, 'stopping');
    await server.close();
  } finally {
    await app.close();
  }
  log.info('stopped');
}

/** The first signal stops gracefully; a second one, from somebody impatient, ends the process at once. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.once(signal, () => resolve(signal));
  });
}
