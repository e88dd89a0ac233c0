import { constants } from 'node:os';
import type { Command } from 'commander';
import type { App } from '../app.js';
import type { Caller } from '../auth/caller.js';
import type { SubscriptionRecord } from '../registry/subscription-record.js';
import { type Outcome, provisionWithProgress } from './provision-outcome.js';
import { stopSignal } from './stop-signal.js';
import { colorOf, paint } from './terminal/color.js';
import { oneLine } from './terminal/printable.js';
import { type Column, renderTable } from './terminal/table.js';
import { print, withApp } from './with-app.js';

export function addProvision(program: Command): void {
  program
    .command('provision <name> <adminEmail> <modules>')
    .description('Register a tenant, subscribe it to modules and create the storage of all of them, or none.')
    .option('--slug <slug>', 'short name for URLs and schemas; default: derived from the name')
    .option('--idempotency-key <key>', 'any text: the same command with the same key continues its operation')
    .option('--json', 'print {"tenant","subscriptions","operation","revision","invitationToken"}')
    .addHelpText('after', explanation)
    .action(provision);
}

const explanation = `
The steps are shown on standard error. When one fails, the others are undone, the tenant is left failed, and the same
command starts again under the same names. On Ctrl-C the command ends after the current step, and the next gateway or
worker continues the operation. The exit code is 0 only when all storage was created.

Examples:

  tenant-registry provision "Acme Corp" admin@acme.com operations,finance
  tenant-registry provision "Acme Corp" admin@acme.com finance --slug acme --json | jq -r .tenant.id`;

interface Options {
  slug?: string;
  idempotencyKey?: string;
  json?: true;
}

async function provision(name: string, adminEmail: string, modules: string, options: Options): Promise<void> {
  let received: NodeJS.Signals | undefined;
  const stop = stopSignal().then((signal) => {
    received = signal;
  });
  const input = {
    name,
    adminEmail,
    modules: modules.split(',').map((module) => module.trim()),
    slug: options.slug,
    idempotencyKey: options.idempotencyKey,
  };
  let operationId: string | undefined;
  /** Returns the signal that interrupted it. */
  const work = async (app: App, caller: Caller) => {
    if (received) return received;
    const begun = createDeferred();
    const outcome = provisionWithProgress(app, caller, input, (id) => {
      operationId = id;
      begun.resolve();
    });
    const ended = await Promise.race([outcome, stop]);
    if (ended) return report(ended, options);
    // The operation may be in the middle of its commit; the message below needs its id.
    await Promise.race([begun.promise, outcome.catch(() => undefined)]);
    outcome.catch(() => undefined);
    return received;
  };
  const interruptedBy = await withApp(work, { logLevel: 'error' });
  if (interruptedBy === undefined) return;
  process.stderr.write(
    operationId === undefined
      ? `Interrupted before an operation was started.\n`
      : `Interrupted. Operation ${operationId} continues when a gateway or "tenant-registry worker" runs.\n`,
  );
  // A step that did not end in time may still hold a connection open.
  process.exit(128 + constants.signals[interruptedBy]);
}

function createDeferred() {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const subscriptionColumns: Column<SubscriptionRecord>[] = [
  { title: 'MODULE', read: ({ module }) => module, least: 6 },
  { title: 'DATABASE', read: ({ databaseName }) => databaseName, least: Number.POSITIVE_INFINITY },
  { title: 'SCHEMA', read: ({ schemaName }) => schemaName, least: Number.POSITIVE_INFINITY },
];

function report(outcome: Outcome, { json, idempotencyKey }: Options): undefined {
  const { tenant, subscriptions, operation, invitationToken } = outcome;
  if (json) print(JSON.stringify(outcome));
  if (operation.status !== 'SUCCEEDED') {
    process.exitCode = 1;
    const retry = `The same command${idempotencyKey === undefined ? '' : ' without that key'} starts again under the same names.`;
    const state = operation.status === 'NEEDS_ATTENTION' ? needsAttention : `${undone} ${retry}`;
    process.stderr.write(`${oneLine(operation.error ?? 'The operation failed')}\n${state}\n`);
  } else if (!json) {
    const status = paint(colorOf(tenant.status), tenant.status.toLowerCase());
    print(`Tenant ${tenant.slug} (${tenant.id}) is ${status}.`);
    for (const line of renderTable(subscriptions, subscriptionColumns, process.stdout.columns)) print(line);
    if (invitationToken !== null)
      print(`Token for acceptInvitation, which is not shown again: ${invitationToken}`);
  }
}

const undone = 'All steps were undone.';
const needsAttention =
  'Some steps could not be undone: see "tenant-registry tenant show" and "tenant-registry doctor".';
