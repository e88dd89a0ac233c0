import type { Command } from 'commander';
import { authorize } from '../../auth/permissions.js';
import { listRollouts, type RolloutTenantRecord } from '../../provisioning/rollout/reads/rollout-pages.js';
import type { RolloutCounts } from '../../provisioning/rollout/reads/rollout-record.js';
import {
  type RolloutSheet,
  readRolloutSheet,
  requireRolloutByName,
} from '../../provisioning/rollout/reads/rollout-sheet.js';
import { readWholeNumber } from '../option.js';
import { colorOf, paint } from '../terminal/color.js';
import {
  type Column,
  minuteOf,
  renderSection,
  renderTable,
  statusColumn,
  visible,
} from '../terminal/table.js';
import { print, withApp } from '../with-app.js';
import { wayOut } from './follow-rollout.js';
import { toFullJson, toJson } from './rollout-form.js';
import { describeState } from './rollout-view.js';

export function addRolloutStatus(rollout: Command): void {
  rollout
    .command('status [rollout]')
    .description('Show a rollout with its waves and its failures; without an argument, the latest rollouts.')
    .option('--limit <number>', `number of rollouts to list; default: ${shownByDefault}`, readWholeNumber)
    .option('--json', 'print one JSON object, or a JSON array of rollouts')
    .addHelpText('after', explanation)
    .action((reference: string | undefined, options: Options) =>
      reference === undefined ? list(options) : show(reference, options),
    );
}

const shownByDefault = 20;

const explanation = `
[rollout] is the id of a rollout, or the name of a module for its newest one.

Examples:

  tenant-registry rollout status
  tenant-registry rollout status finance
  tenant-registry rollout status finance --json | jq '.progress.tenants'`;

type Rollout = RolloutSheet['rollout'];

interface Options {
  limit?: number;
  json?: true;
}

async function list({ limit = shownByDefault, json }: Options): Promise<void> {
  await withApp(
    async (app, caller) => {
      authorize(caller, 'readRegistry');
      const { rollouts, hasMore } = await listRollouts(app.database, { moduleName: undefined, first: limit });
      if (json) return print(JSON.stringify(rollouts.map(toJson)));
      if (rollouts.length === 0) return print('There is no rollout; "rollout start <module>" begins one.');
      for (const line of renderTable(rollouts, rolloutColumns, process.stdout.columns)) print(line);
      if (hasMore) print('\n--limit shows more.');
    },
    { readOnly: true },
  );
}

async function show(reference: string, { json }: Options): Promise<void> {
  await withApp(
    async (app, caller) => {
      authorize(caller, 'readRegistry');
      const { id } = await requireRolloutByName(app.database, reference);
      const sheet = await readRolloutSheet(app.database, id);
      if (json) return print(JSON.stringify(toFullJson(sheet)));
      for (const line of describe(sheet)) print(line);
    },
    { readOnly: true },
  );
}

function describe(sheet: RolloutSheet): string[] {
  const { rollout, counts, running, failed, slowest } = sheet;
  const { id, status, pauseReason, createdAt, createdBy, finishedAt } = rollout;
  const facts: Record<string, string | null> = {
    id,
    started: `${minuteOf(createdAt)} by ${createdBy}`,
    ended: finishedAt && minuteOf(finishedAt),
    paused: pauseReason,
    budget: describeBudget(rollout),
    next: wayOut(sheet) ?? null,
  };
  return [
    paint(colorOf(status), describeState(sheet)),
    ...Object.entries(facts).flatMap(([name, value]) =>
      value === null ? [] : [`  ${name.padEnd(9)}${visible(value)}`],
    ),
    ...renderSection('Waves', counts.waves, waveColumns),
    ...(running.length > 0 ? renderSection('At work', running, workColumns) : []),
    ...(slowest.length > 0 ? renderSection('Slowest', slowest, slowColumns) : []),
    ...(failed.length > 0 ? renderSection('Failed and blocked', failed, failureColumns) : []),
  ];
}

function describeBudget({ errorBudgetCount, errorBudgetPercent }: Rollout): string {
  const limits = [
    ...(errorBudgetCount === null ? [] : [`${errorBudgetCount} tenants`]),
    ...(errorBudgetPercent === null ? [] : [`${errorBudgetPercent}% of the tenants`]),
  ];
  return `${limits.join(' and ')} may fail`;
}

const rolloutColumns: Column<Rollout>[] = [
  { title: 'STARTED', read: ({ createdAt }) => minuteOf(createdAt), least: 16 },
  { title: 'MODULE', read: ({ moduleName }) => moduleName, least: 6 },
  statusColumn,
  { title: 'TO', read: ({ targetVersion }) => targetVersion, least: 10 },
  { title: 'BY', read: ({ createdBy }) => createdBy, least: 6 },
  { title: 'ID', read: ({ id }) => id, least: Number.POSITIVE_INFINITY },
  { title: 'PAUSED', read: ({ pauseReason }) => pauseReason, least: 10 },
];

const waveColumns: Column<RolloutCounts['waves'][number]>[] = [
  { title: 'WAVE', read: ({ wave }) => (wave === 0 ? 'canary' : String(wave)), least: 6 },
  ...(['total', 'QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'BLOCKED', 'SKIPPED'] as const).map((name) => ({
    title: name.toUpperCase(),
    read: (wave: RolloutCounts['waves'][number]) => String(wave[name]),
    least: 5,
  })),
];

const workColumns: Column<RolloutTenantRecord>[] = [
  { title: 'TENANT', read: nameOf, least: Number.POSITIVE_INFINITY },
  { title: 'FILE', read: ({ file }) => file, least: 10 },
  { title: 'ATTEMPTS', read: ({ attempts }) => String(attempts), least: 3 },
  { title: 'SINCE', read: ({ startedAt }) => startedAt && minuteOf(startedAt), least: 16 },
];

const slowColumns: Column<RolloutSheet['slowest'][number]>[] = [
  { title: 'TENANT', read: ({ tenantSlug }) => tenantSlug, least: Number.POSITIVE_INFINITY },
  { title: 'SECONDS', read: ({ durationMs }) => (durationMs / 1_000).toFixed(1), least: 5 },
];

const failureColumns: Column<RolloutTenantRecord>[] = [
  { title: 'TENANT', read: nameOf, least: Number.POSITIVE_INFINITY },
  statusColumn,
  { title: 'FILE', read: ({ file }) => file, least: 10 },
  { title: 'CODE', read: ({ errorCode }) => errorCode, least: 5 },
  { title: 'REASON', read: ({ error }) => error, least: 10 },
];

function nameOf({ tenantSlug, tenantId }: RolloutTenantRecord): string {
  return tenantSlug ?? tenantId;
}
