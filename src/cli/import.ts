import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { invalidField } from '../errors.js';
import { type ImportReport, importDatabases } from '../importing/databases/database-import.js';
import type { Action, Entry } from '../importing/databases/take-over.js';
import { addImportYaml } from './import-yaml.js';
import { collect, showProgress } from './option.js';
import { oneLine } from './printable.js';
import { type Column, renderTable } from './table.js';
import { print, withApp } from './with-app.js';

export function addImport(program: Command): void {
  const group = program.command('import').description('Take over what was there before the registry.');
  addImportYaml(group);
  group
    .command('databases')
    .description(
      'Register the tenants whose schemas or databases stand already, without touching their data.',
    )
    .option('--map <file>', 'CSV of schema, id, slug and name, for what nothing else tells')
    .option(
      '--dry-run',
      'only show what would be done (the registry itself is migrated, as by every command)',
    )
    .option('--json', 'print {"done","entries","tables","skipped"}')
    .option('--module <name>', 'only this module; may be given several times', collect, [])
    .addHelpText('after', explanation)
    .action(run);
}

const explanation = `
Whose a schema is, the first that says so: the registry, the schema's own version table, the map, a table
tenant_registry or tenants in the registry's or a service's database, and last its name without the module's prefix,
with - and _ taken for the same. Those tables are read, renamed to <name>_before_registry, and read there from then on.

What cannot be decided is left alone: "ambiguous" when several tenants fit, "conflict" when something contradicts.
Done again, it goes on with what is left. The exit code is 1 when there was a conflict, else 0.`;

async function run(options: { map?: string; dryRun?: true; json?: true; module: string[] }): Promise<void> {
  const map = options.map === undefined ? undefined : await readMap(options.map);
  const report = await withApp((app, caller) =>
    importDatabases(app.commandsFor(caller), {
      map,
      modules: options.module,
      isDryRun: options.dryRun === true,
      hasEmbedded: app.embedded !== undefined,
      onProgress: showProgress('Taken over'),
    }),
  );
  if (options.json) print(JSON.stringify(report));
  else for (const line of describe(report)) print(line);
  const failed =
    report.entries.some(({ action }) => action === 'conflict') ||
    report.tables.some(({ problem }) => problem);
  if (failed) process.exitCode = 1;
}

async function readMap(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw invalidField('--map', `${file} cannot be read (${error.code})`);
  });
}

const columns: Column<Entry>[] = [
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
  const speak = (action: Action) => (done && pastTense[action]) || action;
  const outcome: Column<Entry> = { title: 'WHAT', read: ({ action }) => speak(action), least: 10 };
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
  for (const { module, why } of skipped) lines.push(oneLine(`Module ${module} was not looked at: ${why}`));
  const counts = (['register', 'subscribe', 'unchanged', 'ambiguous', 'conflict'] as const)
    .map((action) => ({ action, count: entries.filter((entry) => entry.action === action).length }))
    .filter(({ count }) => count > 0)
    .map(({ action, count }) => `${count} ${speak(action)}`);
  lines.push(counts.length > 0 ? `${counts.join(', ')}.` : 'Nothing was found.');
  return lines;
}
