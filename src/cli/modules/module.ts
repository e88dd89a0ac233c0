import type { Command } from 'commander';
import { addModuleChanges } from './module-change.js';
import { addModuleCheck } from './module-check.js';
import { addModuleList } from './module-list.js';

export function addModule(program: Command): void {
  const module = program
    .command('module')
    .description('List, change and check the modules, for each of which tenants have a schema or a database.')
    .addHelpText('after', examples);
  addModuleList(module);
  addModuleChanges(module);
  addModuleCheck(module);
}

const examples = `
Examples:

  tenant-registry module list
  tenant-registry module add crm --isolation database --description "Customers and their contacts"
  tenant-registry module update crm --schema-prefix crm_
  tenant-registry module check modules/crm

Subscriptions keep their names and their isolation when a module changes.`;
