import { planRollout, type RolloutPlan } from '../../provisioning/rollout/plan/rollout-plan.js';
import type { FileProblem } from '../../provisioning/storage/files/file-rules.js';
import type {
  DescribedFile,
  DescribedStatement,
  StatementWarning,
} from '../../provisioning/storage/statement-risks.js';
import { builder } from '../builder.js';
import { RolloutTenantStatusType } from './rollout-tenants.js';

const MigrationWarning = builder.objectRef<StatementWarning>('MigrationWarning').implement({
  description: 'A known risk of a statement for tenants that have data and are in use.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'Code of the risk, such as INDEX_BLOCKS_WRITES.' }),
    message: t.exposeString('message', { description: 'The effect of the statement on services.' }),
    remedy: t.exposeString('remedy', { description: 'How to write the file without the risk.' }),
  }),
});

const MigrationStatement = builder.objectRef<DescribedStatement>('MigrationStatement').implement({
  description: 'A statement of a migration.',
  fields: (t) => ({
    line: t.exposeInt('line', { description: 'Line of the file in which the statement begins, from 1.' }),
    text: t.exposeString('text', { description: 'Text of the statement.' }),
    kind: t.exposeString('kind', { description: 'First words of the statement, such as CREATE INDEX.' }),
    lock: t.exposeString('lock', {
      nullable: true,
      description:
        'Strongest lock that it takes on a table which exists before the file, such as SHARE; null for none.',
    }),
    warnings: t.field({
      type: [MigrationWarning],
      description: 'Known risks of the statement.',
      resolve: ({ warnings }) => warnings,
    }),
  }),
});

const PendingMigration = builder.objectRef<DescribedFile>('PendingMigration').implement({
  description: 'A migration that at least one tenant lacks.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Name of the file, such as finance/0007_invoices.sql.' }),
    isTransactional: t.boolean({
      description: 'Whether the file runs in a transaction; false for one with `-- transaction: none`.',
      resolve: ({ runsAlone }) => !runsAlone,
    }),
    statements: t.field({
      type: [MigrationStatement],
      description: 'Statements of the file, in their order.',
      resolve: ({ statements }) => statements,
    }),
  }),
});

const MigrationProblem = builder.objectRef<FileProblem>('MigrationProblem').implement({
  description: 'A reason why startRollout refuses a file.',
  fields: (t) => ({
    file: t.exposeString('file', { description: 'Name of the refused file.' }),
    line: t.exposeInt('line', {
      nullable: true,
      description: 'Line of the problem, from 1; null when it is not in one line.',
    }),
    code: t.exposeString('code', { description: 'Code of the problem, such as TRANSACTION_CONTROL.' }),
    problem: t.exposeString('problem', { description: 'The problem in the file.' }),
    remedy: t.exposeString('remedy', { description: 'How to correct the file.' }),
  }),
});

const RolloutPlanVersion = builder
  .objectRef<RolloutPlan['versions'][number]>('RolloutPlanVersion')
  .implement({
    description: 'Tenants that have the same newest migration.',
    fields: (t) => ({
      version: t.exposeString('version', {
        nullable: true,
        description: 'Newest migration of these tenants; null for none of the module’s files.',
      }),
      tenantCount: t.exposeInt('tenants', { description: 'Number of these tenants.' }),
      pending: t.exposeStringList('pending', {
        description: 'Migrations that they lack, in the order in which they run.',
      }),
    }),
  });

const RolloutPlanExclusion = builder
  .objectRef<RolloutPlan['excluded'][number]>('RolloutPlanExclusion')
  .implement({
    description: 'Tenants that a rollout would leave alone for the same reason.',
    fields: (t) => ({
      status: t.field({
        type: RolloutTenantStatusType,
        description: 'Status that they would get: BLOCKED or SKIPPED.',
        resolve: ({ status }) => status,
      }),
      reason: t.exposeString('reason', { description: 'Why they would be left alone.' }),
      tenantCount: t.exposeInt('tenants', { description: 'Number of the tenants that would be left alone.' }),
      examples: t.exposeStringList('examples', { description: 'Slugs of the first of them.' }),
    }),
  });

const RolloutPlanType = builder.objectRef<RolloutPlan>('RolloutPlan').implement({
  description: 'The rollout that startRollout would begin now. Nothing is written.',
  fields: (t) => ({
    module: t.expose('module', {
      type: 'ModuleName',
      description: 'Module whose tenants would be migrated.',
    }),
    targetVersion: t.exposeString('targetVersion', { description: 'Last file that the rollout would run.' }),
    tenantCount: t.exposeInt('tenants', {
      description: 'Number of tenants with storage that rollouts migrate.',
    }),
    behindCount: t.exposeInt('behind', { description: 'Number of tenants that would be migrated.' }),
    pending: t.field({
      type: [PendingMigration],
      description: 'Files that at least one tenant lacks, with their statements, locks and known risks.',
      resolve: ({ pending }) => pending,
    }),
    problems: t.field({
      type: [MigrationProblem],
      description: 'Problems of pending files, for which startRollout refuses.',
      resolve: ({ problems }) => problems,
    }),
    versions: t.field({
      type: [RolloutPlanVersion],
      description: 'Tenants by their newest migration.',
      resolve: ({ versions }) => versions,
    }),
    excluded: t.field({
      type: [RolloutPlanExclusion],
      description: 'Tenants that would be left alone, by reason.',
      resolve: ({ excluded }) => excluded,
    }),
  }),
});

builder.queryField('rolloutPlan', (t) =>
  t.field({
    type: RolloutPlanType,
    description:
      'Plans a rollout of a module, by the files of this gateway and the versions in the module’s database. Scope: ' +
      'registry:read. Errors: MODULE_NOT_FOUND, TENANT_NOT_READY when the module’s database has no URL or does not answer, CONFLICT when MODULES_DIR ' +
      'has no folder of its files.',
    args: {
      module: t.arg({ type: 'ModuleName', required: true, description: 'Module to plan a rollout of.' }),
    },
    resolve: (_root, { module }, { commands }) => planRollout(commands, module),
  }),
);
