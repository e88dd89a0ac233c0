import type { Command } from 'commander';
import { openApp } from '../app.js';
import { readConfig } from '../config.js';
import { openLog } from '../log.js';

export function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description('Bring the registry database to the newest version; serve does this too.')
    .action(async () => {
      const config = readConfig(process.env);
      const app = await openApp(config, openLog(config.logLevel), { exclusive: false });
      await app.close();
      process.stdout.write('The registry database is up to date.\n');
    });
}
