import type { Command } from 'commander';
import { addRolloutControl } from './rollout-control.js';
import { addRolloutPlan } from './rollout-plan.js';
import { addRolloutStart } from './rollout-start.js';
import { addRolloutStatus } from './rollout-status.js';

export function addRollout(program: Command): void {
  const rollout = program
    .command('rollout')
    .description('Migrate all tenants of a module to its newest file, in waves.')
    .addHelpText('after', examples);
  addRolloutPlan(rollout);
  addRolloutStart(rollout);
  addRolloutStatus(rollout);
  addRolloutControl(rollout);
}

const examples = `
Examples:

  tenant-registry rollout plan finance
  tenant-registry rollout start finance --canary 5% --pause-after-canary
  tenant-registry rollout status finance
  tenant-registry rollout resume finance
  tenant-registry rollout retry finance`;
