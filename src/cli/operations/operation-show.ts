import type { Command } from 'commander';
import type { App } from '../../app.js';
import { authorize } from '../../auth/permissions.js';
import {
  type OperationRecord,
  type OperationSheet,
  requireOperationRecord,
} from '../../provisioning/operations/reads/operation-record.js';
import { progressOf } from '../../provisioning/operations/reads/operation-tenants.js';
import { createTenantResultsLoader } from '../../provisioning/operations/reads/tenant-results.js';
import { colorOf, paint } from '../terminal/color.js';
import { type Column, minuteOf, renderSection, statusColumn, visible } from '../terminal/table.js';
import { print, withApp } from '../with-app.js';
import { toFullJson } from './operation-form.js';

export function addOperationShow(operation: Command): void {
  operation
    .command('show <id>')
    .description('Show an operation with its steps, its attempts and their errors.')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n\n  tenant-registry operation show <id> --json | jq -r .error')
    .action(show);
}

async function show(id: string, options: { json?: true }): Promise<void> {
  await withApp(
    async (app, caller) => {
      authorize(caller, 'readRegistry');
      const operation = await requireOperationRecord(app.database, id);
      if (options.json) return print(JSON.stringify(toFullJson(operation)));
      const refused = await listRefused(app, operation);
      for (const line of describe(operation, refused)) print(line);
    },
    { readOnly: true },
  );
}

function describe(operation: OperationSheet, refused: readonly Refused[]): string[] {
  const { id, kind, status, tenantSlug, tenantId, actor, attempt, error, steps, attempts } = operation;
  const { createdAt, startedAt, finishedAt } = operation;
  const facts: Record<string, string | null> = {
    id,
    tenant: tenantId === null ? null : `${tenantSlug} (${tenantId})`,
    requested: `${minuteOf(createdAt)} by ${actor}`,
    started: startedAt && minuteOf(startedAt),
    finished: finishedAt && minuteOf(finishedAt),
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
    ...(steps.length > 0 ? renderSection('Steps', steps, stepColumns) : []),
    ...(refused.length > 0 ? renderSection('Tenants that were not changed', refused, refusedColumns) : []),
    ...renderSection('Attempts', attempts, attemptColumns),
  ];
}

const refusedShown = 20;

type Refused = Awaited<ReturnType<typeof listRefused>>[number];

/** The first tenants that an operation on many did not change. */
async function listRefused({ database }: App, operation: OperationSheet) {
  if (!progressOf(operation)?.failed) return [];
  return createTenantResultsLoader(database).load({
    ...{ operationId: operation.id, statuses: ['FAILED'], limit: refusedShown, after: -1 },
  });
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

const refusedColumns: Column<Refused>[] = [
  { title: 'TENANT', read: ({ reference }) => reference, least: Number.POSITIVE_INFINITY },
  { title: 'CODE', read: ({ code }) => code, least: Number.POSITIVE_INFINITY },
  { title: 'REASON', read: ({ message }) => message, least: 10 },
];

const attemptColumns: Column<OperationSheet['attempts'][number]>[] = [
  { title: 'ATTEMPT', read: ({ number }) => String(number), least: 3 },
  statusColumn,
  { title: 'REQUESTED', read: ({ createdAt }) => minuteOf(createdAt), least: 16 },
  { title: 'BY', read: ({ actor }) => actor, least: 6 },
  { title: 'FINISHED', read: ({ finishedAt }) => finishedAt && minuteOf(finishedAt), least: 16 },
  { title: 'CANCELLED BY', read: ({ cancelRequestedBy }) => cancelRequestedBy, least: 6 },
  { title: 'ERROR', read: ({ error }) => error, least: 10 },
];

const stepColumns: Column<OperationRecord['steps'][number]>[] = [
  { title: 'STEP', read: ({ name }) => name.replaceAll('_', ' '), least: 10 },
  { title: 'MODULE', read: ({ moduleName }) => moduleName, least: 6 },
  statusColumn,
  { title: 'STARTED', read: ({ startedAt }) => startedAt && minuteOf(startedAt), least: 16 },
  { title: 'FINISHED', read: ({ finishedAt }) => finishedAt && minuteOf(finishedAt), least: 16 },
  { title: 'ERROR', read: ({ error }) => error, least: 10 },
];
