import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { ConfigError } from '../config.js';
import { EmbeddedInUseError } from '../database/embedded/embedded.js';
import { RegistryError } from '../errors.js';
import { addDoctor } from './doctor.js';
import { addExport } from './export.js';
import { addGrants } from './grants.js';
import { addImport } from './import.js';
import { addKeys } from './keys.js';
import { addMigrate } from './migrate.js';
import { oneLine } from './printable.js';
import { addProvision } from './provision.js';
import { addServe } from './serve.js';
import { addTenant } from './tenant.js';
import { addWorker } from './worker.js';

/** The command line: one file per noun, each adds its commands here. */
const program = new Command('tenant-registry')
  .description('The shared tenant registry: which schema or database holds a tenant’s data.')
  .version(readVersion(), '--version', 'Print the version.')
  .showHelpAfterError('(add --help for what this command takes)');
addServe(program);
addWorker(program);
addMigrate(program);
addProvision(program);
addTenant(program);
addKeys(program);
addGrants(program);
addImport(program);
addDoctor(program);
addExport(program);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${explain(error).split('\n').map(oneLine).join('\n')}\n`);
  process.exitCode = 1;
}

function readVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}

/** A line per problem; a stack trace only for what nobody expected. */
function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof EmbeddedInUseError) return error.message;
  if (error instanceof RegistryError) return oneLine(`${error.code}: ${error.message}`);
  if (error instanceof Error)
    return process.env.LOG_LEVEL === 'debug' ? (error.stack ?? error.message) : error.message;
  return String(error);
}
