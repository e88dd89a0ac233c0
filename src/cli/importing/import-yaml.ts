import type { Command } from 'commander';
import { invalidField } from '../../errors.js';
import { type RemovedTests, removeTestFolders } from '../../importing/yaml/test-folders.js';
import { importYaml, type YamlImportReport } from '../../importing/yaml/yaml-import.js';
import { collect, showProgress } from '../option.js';
import { confirm, requireConfirmable } from '../terminal/confirm.js';
import { visible } from '../terminal/table.js';
import { print, withApp } from '../with-app.js';
import { type ClientReport, describeClients } from './client-report.js';

interface Options {
  dryRun?: true;
  includeTests?: true;
  only: string[];
  keepSource?: true;
  force?: true;
  removeTests?: true;
  yes?: true;
  json?: true;
}

export function addImportYaml(group: Command): void {
  group
    .command('yaml')
    .description('Register or update the tenants of <folder>/<id>/client.yaml files.')
    .argument('<folder>', 'folder that contains one folder per client')
    .option(
      '--dry-run',
      'only show the changes (the registry’s own tables are still migrated, as by every command)',
    )
    .option('--only <id>', 'only this client; may be given several times', collect, [])
    .option('--include-tests', 'also import test tenants, tn_…')
    .option('--keep-source', 'register tenants, but keep serving their client.yaml (see CLIENTS_DIR)')
    .option('--force', 'overwrite configurations in the registry that differ, and show the differences')
    .option('--remove-tests', 'delete the folders of test tenants, tn_…, after a confirmation')
    .option('--yes', 'confirm without a question')
    .option('--json', 'print {"done","counts","clients","tests"}')
    .addHelpText('after', explanation)
    .action(run);
}

const explanation = `
A secret in a file is replaced by a reference such as \${ACME_SMTP_PASSWORD} and reported without its value: set that variable for
the services that need it. Unknown keys are kept under "extensions". A file with a mistake is reported with its line, and the
others are imported. A second import changes nothing. The exit code is 0 when no file failed.`;

async function run(folder: string, options: Options): Promise<void> {
  const { only } = options;
  const isDryRun = options.dryRun === true;
  if (options.removeTests && options.includeTests)
    throw invalidField(
      '--remove-tests',
      'cannot be combined with --include-tests: import the test tenants first, or delete their folders',
    );
  if (options.removeTests && !isDryRun) requireConfirmable('--remove-tests', options);
  const report = await withApp(async (app, caller): Promise<ClientReport> => {
    const context = app.commandsFor(caller);
    const imported = await importYaml(context, {
      folder,
      isDryRun,
      only,
      includesTests: options.includeTests === true,
      keepsSource: options.keepSource === true,
      force: options.force === true,
      onProgress: showProgress('Read'),
    });
    const ask = async (ids: string[]) => options.yes === true || (await askFor(ids));
    const tests =
      options.removeTests && (await removeTestFolders(context, { folder, only, isDryRun, confirm: ask }));
    return { ...imported, counts: count(imported), tests: tests ?? null };
  });
  if (options.json) print(JSON.stringify(report));
  else for (const line of describeClients(report)) print(line);
  if (report.counts.fail > 0 || hasFailedToRemove(report.tests)) process.exitCode = 1;
}

function count({ clients }: YamlImportReport): ClientReport['counts'] {
  const of = (wanted: string) => clients.filter(({ action }) => action === wanted).length;
  return {
    create: of('create'),
    update: of('update'),
    unchanged: of('unchanged'),
    leaveAlone: of('leaveAlone'),
    leaveOut: of('leaveOut'),
    fail: of('fail'),
  };
}

function hasFailedToRemove(tests: RemovedTests | null): boolean {
  return tests?.kept.some(({ isFailure }) => isFailure) === true;
}

async function askFor(ids: readonly string[]): Promise<boolean> {
  process.stderr.write(`${ids.map(visible).join('\n')}\n`);
  return confirm(`Delete these ${ids.length} folders with their content? [y/N] `, /^y(es)?$/i);
}
