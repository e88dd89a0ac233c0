import type { Command } from 'commander';
import { addOperationControl } from './operation-control.js';
import { addOperationList } from './operation-list.js';
import { addOperationShow } from './operation-show.js';

export function addOperation(program: Command): void {
  const operation = program
    .command('operation')
    .description('List, show, retry and cancel operations, which create and drop the storage of tenants.')
    .addHelpText('after', examples);
  addOperationList(operation);
  addOperationShow(operation);
  addOperationControl(operation);
}

const examples = `
Examples:

  tenant-registry operation list --status needs_attention
  tenant-registry operation list --tenant acme-corp --json | jq -r '.[].id'
  tenant-registry operation show 0198c0de-0000-7000-8000-000000000001
  tenant-registry operation retry 0198c0de-0000-7000-8000-000000000001`;
