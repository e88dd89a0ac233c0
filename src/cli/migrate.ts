import type { Command } from 'commander';
import { type App, openApp } from '../app.js';
import { gateway } from '../auth/caller.js';
import { readConfig } from '../config.js';
import { findServiceProblems } from '../database/servers/find-server-problems.js';
import { openLog } from '../log.js';
import { problemOf, renewCopies } from '../provisioning/copies/keep-copies.js';
import { redactSecrets } from '../registry/values/secret-detector.js';
import { oneLine } from './terminal/printable.js';
import { print } from './with-app.js';

export function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description('Apply all migrations to the registry database; serve does this as well.')
    .option(
      '--modules',
      'also update the copies of module migrations in the service databases, which ensure_<module>_tenant_schema runs',
    )
    .option(
      '--rename-old-tables',
      'rename tables of an older registry in this database to <name>_before_registry, for "import databases"',
    )
    .action(migrate);
}

async function migrate(options: { modules?: true; renameOldTables?: true }): Promise<void> {
  const config = readConfig(process.env);
  const app = await openApp(config, openLog(config.logLevel, redactSecrets), {
    exclusive: false,
    renamesOldTables: options.renameOldTables === true,
  });
  try {
    print('The registry database is up to date.');
    for (const problem of await findServiceProblems(config)) process.stderr.write(`${oneLine(problem)}\n`);
    if (options.modules) await renew(app);
  } finally {
    await app.close();
  }
}

async function renew(app: App): Promise<void> {
  for (const renewed of await renewCopies(app.commandsFor(gateway), { force: true })) {
    const problem = problemOf(renewed);
    if (problem === undefined) print(`The copy of module ${renewed.module} is up to date.`);
    else {
      process.stderr.write(`${oneLine(problem)}\n`);
      process.exitCode = 1;
    }
  }
}
