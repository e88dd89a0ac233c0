import type { Command } from 'commander';
import { authorize } from '../../auth/permissions.js';
import {
  listOperationRecords,
  type OperationRecord,
} from '../../provisioning/operations/reads/operation-record.js';
import { readDate, readNames, readWholeNumber } from '../option.js';
import { type Column, minuteOf, renderTable, statusColumn } from '../terminal/table.js';
import { print, withApp } from '../with-app.js';
import { toJson } from './operation-form.js';

export function addOperationList(operation: Command): void {
  operation
    .command('list')
    .description('List operations, newest first: the latest ones, or those that match the options.')
    .option(
      '--status <statuses>',
      'only these statuses, separated by commas: queued, running, failed …',
      readNames,
    )
    .option(
      '--kind <kinds>',
      'only these kinds, separated by commas: provision_tenant, purge_tenant …',
      readNames,
    )
    .option('--tenant <tenant>', 'only operations of this tenant, given by id, slug or external id')
    .option('--module <name>', 'only operations with a step on the storage of this module')
    .option('--needs-attention', 'only operations that an operator has to look at')
    .option(
      '--since <date>',
      'only operations requested since this time, such as 2027-01-31T00:00:00Z',
      readDate,
    )
    .option('--limit <number>', `number of operations to show; default: ${shownByDefault}`, readWholeNumber)
    .option('--json', 'print a JSON array')
    .addHelpText('after', explanation)
    .action(list);
}

const shownByDefault = 50;

const explanation = `
Examples:

  tenant-registry operation list --needs-attention
  tenant-registry operation list --kind provision_tenant --status failed,compensated --since 2027-01-31
  tenant-registry operation list --tenant acme-corp --limit 1000 --json`;

interface Options {
  limit?: number;
  json?: true;
  tenant?: string;
  /** Conditions, in the names of the filter of `operations`. */
  [condition: string]: unknown;
}

async function list({ limit = shownByDefault, json, tenant, ...conditions }: Options): Promise<void> {
  await withApp(
    async (app, caller) => {
      authorize(caller, 'readRegistry');
      const { operations, hasMore } = await listOperationRecords(app.database, {
        tenant,
        conditions,
        first: limit,
      });
      if (json) return print(JSON.stringify(operations.map(toJson)));
      if (operations.length === 0) return print('No operation matches.');
      for (const line of renderTable(operations, columns, process.stdout.columns)) print(line);
      const count = `${operations.length} ${operations.length === 1 ? 'operation' : 'operations'}`;
      print(hasMore ? `\nThe latest ${count}; --limit shows more.` : `\n${count}.`);
    },
    { readOnly: true },
  );
}

const columns: Column<OperationRecord>[] = [
  { title: 'REQUESTED', read: ({ createdAt }) => minuteOf(createdAt), least: 16 },
  { title: 'KIND', read: ({ kind }) => kind.toLowerCase(), least: 8 },
  statusColumn,
  { title: 'TENANT', read: ({ tenantSlug }) => tenantSlug, least: Number.POSITIVE_INFINITY },
  { title: 'BY', read: ({ actor }) => actor, least: 6 },
  { title: 'ID', read: ({ id }) => id, least: Number.POSITIVE_INFINITY },
  { title: 'ERROR', read: ({ error }) => error, least: 10 },
];
