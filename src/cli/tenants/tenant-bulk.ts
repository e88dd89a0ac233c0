import type { Command } from 'commander';
import { type BulkPreview, previewBulk } from '../../provisioning/bulk/bulk-preview.js';
import {
  resumeTenants,
  subscribeTenants,
  suspendTenants,
  updateTenants,
} from '../../provisioning/bulk/start-bulk.js';
import type { BulkKind } from '../../provisioning/operations/reads/operation-tenants.js';
import type { CommandContext } from '../../registry/command.js';
import { followToEnd } from '../operations/operation-control.js';
import { addOptions, type OptionOf, readDate, readWholeNumber } from '../option.js';
import { confirm, requireConfirmable } from '../terminal/confirm.js';
import { print, withApp } from '../with-app.js';
import { conditionOptions, readConditions } from './tenant-conditions.js';

interface Options {
  yes?: true;
  json?: true;
  preview?: true;
  expectedCount?: number;
  /** Conditions, and options of one verb only. */
  [option: string]: unknown;
}

/** A verb of "tenant" that changes many tenants. */
interface BulkVerb {
  kind: BulkKind;
  command: (context: CommandContext, input: unknown) => Promise<{ operationId: string }>;
  description: string;
  options: readonly OptionOf[];
  /** Input of the command besides the selection. */
  input: (options: Options) => Record<string, unknown>;
  /** Whether a preview takes the same input; it takes none when the input decides nothing. */
  isInputPreviewed: boolean;
  example: string;
}

const verbs: Record<string, BulkVerb> = {
  'suspend-many': {
    kind: 'SUSPEND_TENANTS',
    command: suspendTenants,
    description: 'Suspend many active tenants in one operation.',
    options: [
      { flag: '--reason <text>', description: 'reason that refused callers see', isRequired: true },
      {
        flag: '--until <date>',
        description: 'date at which they are resumed by themselves; default: until they are resumed',
        read: readDate,
      },
    ],
    input: ({ reason, until }) => ({ reason, suspendUntil: until }),
    isInputPreviewed: false,
    example: 'suspend-many --plan lite --search trial --reason "Trial ended"',
  },
  'resume-many': {
    kind: 'RESUME_TENANTS',
    command: resumeTenants,
    description: 'Resume many suspended tenants in one operation.',
    options: [],
    input: () => ({}),
    isInputPreviewed: true,
    example: 'resume-many acme-corp globex --yes',
  },
  'subscribe-many': {
    kind: 'SUBSCRIBE_TENANTS',
    command: subscribeTenants,
    description:
      'Subscribe many active tenants to a module in one operation; a gateway or worker has to run, which creates their storage.',
    options: [
      { flag: '--to <module>', description: 'module to which they are subscribed', isRequired: true },
      {
        flag: '--isolation <kind>',
        description: 'isolation of the data: schema or database; default: that of the module',
        read: (text) => text.toUpperCase(),
      },
    ],
    input: ({ to, isolation }) => ({ module: to, isolation }),
    isInputPreviewed: true,
    example: 'subscribe-many --to inventory --module finance --plan pro,enterprise',
  },
  'update-many': {
    kind: 'UPDATE_TENANTS',
    command: updateTenants,
    description: 'Change plan and quotas of many tenants in one operation.',
    options: [
      { flag: '--set-plan <plan>', description: 'new plan', read: (text) => text.toUpperCase() },
      { flag: '--set-max-users <number>', description: 'new limit of users', read: readWholeNumber },
      {
        flag: '--set-max-monthly-quotes <number>',
        description: 'new limit of quotes per month',
        read: readWholeNumber,
      },
      {
        flag: '--set-max-storage-gb <number>',
        description: 'new limit of storage in GB',
        read: readWholeNumber,
      },
    ],
    input: ({ setPlan, setMaxUsers, setMaxMonthlyQuotes, setMaxStorageGb }) => ({
      ...{ plan: setPlan, maxUsers: setMaxUsers },
      ...{ maxMonthlyQuotes: setMaxMonthlyQuotes, maxStorageGb: setMaxStorageGb },
    }),
    isInputPreviewed: true,
    example: 'update-many --plan lite --created-until 2026-01-01 --set-plan pro --preview',
  },
};

export function addTenantBulk(tenant: Command): void {
  for (const [verb, change] of Object.entries(verbs)) {
    const command = tenant.command(`${verb} [tenants...]`).description(change.description);
    addOptions(command, [...change.options, ...conditionOptions])
      .option('--preview', 'only count the tenants that would be changed and refused')
      .option('--yes', 'begin without a question')
      .option(
        '--expected-count <number>',
        'number of tenants that have to be selected; default: that of the preview',
        readWholeNumber,
      )
      .option('--json', 'print the operation as "operation show" does, with the revision')
      .addHelpText('after', explanation(change.example))
      .action((tenants: string[], options: Options) => run(verb, tenants, options));
  }
}

const explanation = (example: string) => `
The tenants are named by id, slug or external id, or selected by the conditions of "tenant list". A preview is shown before the question. On
Ctrl-C the next gateway or worker continues the operation. A refused tenant does not stop the others; "operation show" lists them,
and "operation retry" runs them again.

Example:

  tenant-registry tenant ${example}`;

async function run(verb: string, tenants: readonly string[], options: Options): Promise<void> {
  const { kind, command, input, isInputPreviewed } = verbs[verb] as BulkVerb;
  const selection = readSelection(tenants, options);
  const change = withoutUndefined(input(options));
  const preview = (commands: CommandContext) =>
    previewBulk(commands, kind, { ...selection, ...(isInputPreviewed && change) });
  if (options.preview)
    return withApp(
      async (app, caller) => {
        const counted = await preview(app.commandsFor(caller));
        print(options.json ? JSON.stringify(counted) : describe(counted));
      },
      { readOnly: true },
    );
  requireConfirmable(`"tenant ${verb}"`, options);
  await followToEnd(
    async (commands) => {
      const counted = await preview(commands);
      process.stderr.write(`${describe(counted)}\n`);
      if (!options.yes && !(await confirm('Begin? [y/N] ', /^y(es)?$/i)))
        throw new Error('Nothing was changed.');
      const { selected, isCapped } = counted;
      const expectedCount = options.expectedCount ?? (isCapped ? undefined : selected);
      return command(commands, { ...selection, ...change, expectedCount });
    },
    ['SUCCEEDED'],
    options,
  );
}

function readSelection(tenants: readonly string[], options: Options): Record<string, unknown> {
  const filter = readConditions(options);
  const isFiltered = Object.keys(filter).length > 0;
  if (tenants.length > 0 === isFiltered)
    throw new Error('Name the tenants, or give conditions such as --status active: one of both.');
  return isFiltered ? { filter } : { tenantIds: tenants };
}

function describe({ selected, isCapped, evaluated, changed, unchanged, refused }: BulkPreview): string {
  const count = isCapped ? `More than ${selected}` : String(selected);
  const subject = count === '1' ? '1 tenant is' : `${count} tenants are`;
  const parts = [
    `${changed} would be changed`,
    `${unchanged} have the values already`,
    ...refused.map(({ code, count }) => `${count} would be refused with ${code}`),
  ];
  const of = evaluated < selected || isCapped ? `; of the first ${evaluated}` : '';
  return `${subject} selected${of}: ${parts.join(', ')}.`;
}

/** The input of a preview has no fields but those that are given. */
function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
