import { writeFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { invalidField } from '../../errors.js';
import { type ImportReport, importDatabases } from '../../importing/databases/database-import.js';
import { suggestColumns } from '../../importing/databases/suggest-columns.js';
import { readColumnMap } from '../../importing/platform/column-map.js';
import { type SourceKind, sourceKinds } from '../../importing/platform/merge-fields.js';
import { collect, showProgress } from '../option.js';
import { printable } from '../terminal/printable.js';
import { readTextFile } from '../text-file.js';
import { print, withApp } from '../with-app.js';
import { endMove, follow, planFollowing, type RequestFor } from './import-move.js';
import { describeImport } from './import-report.js';
import { addImportYaml } from './import-yaml.js';

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
    .option('--from <url>', 'also read the tables of a platform in this database, which is not changed')
    .option(
      '--columns <file>',
      'YAML file that names tables of another shape and the meaning of their columns',
    )
    .option(
      '--suggest [file]',
      'print or write such a file for the tables that were found, and import nothing',
    )
    .option('--clients <folder>', 'folder of client.yaml files of the same tenants; default: CLIENTS_DIR')
    .addOption(
      new Option(
        '--prefer <source>',
        'source that counts where sources disagree; default: refuse the tenant',
      ).choices(sourceKinds),
    )
    .option('--keep-tables', 'leave the names of the old tables in service databases as they are')
    .addOption(
      new Option(
        '--follow',
        'keep up with the old tables until a stop signal or until --finish of another process; changes nothing in them',
      ).conflicts(['finish', 'undo', 'suggest']),
    )
    .addOption(
      new Option('--interval <seconds>', 'pause of --follow between two looks at the old tables')
        .argParser(readInterval)
        .default(2_000, '2'),
    )
    .addOption(
      new Option(
        '--finish',
        'take over what is new while nobody can write to the old tables, and rename them',
      ).conflicts(['undo', 'suggest', 'keepTables']),
    )
    .addOption(
      new Option('--undo', 'give the tables that --finish has renamed their names back').conflicts([
        ...['suggest', 'keepTables'],
      ]),
    )
    .option(
      '--json',
      'print {"done","entries","tenants","problems","tables","skipped","isUnfinished","onlyInRegistry"}; --follow prints an object per line, --finish and --undo print {"done","reasons","sql","tables","report"}',
    )
    .option('--module <name>', 'only this module; may be given several times', collect, [])
    .addHelpText('after', explanation)
    .action(run);
}

const explanation = `
The tenant of a schema comes from the first of these sources that knows it: the registry, the schema's own version table, the
map, a table tenant_registry or tenants in the database of the registry or of a service, and last the schema's name without
the module's prefix, where - and _ are the same. Those tables are renamed to <name>_before_registry after reading; later
imports read them under that name. Tables of --from keep their names.

Everything that the tables tenants, tenant_settings, tenant_branding, organization_users, user_invitations and tenant_module_log know
about a tenant is taken over with it. A secret in a configuration becomes a reference such as \${ACME_SMTP_PASSWORD} and is reported.
Open invitations get new tokens, which are printed only once. A tenant about which the table, its client.yaml and the registry
disagree is refused with the fields, unless --prefer names the source that counts.

A later import remembers what it has taken over: an edit of one side counts, and a field that was edited on both sides waits for
--prefer. --follow repeats this until it is stopped, and a process that was killed is continued by the next one. --finish is refused
while something waits for a decision; a role that may not rename the tables gets the SQL for an administrator.

Undecided schemas stay unchanged: "ambiguous" when several tenants match, "conflict" when sources contradict each other.
A second import continues with the rest. The exit code is 1 when there was a
conflict or a tenant was refused, otherwise 0.`;

interface Options {
  map?: string;
  dryRun?: true;
  keepTables?: true;
  from?: string;
  columns?: string;
  suggest?: true | string;
  clients?: string;
  prefer?: SourceKind;
  follow?: true;
  interval: number;
  finish?: true;
  undo?: true;
  json?: true;
  module: string[];
}

async function run(options: Options): Promise<void> {
  const map = options.map === undefined ? undefined : await readTextFile(options.map, '--map');
  const columns =
    options.columns === undefined
      ? undefined
      : readColumnMap(await readTextFile(options.columns, '--columns'));
  const isDryRun = options.dryRun === true;
  if (options.suggest !== undefined) return suggest(options, options.suggest);
  const requestFor: RequestFor = (app) => ({
    ...{ map, columns, isDryRun, from: options.from, prefer: options.prefer },
    keepsTables: options.keepTables === true,
    clients: options.clients ?? app.config.clientsDir,
    modules: options.module,
    hasEmbedded: app.embedded !== undefined,
  });
  const isJson = options.json === true;
  if (options.finish || options.undo) return endMove(requestFor, { isUndo: options.undo === true, isJson });
  if (options.follow && isDryRun) return planFollowing(requestFor, isJson);
  if (options.follow) return follow(requestFor, { intervalMs: options.interval, isJson });
  const report = await withApp(
    (app, caller) =>
      importDatabases(app.commandsFor(caller), {
        ...requestFor(app),
        onProgress: showProgress('Imported'),
      }),
    { renamesOldTables: !isDryRun },
  );
  if (options.json) print(JSON.stringify(report));
  else for (const line of describeImport(report)) print(line);
  if (hasFailed(report)) process.exitCode = 1;
}

function hasFailed({ entries, tenants, tables, isUnfinished }: ImportReport): boolean {
  return (
    isUnfinished ||
    entries.some(({ action }) => action === 'conflict') ||
    tenants.some(
      ({ action, conflicts }) => action === 'refuse' || conflicts.some(({ taken }) => taken === null),
    ) ||
    tables.some(({ problem }) => problem !== null)
  );
}

/** In milliseconds. */
function readInterval(text: string): number {
  const seconds = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (seconds < 0.1 || seconds > 3_600)
    throw new InvalidArgumentError('Expected a number of seconds from 0.1 to 3600.');
  return seconds * 1_000;
}

async function suggest({ from, module }: Options, file: true | string): Promise<void> {
  const text = await withApp((app, caller) =>
    suggestColumns(app.commandsFor(caller), { from, modules: module }),
  );
  if (file === true) return void process.stdout.write(printable(text));
  await writeFile(file, text, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    throw invalidField('--suggest', `${file} cannot be written (${error.code})`);
  });
}
