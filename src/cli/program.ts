import { Command } from 'commander';
import { packageVersion } from '../package-folder.js';
import { addAudit } from './audit/audit.js';
import { addConfig } from './config/config-check.js';
import { addEnvFile } from './config/env-file.js';
import { addDoctor } from './doctor/doctor.js';
import { addDocuments } from './documents/documents.js';
import { addGrants } from './grants.js';
import { addExport } from './importing/export.js';
import { addImport } from './importing/import.js';
import { addKeys } from './keys.js';
import { addMigrate } from './migrate.js';
import { addModule } from './modules/module.js';
import { addOperation } from './operations/operation.js';
import { addProvision } from './provision.js';
import { addPsql } from './psql.js';
import { addRollout } from './rollouts/rollout.js';
import { addServe } from './serve.js';
import { addStats } from './stats.js';
import { addTenant } from './tenants/tenant.js';
import { addWorker } from './worker.js';

/** The command line. Each imported file adds the commands of one noun. */
export function createProgram(): Command {
  const program = new Command('tenant-registry')
    .description('The shared tenant registry: it knows which schema or database contains a tenant’s data.')
    .version(packageVersion, '--version', 'print the version')
    .showHelpAfterError('(--help lists the arguments and options of a command)')
    // Commander would end the process in the middle of its turn. All commands inherit it.
    .exitOverride();
  addEnvFile(program);
  addServe(program);
  addWorker(program);
  addMigrate(program);
  addProvision(program);
  addTenant(program);
  addStats(program);
  addModule(program);
  addOperation(program);
  addRollout(program);
  addPsql(program);
  addKeys(program);
  addDocuments(program);
  addGrants(program);
  addConfig(program);
  addImport(program);
  addDoctor(program);
  addExport(program);
  addAudit(program);
  return program;
}

/** The command whose name is all that was given, when it only groups others: its help is then no error. */
export function findGroup(program: Command, args: readonly string[]): Command | undefined {
  let found: Command | undefined = program;
  for (const name of args) found = found?.commands.find((command) => command.name() === name);
  // `doctor` has commands below it and work of its own.
  return found?.commands.length && !('_actionHandler' in found && found._actionHandler) ? found : undefined;
}
