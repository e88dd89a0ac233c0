import { authorize } from '../../auth/permissions.js';
import type { Rollout as RolloutRow } from '../../database/generated/prisma/client.js';
import { RolloutStatus } from '../../database/generated/prisma/enums.js';
import type { RolloutCounts, StatusCounts } from '../../provisioning/rollout/reads/rollout-record.js';
import { filesOf } from '../../provisioning/rollout/rollout-files.js';
import { isUuid } from '../../registry/slug.js';
import { builder } from '../builder.js';
import { Node } from '../fields/node.js';
import { ModuleType } from '../modules/module.js';

const RolloutStatusType = builder.enumType('RolloutStatus', {
  description: 'Status of a rollout.',
  values: {
    [RolloutStatus.RUNNING]: { description: 'A worker migrates its tenants.' },
    [RolloutStatus.PAUSED]: { description: 'No further tenant is begun; `pauseReason` contains the reason.' },
    [RolloutStatus.SUCCEEDED]: { description: 'Ended; no tenant has failed or is blocked.' },
    [RolloutStatus.FAILED]: { description: 'Ended; at least one tenant has failed or is blocked.' },
    [RolloutStatus.CANCELLED]: { description: 'Ended by cancelRollout; tenants that were migrated stay so.' },
  } as const,
});

const RolloutTenantCounts = builder.objectRef<StatusCounts>('RolloutTenantCounts').implement({
  description: 'Numbers of tenants of a rollout by status.',
  fields: (t) => ({
    total: t.exposeInt('total', { description: 'Number of all these tenants.' }),
    queued: t.exposeInt('QUEUED', { description: 'Number of tenants whose migration has not begun.' }),
    running: t.exposeInt('RUNNING', { description: 'Number of tenants that are being migrated.' }),
    succeeded: t.exposeInt('SUCCEEDED', { description: 'Number of tenants that have all files.' }),
    failed: t.exposeInt('FAILED', { description: 'Number of tenants in which a file failed.' }),
    blocked: t.exposeInt('BLOCKED', {
      description:
        'Number of tenants that were left alone, because a check found violations or the files do not fit.',
    }),
    skipped: t.exposeInt('SKIPPED', { description: 'Number of tenants that were left out.' }),
  }),
});

const RolloutWave = builder.objectRef<RolloutCounts['waves'][number]>('RolloutWave').implement({
  description: 'A wave of a rollout, with the numbers of its tenants.',
  fields: (t) => ({
    wave: t.exposeInt('wave', { description: 'Number of the wave; 0 is the canary.' }),
    tenants: t.field({
      type: RolloutTenantCounts,
      description: 'Numbers of the tenants of the wave.',
      resolve: (wave) => wave,
    }),
  }),
});

const RolloutProgress = builder.objectRef<RolloutCounts>('RolloutProgress').implement({
  description: 'How far a rollout is.',
  fields: (t) => ({
    tenants: t.field({
      type: RolloutTenantCounts,
      description: 'Numbers of all tenants of the rollout.',
      resolve: (counts) => counts,
    }),
    waves: t.field({
      type: [RolloutWave],
      description: 'Waves that have tenants, in their order.',
      resolve: ({ waves }) => waves,
    }),
  }),
});

type Strategy = Pick<
  RolloutRow,
  | 'canaryTenants'
  | 'canaryPercent'
  | 'pauseAfterCanary'
  | 'waves'
  | 'parallelism'
  | 'errorBudgetCount'
  | 'errorBudgetPercent'
  | 'lockTimeoutMs'
  | 'statementTimeoutMs'
>;

const RolloutStrategy = builder.objectRef<Strategy>('RolloutStrategy').implement({
  description: 'The strategy of a rollout, with its defaults.',
  fields: (t) => ({
    canaryTenants: t.exposeInt('canaryTenants', {
      nullable: true,
      description:
        'Number of tenants in the canary; null without a canary, or when its size was given in percent.',
    }),
    canaryPercent: t.exposeInt('canaryPercent', {
      nullable: true,
      description: 'Share of the tenants in the canary, in percent; null when it was not given so.',
    }),
    pauseAfterCanary: t.exposeBoolean('pauseAfterCanary', {
      description: 'Whether the rollout pauses after the canary.',
    }),
    waves: t.exposeInt('waves', { description: 'Number of waves after the canary.' }),
    parallelism: t.exposeInt('parallelism', {
      description: 'Number of tenants that are migrated at the same time on the module’s server.',
    }),
    errorBudgetCount: t.exposeInt('errorBudgetCount', {
      nullable: true,
      description: 'Number of tenants that may fail before the rollout pauses; null for no such limit.',
    }),
    errorBudgetPercent: t.exposeInt('errorBudgetPercent', {
      nullable: true,
      description:
        'Share of the tenants that may fail before the rollout pauses, in percent; null for no such limit.',
    }),
    lockTimeoutMs: t.exposeInt('lockTimeoutMs', {
      description:
        'Time that a file may wait for locks, in milliseconds; statements of services wait no longer behind it.',
    }),
    statementTimeoutMs: t.exposeInt('statementTimeoutMs', {
      description: 'Time after which a statement of a file is cancelled, in milliseconds.',
    }),
  }),
});

export const Rollout = builder.prismaObject('Rollout', {
  interfaces: [Node],
  description: 'The migration of all tenants of a module to its newest file, in waves.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'UUID.' }),
    module: t.prismaField({
      type: ModuleType,
      nullable: true,
      description: 'Module whose tenants are migrated; null when it was removed since.',
      select: { moduleName: true },
      resolve: (query, { moduleName }, _args, context) =>
        context.prisma.module.findUnique({ ...query, where: { name: moduleName } }),
    }),
    moduleName: t.expose('moduleName', { type: 'ModuleName', description: 'Name of that module.' }),
    status: t.expose('status', { type: RolloutStatusType, description: 'Status of the rollout.' }),
    pauseReason: t.exposeString('pauseReason', {
      nullable: true,
      description: 'Reason of the pause, for people; null while the rollout is not PAUSED.',
    }),
    targetVersion: t.exposeString('targetVersion', {
      description: 'Last file that the rollout runs, such as `finance/0007_invoices.sql`.',
    }),
    files: t.stringList({
      description: 'All files of the module at the start of the rollout, in the order in which they run.',
      select: { files: true },
      resolve: (rollout) => filesOf(rollout).map(({ name }) => name),
    }),
    strategy: t.field({
      type: RolloutStrategy,
      description: 'How the rollout goes through its tenants.',
      select: {
        canaryTenants: true,
        canaryPercent: true,
        pauseAfterCanary: true,
        waves: true,
        parallelism: true,
        errorBudgetCount: true,
        errorBudgetPercent: true,
        lockTimeoutMs: true,
        statementTimeoutMs: true,
      },
      resolve: (rollout) => rollout,
    }),
    currentWave: t.exposeInt('currentWave', {
      description: 'Wave whose tenants are migrated now; 0 is the canary.',
    }),
    progress: t.field({
      type: RolloutProgress,
      description: 'How far the rollout is.',
      select: { id: true },
      resolve: ({ id }, _args, context) => context.rolloutCounts.load(id),
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'When the rollout was started; lists of rollouts are in this order.',
    }),
    createdBy: t.exposeString('createdBy', {
      description: 'Actor that started the rollout, as in the audit log.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the rollout ended; null while it is RUNNING or PAUSED.',
    }),
    version: t.exposeInt('version', {
      description:
        'Version of the rollout; every change of its state increases it. Pass it as `expectedVersion`.',
    }),
  }),
});

builder.queryField('rollout', (t) =>
  t.prismaField({
    type: Rollout,
    nullable: true,
    description: 'A rollout by its id; null when there is none. Scope: registry:read.',
    args: { id: t.arg.id({ required: true, description: 'UUID of the rollout.' }) },
    resolve: (query, _root, { id }, context) => {
      authorize(context.caller, 'readRegistry');
      return isUuid(id) ? context.prisma.rollout.findUnique({ ...query, where: { id } }) : null;
    },
  }),
);
