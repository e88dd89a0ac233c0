import type { Command } from 'commander';
import { startRollout } from '../../provisioning/commands/start-rollout.js';
import { readRolloutSheet } from '../../provisioning/rollout/reads/rollout-sheet.js';
import { defaultStrategy } from '../../provisioning/rollout/strategy.js';
import { addOptions, type OptionOf, readWholeNumber } from '../option.js';
import { print, withApp } from '../with-app.js';
import { followRollout } from './follow-rollout.js';
import { toFullJson } from './rollout-form.js';

/** A number, or a share in percent: 20 or 5%. */
interface Amount {
  count?: number;
  percent?: number;
}

function readAmount(text: string): Amount {
  return text.endsWith('%')
    ? { percent: readWholeNumber(text.slice(0, -1)) }
    : { count: readWholeNumber(text) };
}

const options: readonly OptionOf[] = [
  {
    flag: '--canary <amount>',
    description:
      'tenants that are migrated before all others, chosen at random: a number, or a share such as 5%',
    read: readAmount,
  },
  {
    flag: '--canary-tenants <tenants>',
    description:
      'tenants that are migrated before all others: ids, slugs or external ids, separated by commas',
    read: (text) => text.split(',').map((one) => one.trim()),
  },
  {
    flag: '--waves <number>',
    description: `number of waves after the canary; default: ${defaultStrategy.waves}`,
    read: readWholeNumber,
  },
  {
    flag: '--parallelism <number>',
    description: `tenants that are migrated at the same time; default: ${defaultStrategy.parallelism}`,
    read: readWholeNumber,
  },
  {
    flag: '--error-budget <amount>',
    description: `tenants that may fail before the rollout pauses: a number, or a share such as 1%; default: ${defaultStrategy.errorBudgetCount}`,
    read: readAmount,
  },
  {
    flag: '--lock-timeout-ms <ms>',
    description: `longest wait for locks, of a file and of services behind it; default: ${defaultStrategy.lockTimeoutMs}`,
    read: readWholeNumber,
  },
  {
    flag: '--statement-timeout-ms <ms>',
    description: `longest time of a statement of a file; default: ${defaultStrategy.statementTimeoutMs}`,
    read: readWholeNumber,
  },
];

interface Options {
  canary?: Amount;
  canaryTenants?: string[];
  pauseAfterCanary?: true;
  waves?: number;
  parallelism?: number;
  errorBudget?: Amount;
  lockTimeoutMs?: number;
  statementTimeoutMs?: number;
  wait: boolean;
  json?: true;
}

export function addRolloutStart(rollout: Command): void {
  addOptions(
    rollout
      .command('start <module>')
      .description(
        'Migrate all tenants of a module that are behind its newest file, and follow that to its end.',
      ),
    options,
  )
    .option('--pause-after-canary', 'pause after the canary, until "rollout resume"')
    .option('--no-wait', 'do not follow the rollout; a gateway or worker leads it')
    .option('--json', 'print the rollout as "rollout status" does')
    .addHelpText('after', explanation)
    .action(start);
}

const explanation = `
The exit code is 0 only when all tenants were migrated or left out on purpose.

Examples:

  tenant-registry rollout start finance
  tenant-registry rollout start finance --canary 20 --pause-after-canary --waves 4 --error-budget 1%
  tenant-registry rollout start finance --canary-tenants acme-corp,globex --no-wait --json`;

async function start(module: string, options: Options): Promise<void> {
  const { wait, json, canary, canaryTenants, errorBudget, ...others } = options;
  const strategy = {
    ...others,
    ...((canary || canaryTenants) && {
      canary: {
        ...(canary?.count !== undefined && { tenants: canary.count }),
        ...(canary?.percent !== undefined && { percent: canary.percent }),
        ...(canaryTenants && { tenantIds: canaryTenants }),
      },
    }),
    ...(errorBudget && { errorBudget }),
  };
  const form = json ? { json } : {};
  if (wait) return followRollout((commands) => startRollout(commands, { module, strategy }), form);
  await withApp(async (app, caller) => {
    const { rolloutId, tenants } = await startRollout(app.commandsFor(caller), { module, strategy });
    if (json) return print(JSON.stringify(toFullJson(await readRolloutSheet(app.database, rolloutId))));
    print(
      tenants === 0
        ? `Rollout ${rolloutId}: no tenant of module ${module} is behind.`
        : `Rollout ${rolloutId} of ${tenants} tenants is running: a gateway or "tenant-registry worker" leads it.`,
    );
  });
}
