import type { Command } from 'commander';
import { Option } from 'commander';
import { repairDrift } from '../../provisioning/commands/repair-drift.js';
import { print, withApp } from '../with-app.js';

const resolutions = {
  'keep-registry': 'KEEP_REGISTRY',
  'keep-database': 'KEEP_DATABASE',
  ignore: 'IGNORE',
} as const;

export function addDoctorRepair(doctor: Command): void {
  doctor
    .command('repair <id>')
    .description('Decide on a finding of doctor --structure, as the mutation repairDrift does.')
    .addOption(
      new Option('--resolution <resolution>', 'decision on the finding')
        .choices(Object.keys(resolutions))
        .makeOptionMandatory(),
    )
    .option('--confirm <name>', 'name of the object, where keep-registry drops it')
    .option('--json', 'print {"finding","revision"}')
    .addHelpText('after', explanation)
    .action((id: string, _options, command: Command) => repair(id, command.optsWithGlobals()));
}

const explanation = `
  keep-registry   makes the database as the registry and the files of the module say. It drops what none of the files makes only
                  with --confirm and the name of the object, and changes nothing where data could be lost.
  keep-database   accepts the difference; another one of the same object is a new finding.
  ignore          leaves the difference out of reports.

The findings and their ids are printed by doctor --structure --json. Each decision is in the audit log.

Examples:

  tenant-registry doctor repair 5f0c… --resolution keep-registry
  tenant-registry doctor repair 5f0c… --resolution keep-registry --confirm invoice.old_number`;

interface Options {
  resolution: keyof typeof resolutions;
  confirm?: string;
  json?: true;
}

const said: Record<Options['resolution'], string> = {
  'keep-registry': 'is repaired: the database is as the registry and the files say',
  'keep-database': 'is accepted, and reported again when the difference is another one',
  ignore: 'is left out of reports',
};

async function repair(id: string, { resolution, confirm, json }: Options): Promise<void> {
  const { findingId, revision } = await withApp((app, caller) =>
    repairDrift(app.commandsFor(caller), {
      id,
      resolution: resolutions[resolution],
      ...(confirm !== undefined && { confirm }),
    }),
  );
  if (json) print(JSON.stringify({ finding: findingId, revision }));
  else print(`Finding ${findingId} ${said[resolution]}.`);
}
