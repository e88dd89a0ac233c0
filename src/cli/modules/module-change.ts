import type { Command } from 'commander';
import type { CommandContext } from '../../registry/command.js';
import { registerModule } from '../../registry/commands/register-module.js';
import { removeModule } from '../../registry/commands/remove-module.js';
import { retireModule } from '../../registry/commands/retire-module.js';
import { updateModule } from '../../registry/commands/update-module.js';
import { addOptions, type OptionOf, readBoolean, readWholeNumber } from '../option.js';
import { print, withApp } from '../with-app.js';

/** A verb of "module" that changes the catalogue: everything that the command line knows of it. */
interface ModuleVerb {
  description: string;
  /** Options besides --json, in the names of the command's input. */
  options: readonly OptionOf[];
  command: (context: CommandContext, input: unknown) => Promise<{ moduleName: string; revision: string }>;
  /** Says what holds after the change. */
  outcome: string;
  example: string;
}

const fields: readonly OptionOf[] = [
  { flag: '--description <text>', description: 'purpose of the module' },
  {
    flag: '--isolation <kind>',
    description: 'isolation of new subscriptions: schema or database',
    read: (text) => text.toUpperCase(),
  },
  { flag: '--schema-prefix <prefix>', description: 'prefix of the names of new schemas and databases' },
  { flag: '--database-ref <variable>', description: 'environment variable with the URL of the database' },
  { flag: '--migrations-folder <folder>', description: 'folder in MODULES_DIR with the migrations' },
];

const expectedVersion: OptionOf = {
  flag: '--expected-version <number>',
  description: 'version on which the change is based; another one is refused',
  read: readWholeNumber,
};

const verbs: Record<string, ModuleVerb> = {
  add: {
    description: 'Add a module, to which tenants can subscribe from then on.',
    options: fields,
    command: registerModule,
    outcome: 'is added',
    example: 'add crm --isolation database',
  },
  update: {
    description: 'Change a module. Existing subscriptions keep their names and their isolation.',
    options: [
      ...fields,
      {
        flag: '--is-retired <true|false>',
        description: 'false ends the retirement of the module',
        read: readBoolean,
      },
      expectedVersion,
    ],
    command: updateModule,
    outcome: 'is changed',
    example: 'update crm --schema-prefix crm_',
  },
  retire: {
    description: 'Retire a module: it takes no new subscriptions, and existing ones go on.',
    options: [expectedVersion],
    command: retireModule,
    outcome: 'is retired; "module update --is-retired false" ends that',
    example: 'retire crm',
  },
  remove: {
    description: 'Remove a module in which no tenant has ever had data.',
    options: [expectedVersion],
    command: removeModule,
    outcome: 'is removed',
    example: 'remove crm',
  },
};

export function addModuleChanges(module: Command): void {
  for (const [verb, change] of Object.entries(verbs)) {
    addOptions(module.command(`${verb} <name>`).description(change.description), change.options)
      .option('--json', 'print {"name","revision"}')
      .addHelpText('after', `\nExample:\n\n  tenant-registry module ${change.example}`)
      .action((name: string, options: { json?: true }) => run(change, name, options));
  }
}

async function run({ command, outcome }: ModuleVerb, name: string, options: { json?: true }): Promise<void> {
  const { json, ...given } = options;
  await withApp(async (app, caller) => {
    const { moduleName, revision } = await command(app.commandsFor(caller), { ...given, name });
    print(json ? JSON.stringify({ name: moduleName, revision }) : `Module ${moduleName} ${outcome}.`);
  });
}
