import type { Command } from 'commander';
import { cancelRollout } from '../../provisioning/commands/cancel-rollout.js';
import { pauseRollout } from '../../provisioning/commands/pause-rollout.js';
import { resumeRollout } from '../../provisioning/commands/resume-rollout.js';
import { retryRollout } from '../../provisioning/commands/retry-rollout.js';
import { skipTenantInRollout } from '../../provisioning/commands/skip-tenant-in-rollout.js';
import { readRolloutSheet, requireRolloutByName } from '../../provisioning/rollout/reads/rollout-sheet.js';
import type { CommandContext } from '../../registry/command.js';
import { addOptions, type OptionOf } from '../option.js';
import { print, withApp } from '../with-app.js';
import { followRollout } from './follow-rollout.js';
import { toFullJson } from './rollout-form.js';

type RolloutCommand = (context: CommandContext, input: unknown) => Promise<{ rolloutId: string }>;

/** A verb that changes the course of a rollout. */
interface RolloutVerb {
  command: RolloutCommand;
  /** Arguments besides the rollout, in the names of the command's input. */
  argument?: { name: string; field: string };
  description: string;
  options: readonly OptionOf[];
  /** Says what holds now; undefined for a verb after which the rollout runs. */
  outcome?: string;
}

const reason: OptionOf = { flag: '--reason <text>', description: 'reason that others see' };

const verbs: Record<string, RolloutVerb> = {
  pause: {
    command: pauseRollout,
    description: 'Pause a running rollout. Tenants that are being migrated are migrated to their end.',
    options: [reason],
    outcome: 'is paused',
  },
  resume: {
    command: resumeRollout,
    description: 'Let a paused rollout go on, without the tenants that failed.',
    options: [],
  },
  retry: {
    command: retryRollout,
    description: 'Migrate the failed and the blocked tenants of a rollout again, also after its end.',
    options: [],
  },
  skip: {
    command: skipTenantInRollout,
    argument: { name: 'tenant', field: 'tenantId' },
    description:
      'Leave a tenant, given by id, slug or external id, out of a rollout that is running or paused.',
    options: [reason],
    outcome: 'leaves the tenant out',
  },
  cancel: {
    command: cancelRollout,
    description: 'End a rollout. What was migrated stays; "rollout start" begins another.',
    options: [],
    outcome: 'is cancelled',
  },
};

interface Options {
  wait?: boolean;
  json?: true;
  [field: string]: unknown;
}

export function addRolloutControl(rollout: Command): void {
  for (const [verb, of] of Object.entries(verbs)) {
    const { argument, outcome } = of;
    const form = argument ? `<rollout> <${argument.name}>` : '<rollout>';
    const command = addOptions(rollout.command(`${verb} ${form}`).description(of.description), of.options);
    if (outcome === undefined)
      command.option('--no-wait', 'do not follow the rollout; a gateway or worker leads it');
    command
      .option('--json', 'print the rollout as "rollout status" does')
      .addHelpText('after', examplesOf(verb, argument?.name))
      .action((...given: unknown[]) => {
        const values = given.slice(0, argument ? 2 : 1) as string[];
        return run(of, values, given[values.length] as Options);
      });
  }
}

async function run(
  { command, argument, outcome }: RolloutVerb,
  [reference = '', value]: string[],
  { wait = true, json, ...input }: Options,
): Promise<void> {
  const begin = async (commands: CommandContext) => {
    const { id } = await requireRolloutByName(commands.database, reference);
    return command(commands, { ...input, id, ...(argument && { [argument.field]: value }) });
  };
  const options = json ? { json } : {};
  if (outcome === undefined && wait) return followRollout(begin, options);
  await withApp(async (app, caller) => {
    const { rolloutId } = await begin(app.commandsFor(caller));
    if (json) return print(JSON.stringify(toFullJson(await readRolloutSheet(app.database, rolloutId))));
    print(`Rollout ${rolloutId} ${outcome ?? 'is running: a gateway or "tenant-registry worker" leads it'}.`);
  });
}

function examplesOf(verb: string, argument: string | undefined): string {
  const tenant = argument === undefined ? '' : ' acme-corp';
  return (
    '\n<rollout> is the id of a rollout, or the name of a module for its newest one.\n' +
    `\nExamples:\n\n  tenant-registry rollout ${verb} finance${tenant}\n  tenant-registry rollout ${verb} <id>${tenant} --json`
  );
}
