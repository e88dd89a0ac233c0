import type { Command } from 'commander';
import { authorize } from '../../auth/permissions.js';
import {
  type OperationRecord,
  requireOperationRecord,
} from '../../provisioning/operations/operation-record.js';
import { progressOf } from '../../provisioning/operations/operation-tenants.js';
import { colorOf, paint } from '../terminal/color.js';
import { type Column, renderTable, visible } from '../terminal/table.js';
import { print, withApp } from '../with-app.js';
import { minutesOf, toJson } from './operation-form.js';

export function addOperationShow(operation: Command): void {
  operation
    .command('show <id>')
    .description('Show an operation with its steps and their errors.')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n\n  tenant-registry operation show <id> --json | jq -r .error')
    .action(show);
}

async function show(id: string, options: { json?: true }): Promise<void> {
  await withApp(
    async (app, caller) => {
      authorize(caller, 'readRegistry');
      const operation = await requireOperationRecord(app.database, id);
      if (options.json) print(JSON.stringify(toJson(operation)));
      else for (const line of describe(operation)) print(line);
    },
    { readOnly: true },
  );
}

function describe(operation: OperationRecord): string[] {
  const { id, kind, status, tenantSlug, tenantId, actor, attempt, error, steps } = operation;
  const { createdAt, startedAt, finishedAt } = operation;
  const facts: Record<string, string | null> = {
    id,
    tenant: tenantId === null ? null : `${tenantSlug} (${tenantId})`,
    requested: `${minutesOf(createdAt)} by ${actor}`,
    started: startedAt && minutesOf(startedAt),
    finished: finishedAt && minutesOf(finishedAt),
    attempt: String(attempt),
    tenants: describeProgress(operation),
    error,
    next: wayOut[status] ?? null,
  };
  return [
    `${paint('bold', kind.toLowerCase().replaceAll('_', ' '))}  ${paint(colorOf(status), status.toLowerCase())}`,
    ...Object.entries(facts).flatMap(([name, value]) =>
      value === null ? [] : [`  ${name.padEnd(11)}${visible(value)}`],
    ),
    '',
    ...renderTable(steps, stepColumns, process.stdout.columns),
  ];
}

/** How far an operation on many tenants is; null for others. */
function describeProgress(operation: OperationRecord): string | null {
  const progress = progressOf(operation);
  if (!progress) return null;
  const { total, succeeded, failed, cancelled, remaining } = progress;
  return `${succeeded} of ${total} changed, ${failed} failed, ${cancelled} cancelled, ${remaining} to do`;
}

/** How to go on with an operation that ended without success. */
const wayOut: Record<string, string> = {
  FAILED: 'correct the error, then "operation retry"',
  COMPENSATED: 'all steps were undone: correct the error, then "operation retry"',
  CANCELLED: '"operation retry" starts it again',
  NEEDS_ATTENTION: 'correct the error, then "operation retry" continues where it stopped',
};

const stepColumns: Column<OperationRecord['steps'][number]>[] = [
  { title: 'STEP', read: ({ name }) => name.replaceAll('_', ' '), least: 10 },
  { title: 'MODULE', read: ({ moduleName }) => moduleName, least: 6 },
  {
    title: 'STATUS',
    read: ({ status }) => status.toLowerCase(),
    least: 6,
    paint: (cell, { status }) => paint(colorOf(status), cell),
  },
  { title: 'STARTED', read: ({ startedAt }) => startedAt && minutesOf(startedAt), least: 16 },
  { title: 'FINISHED', read: ({ finishedAt }) => finishedAt && minutesOf(finishedAt), least: 16 },
  { title: 'ERROR', read: ({ error }) => error, least: 10 },
];
