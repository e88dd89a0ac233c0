import type { Command } from 'commander';
import { authorize } from '../../auth/permissions.js';
import { listModules, listModulesNotReady, type ModuleRecord } from '../../registry/modules/module-record.js';
import { type Column, renderTable } from '../terminal/table.js';
import { print, withApp } from '../with-app.js';

export function addModuleList(module: Command): void {
  module
    .command('list')
    .description('List all modules with their databases and the number of their subscriptions.')
    .option('--json', 'print a JSON array')
    .addHelpText('after', "\nExample:\n\n  tenant-registry module list --json | jq -r '.[].name'")
    .action(list);
}

type Row = ModuleRecord & { problem: string | null };

async function list(options: { json?: true }): Promise<void> {
  await withApp(
    async (app, caller) => {
      authorize(caller, 'readRegistry');
      const notReady = await listModulesNotReady(app.database, app.commandsFor(caller).serviceDatabases);
      const rows = (await listModules(app.database)).map((module) => ({
        ...module,
        /** Why the database of the module cannot be used here. */
        problem: notReady.find(({ name }) => name === module.name)?.reason ?? null,
      }));
      if (options.json) return print(JSON.stringify(rows));
      if (rows.length === 0) return print('There are no modules; "tenant-registry module add" adds one.');
      for (const line of renderTable(rows, columns, process.stdout.columns)) print(line);
    },
    { readOnly: true },
  );
}

const columns: Column<Row>[] = [
  { title: 'NAME', read: ({ name }) => name, least: Number.POSITIVE_INFINITY },
  { title: 'STATE', read: ({ retiredAt }) => (retiredAt ? 'retired' : 'in use'), least: 7 },
  { title: 'ISOLATION', read: ({ isolation }) => isolation.toLowerCase(), least: 6 },
  { title: 'PREFIX', read: ({ schemaPrefix }) => schemaPrefix, least: 6 },
  { title: 'DATABASE', read: ({ databaseName }) => databaseName, least: 8 },
  { title: 'VARIABLE', read: ({ databaseRef }) => databaseRef, least: Number.POSITIVE_INFINITY },
  { title: 'MIGRATIONS', read: ({ migrationsFolder }) => migrationsFolder, least: 6 },
  {
    title: 'SUBSCRIPTIONS',
    read: ({ subscriptions }) => String(subscriptions.SCHEMA + subscriptions.DATABASE),
    least: 5,
  },
  { title: 'NOT READY BECAUSE', read: ({ problem }) => problem, least: 10 },
];
