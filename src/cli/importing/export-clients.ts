import type { Command } from 'commander';
import {
  type ClientExportReport,
  exportClients,
  type WrittenAction,
} from '../../importing/yaml/export-clients.js';
import { collect } from '../option.js';
import { oneLine } from '../terminal/printable.js';
import { visible } from '../terminal/table.js';
import { print, withApp } from '../with-app.js';

export function addExportClients(group: Command): void {
  group
    .command('clients')
    .description('Write <folder>/<slug>/client.yaml for each active or suspended tenant.')
    .argument('<folder>', 'folder that contains one folder per client; made when it does not exist')
    .option(
      '--only <tenant>',
      'only this tenant, by id, slug or external id; may be given several times',
      collect,
      [],
    )
    .option('--force', 'replace files that no export has written')
    .option('--json', 'print {"clients","secrets"}')
    .addHelpText('after', explanation)
    .action(run);
}

const explanation = `
The files are for services that still read them; the registry stays the source. Secrets are references, and keys that the
configuration does not know are at their old places. A file has no place for members, plan, limits, telephone number and website.
"import yaml" finds nothing to change in the files of tenants that were imported from files. The exit code is 1 when a file
could not be written, or was left alone.`;

const words: Record<WrittenAction, string> = {
  create: 'written',
  replace: 'replaced',
  unchanged: 'unchanged',
  leaveAlone: 'left alone',
  leaveOut: 'left out',
  fail: 'failed',
};

async function run(folder: string, options: { only: string[]; force?: true; json?: true }): Promise<void> {
  const report = await withApp(
    (app, caller) =>
      exportClients(app.commandsFor(caller), { folder, only: options.only, force: options.force === true }),
    { readOnly: true },
  );
  if (options.json) print(JSON.stringify(report));
  else for (const line of describe(report)) print(line);
  const isPartial = report.clients.some(({ action }) => action === 'fail' || action === 'leaveAlone');
  if (isPartial || report.secrets.length > 0) process.exitCode = 1;
}

function describe({ clients, secrets }: ClientExportReport): string[] {
  const counts = (Object.keys(words) as WrittenAction[])
    .map((action) => ({ action, count: clients.filter((client) => client.action === action).length }))
    .filter(({ count }) => count > 0);
  return [
    ...clients
      .filter(({ why }) => why !== null)
      .map(({ slug, action, why }) => `${visible(slug)}: ${words[action]}: ${oneLine(why ?? '')}`),
    ...secrets.map(
      ({ slug, path }) =>
        `${visible(slug)}: ${visible(path)} looks like a secret and was left out: replace it by a reference`,
    ),
    counts.length > 0
      ? `${counts.map(({ action, count }) => `${count} ${words[action]}`).join(', ')}.`
      : 'There are no tenants.',
  ];
}
