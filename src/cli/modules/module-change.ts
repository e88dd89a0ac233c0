import type { Command } from 'commander';
import type { CommandContext } from '../../registry/command.js';
import { registerModule } from '../../registry/commands/register-module.js';
import { removeModule } from '../../registry/commands/remove-module.js';
import { retireModule } from '../../registry/commands/retire-module.js';
import { updateModule } from '../../registry/commands/update-module.js';
import { readBoolean, readWholeNumber } from '../option.js';
import { print, withApp } from '../with-app.js';

/** A verb of "module" that changes the catalogue: everything that the command line knows of it. */
interface ModuleVerb {
  description: string;
  /** Options besides --json, in the names of the command's input. */
  options: readonly ModuleOption[];
  command: (context: CommandContext, input: unknown) => Promise<{ moduleName: string; revision: string }>;
  /** Says what holds after the change. */
  outcome: string;
  example: string;
}

interface ModuleOption {
  flag: string;
  description: string;
  read?: (text: string) => unknown;
}

const fields: readonly ModuleOption[] = [
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

const expectedVersion: ModuleOption = {
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
    const command = module.command(`${verb} <name>`).description(change.description);
    for (const { flag, description, read = asGiven } of change.options)
      command.option(flag, description, read);
    command
      .option('--json', 'print {"name","revision"}')
      .addHelpText('after', `\nExample:\n\n  tenant-registry module ${change.example}`)
      .action((name: string, options: { json?: true }) => run(change, name, options));
  }
}

const asGiven = (text: string) => text;

async function run({ command, outcome }: ModuleVerb, name: string, options: { json?: true }): Promise<void> {
  const { json, ...given } = options;
  await withApp(async (app, caller) => {
    const { moduleName, revision } = await command(app.commandsFor(caller), { ...given, name });
    print(json ? JSON.stringify({ name: moduleName, revision }) : `Module ${moduleName} ${outcome}.`);
  });
}
