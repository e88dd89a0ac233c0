import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { packageFolder } from '../package-folder.js';
import { addDoctor } from './doctor.js';
import { addDocuments } from './documents.js';
import { addExport } from './export.js';
import { addGrants } from './grants.js';
import { addImport } from './import.js';
import { addKeys } from './keys.js';
import { addMigrate } from './migrate.js';
import { addProvision } from './provision.js';
import { addPsql } from './psql.js';
import { addServe } from './serve.js';
import { addStats } from './stats.js';
import { addTenant } from './tenants/tenant.js';
import { addWorker } from './worker.js';

/** The command line. Each imported file adds the commands of one noun. */
export function createProgram(): Command {
  const program = new Command('tenant-registry')
    .description('The shared tenant registry: it knows which schema or database contains a tenant’s data.')
    .version(readVersion(), '--version', 'print the version')
    .showHelpAfterError('(--help lists the arguments and options of a command)');
  addServe(program);
  addWorker(program);
  addMigrate(program);
  addProvision(program);
  addTenant(program);
  addStats(program);
  addPsql(program);
  addKeys(program);
  addDocuments(program);
  addGrants(program);
  addImport(program);
  addDoctor(program);
  addExport(program);
  return program;
}

/** The command whose name is all that was given, when it only groups others: its help is then no error. */
export function findGroup(program: Command, args: readonly string[]): Command | undefined {
  let found: Command | undefined = program;
  for (const name of args) found = found?.commands.find((command) => command.name() === name);
  // `doctor` has commands below it and work of its own.
  return found?.commands.length && !('_actionHandler' in found && found._actionHandler) ? found : undefined;
}

function readVersion(): string {
  return JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')).version;
}
