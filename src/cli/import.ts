import type { Command } from 'commander';
import { type ImportReport, importDatabases } from '../importing/databases/database-import.js';
import type { Action, ImportEntry } from '../importing/databases/take-over-plan.js';
import { addImportYaml } from './import-yaml.js';
import { collect, showProgress } from './option.js';
import { oneLine } from './terminal/printable.js';
import { type Column, renderTable } from './terminal/table.js';
import { readTextFile } from './text-file.js';
import { print, withApp } from './with-app.js';

export function addImport(program: Command): void {
  const group = program.command('import').description('Import tenants that are older than the registry.');
  addImportYaml(group);
  group
    .command('databases')
    .description('Register the tenants of existing schemas and databases without touching their data.')
    .option(
      '--map <file>',
      'CSV file with schema, id, slug and name, for schemas whose tenant is not known otherwise',
    )
    .option(
      '--dry-run',
      'only show the changes (the registry’s own tables are still migrated, as by every command)',
    )
    .option('--json', 'print {"done","entries","tables","skipped"}')
    .option('--module <name>', 'only this module; may be given several times', collect, [])
    .addHelpText('after', explanation)
    .action(run);
}

const explanation = `
The tenant of a schema comes from the first of these sources that knows it: the registry, the schema's own version table, the
map, a table tenant_registry or tenants in the database of the registry or of a service, and last the schema's name without
the module's prefix, where - and _ are the same. Those tables are renamed to <name>_before_registry after reading; later
imports read them under that name.

Undecided schemas stay unchanged: "ambiguous" when several tenants match, "conflict" when sources contradict each other.
A second import continues with the rest. The exit code is 1 when there was a conflict, otherwise 0.`;

async function run(options: { map?: string; dryRun?: true; json?: true; module: string[] }): Promise<void> {
  const map = options.map === undefined ? undefined : await readTextFile(options.map, '--map');
  const isDryRun = options.dryRun === true;
  const report = await withApp(
    (app, caller) =>
      importDatabases(app.commandsFor(caller), {
        map,
        modules: options.module,
        isDryRun,
        hasEmbedded: app.embedded !== undefined,
        onProgress: showProgress('Imported'),
      }),
    { renamesOldTables: !isDryRun },
  );
  if (options.json) print(JSON.stringify(report));
  else for (const line of describe(report)) print(line);
  const failed =
    report.entries.some(({ action }) => action === 'conflict') ||
    report.tables.some(({ problem }) => problem);
  if (failed) process.exitCode = 1;
}

const columns: Column<ImportEntry>[] = [
  {
    title: 'TENANT',
    read: ({ tenantId, action }) => tenantId ?? (action === 'register' ? 'new' : null),
    least: 9,
  },
  { title: 'SLUG', read: ({ slug }) => slug, least: 8 },
  { title: 'NAME', read: ({ name }) => name, least: 6 },
  { title: 'MODULE', read: ({ module }) => module, least: 6 },
  { title: 'SCHEMA', read: ({ schema }) => schema, least: 10 },
  { title: 'DATABASE', read: ({ database }) => database, least: 6 },
  { title: 'ID FROM', read: ({ idFrom }) => idFrom, least: 6 },
];

const pastTense: Partial<Record<Action, string>> = { register: 'registered', subscribe: 'subscribed' };

function describe({ done, entries, tables, skipped }: ImportReport): string[] {
  const lines: string[] = [];
  const nameOf = (action: Action) => (done && pastTense[action]) || action;
  const outcome: Column<ImportEntry> = { title: 'ACTION', read: ({ action }) => nameOf(action), least: 10 };
  if (entries.length > 0) {
    const [title = '', ...rows] = renderTable(entries, [...columns, outcome], process.stdout.columns);
    lines.push(title);
    for (const [index, row] of rows.entries()) {
      lines.push(row);
      const why = entries[index]?.why;
      if (why) lines.push(`    ${oneLine(why)}`);
    }
    lines.push('');
  }
  for (const { table, database, renamedTo, problem } of tables)
    lines.push(
      oneLine(
        `Table ${table} in ${database}: ${problem ?? (renamedTo ? `renamed to ${renamedTo}` : 'read')}`,
      ),
    );
  for (const { module, why } of skipped) lines.push(oneLine(`Module ${module} was skipped: ${why}`));
  const counts = (['register', 'subscribe', 'unchanged', 'ambiguous', 'conflict'] as const)
    .map((action) => ({ action, count: entries.filter((entry) => entry.action === action).length }))
    .filter(({ count }) => count > 0)
    .map(({ action, count }) => `${count} ${nameOf(action)}`);
  lines.push(counts.length > 0 ? `${counts.join(', ')}.` : 'Nothing was found.');
  return lines;
}
