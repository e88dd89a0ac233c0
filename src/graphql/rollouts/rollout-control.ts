import { cancelRollout } from '../../provisioning/commands/cancel-rollout.js';
import { pauseRollout } from '../../provisioning/commands/pause-rollout.js';
import { resumeRollout } from '../../provisioning/commands/resume-rollout.js';
import { retryRollout } from '../../provisioning/commands/retry-rollout.js';
import { skipTenantInRollout } from '../../provisioning/commands/skip-tenant-in-rollout.js';
import { startRollout } from '../../provisioning/commands/start-rollout.js';
import { defaultStrategy } from '../../provisioning/rollout/strategy.js';
import { builder } from '../builder.js';
import {
  expectedVersionField,
  type MutationInputFields,
  tenantIdField,
  waitField,
} from '../fields/mutation-input.js';
import type { PayloadFields } from '../fields/revision-field.js';
import { mutation } from '../mutation.js';
import { Rollout } from './rollout.js';

const RolloutCanaryInput = builder.inputType('RolloutCanaryInput', {
  description: 'The tenants that are migrated before all others; exactly one of the fields.',
  fields: (t) => ({
    tenants: t.int({ description: 'Number of tenants, chosen at random.' }),
    percent: t.int({ description: 'Share of the tenants in percent, from 1 to 100, chosen at random.' }),
    tenantIds: t.idList({ description: 'UUIDs, slugs or external ids of the tenants, at most 1,000.' }),
  }),
});

const RolloutErrorBudgetInput = builder.inputType('RolloutErrorBudgetInput', {
  description:
    'How many tenants may fail before the rollout pauses; the lower limit counts. Blocked tenants do not count.',
  fields: (t) => ({
    count: t.int({ description: 'Number of tenants. 0: the first failure pauses the rollout.' }),
    percent: t.int({ description: 'Share of the tenants of the rollout in percent, from 0 to 100.' }),
  }),
});

const RolloutStrategyInput = builder.inputType('RolloutStrategyInput', {
  description: 'How a rollout goes through its tenants.',
  fields: (t) => ({
    canary: t.field({
      type: RolloutCanaryInput,
      description: 'Tenants that are migrated before all others. Default: none.',
    }),
    pauseAfterCanary: t.boolean({
      description: 'Whether the rollout pauses after the canary, until resumeRollout. Default: false.',
    }),
    waves: t.int({
      description: `Number of waves after the canary, at most 100. A wave begins when the one before it has ended. Default: ${defaultStrategy.waves}.`,
    }),
    parallelism: t.int({
      description: `Number of tenants that are migrated at the same time on the module’s server, at most 16. Default: ${defaultStrategy.parallelism}.`,
    }),
    errorBudget: t.field({
      type: RolloutErrorBudgetInput,
      description: `How many tenants may fail before the rollout pauses. Default: a count of ${defaultStrategy.errorBudgetCount}.`,
    }),
    lockTimeoutMs: t.int({
      description:
        'Time that a file may wait for locks, in milliseconds, from 10 to 60,000; it is then repeated after a pause. ' +
        `Statements of services wait no longer behind it. Default: ${defaultStrategy.lockTimeoutMs}.`,
    }),
    statementTimeoutMs: t.int({
      description: `Time after which a statement of a file is cancelled, in milliseconds. Default: ${defaultStrategy.statementTimeoutMs}.`,
    }),
  }),
});

function rolloutField<Shape extends { rolloutId: string }>(t: PayloadFields<Shape>) {
  return t.prismaField({
    type: Rollout,
    description: 'The rollout after the change.',
    resolve: (query, { rolloutId }, _args, context) =>
      context.prisma.rollout.findUniqueOrThrow({ ...query, where: { id: rolloutId } }),
  });
}

mutation('startRollout', {
  command: startRollout,
  description:
    'Starts to migrate all tenants of a module that are behind its newest file. Without such tenants the rollout has ' +
    'SUCCEEDED at once. Scope: provision. Errors: MODULE_NOT_FOUND, TENANT_NOT_READY when the module’s database has no URL, ' +
    'CONFLICT while another rollout of the module is RUNNING or PAUSED, or when a file of the module is wrong.',
  input: (t) => ({
    module: t.field({
      type: 'ModuleName',
      required: true,
      description: 'Module whose tenants are migrated.',
    }),
    strategy: t.field({
      type: RolloutStrategyInput,
      description: 'How the rollout goes through its tenants. Default: every field has its default.',
    }),
    wait: waitField(t),
  }),
  payload: (t) => ({ rollout: rolloutField(t) }),
});

function controlFields(t: MutationInputFields) {
  return {
    id: t.id({ required: true, description: 'UUID of the rollout.' }),
    expectedVersion: expectedVersionField(t),
    wait: waitField(t),
  };
}

mutation('pauseRollout', {
  command: pauseRollout,
  description:
    'Pauses a RUNNING rollout. Tenants that are being migrated are migrated to their end. Scope: provision. Errors: ' +
    'NOT_FOUND, CONFLICT for any other status, VERSION_CONFLICT.',
  input: (t) => ({
    ...controlFields(t),
    reason: t.string({
      description: 'Reason of the pause, at most 500 characters. Default: the name of the caller.',
    }),
  }),
  payload: (t) => ({ rollout: rolloutField(t) }),
});

mutation('resumeRollout', {
  command: resumeRollout,
  description:
    'Lets a PAUSED rollout go on. Tenants that have failed stay so, and the error budget counts anew. Scope: provision. ' +
    'Errors: NOT_FOUND, CONFLICT for any other status, VERSION_CONFLICT.',
  input: controlFields,
  payload: (t) => ({ rollout: rolloutField(t) }),
});

mutation('retryRollout', {
  command: retryRollout,
  description:
    'Migrates the FAILED and BLOCKED tenants of a rollout again, also after its end; a paused rollout goes on. Scope: ' +
    'provision. Errors: NOT_FOUND, VERSION_CONFLICT, CONFLICT when it has no such tenants, was cancelled, another ' +
    'rollout of the module is RUNNING or PAUSED, or a file was corrected while tenants are RUNNING.',
  input: controlFields,
  payload: (t) => ({ rollout: rolloutField(t) }),
});

mutation('skipTenantInRollout', {
  command: skipTenantInRollout,
  description:
    'Leaves a tenant out of a rollout that is RUNNING or PAUSED: it is not migrated, or no longer counts as failed or ' +
    'blocked. Scope: provision. Errors: NOT_FOUND, TENANT_NOT_FOUND, VERSION_CONFLICT, CONFLICT when the tenant is being ' +
    'migrated or has its result.',
  input: (t) => ({
    ...controlFields(t),
    tenantId: tenantIdField(t),
    reason: t.string({
      description:
        'Reason why the tenant is left out, at most 500 characters. Default: the name of the caller.',
    }),
  }),
  payload: (t) => ({ rollout: rolloutField(t) }),
});

mutation('cancelRollout', {
  command: cancelRollout,
  description:
    'Ends a rollout that is RUNNING or PAUSED. Tenants that were migrated stay so, those that are being migrated are ' +
    'migrated to their end, and the others are SKIPPED. Scope: provision. Errors: NOT_FOUND, CONFLICT when it has ended ' +
    'already, VERSION_CONFLICT.',
  input: controlFields,
  payload: (t) => ({ rollout: rolloutField(t) }),
});
