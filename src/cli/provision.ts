import { constants } from 'node:os';
import type { Command } from 'commander';
import type { App } from '../app.js';
import type { Caller } from '../auth/caller.js';
import { colorOf, paint } from './color.js';
import { oneLine } from './printable.js';
import { carryOut, type Outcome } from './provision-outcome.js';
import { stopSignal } from './stop-signal.js';
import { renderTable } from './table.js';
import { print, withApp } from './with-app.js';

export function addProvision(program: Command): void {
  program
    .command('provision <name> <adminEmail> <modules>')
    .description('Register a tenant, subscribe it to modules and make all its storage, or none of it.')
    .option('--slug <slug>', 'its short name for URLs and schemas; default derived from the name')
    .option('--idempotency-key <key>', 'any text: the same command with it goes on with what it began')
    .option('--json', 'print {"tenant","subscriptions","operation","revision","invitationToken"}')
    .addHelpText('after', explanation)
    .action(provision);
}

const explanation = `
The steps are shown on standard error. When one fails the others are undone, the tenant is left failed, and the same
command starts anew under the same names. Interrupted (Ctrl-C), it stops after the step under way, and what it began goes on
with the next gateway or worker. The exit code is 0 only when all of it stands.

Examples:

  tenant-registry provision "Acme Corp" admin@acme.com operations,finance
  tenant-registry provision "Acme Corp" admin@acme.com finance --slug acme --json | jq -r .tenant.id`;

interface Options {
  slug?: string;
  idempotencyKey?: string;
  json?: true;
}

async function provision(name: string, adminEmail: string, modules: string, options: Options): Promise<void> {
  const stop = stopSignal();
  const input = {
    name,
    adminEmail,
    modules: modules.split(',').map((module) => module.trim()),
    slug: options.slug,
    idempotencyKey: options.idempotencyKey,
  };
  let operationId: string | undefined;
  const work = async (app: App, caller: Caller) => {
    if (await isSettled(stop)) return stop;
    const begun = createSignal<string>();
    const outcome = carryOut(app, caller, input, (id) => {
      operationId = id;
      begun.resolve(id);
    });
    const first = await Promise.race([outcome, stop]);
    if (typeof first !== 'string') return report(first, options);
    // What is being committed just now is to be told of; what becomes of it then nobody here will hear.
    await Promise.race([begun.promise, outcome.catch(() => undefined)]);
    outcome.catch(() => undefined);
    return first;
  };
  const stopped = await withApp(work, { logLevel: 'error' });
  if (stopped === undefined) return;
  const goesOn = 'goes on where it stands as soon as a gateway or "tenant-registry worker" runs';
  process.stderr.write(
    operationId === undefined
      ? `Interrupted before an operation was begun.\n`
      : `Interrupted. Operation ${operationId} ${goesOn}.\n`,
  );
  // A step that did not end in time may still hold a connection open.
  process.exit(128 + constants.signals[stopped]);
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const unsettled = Symbol();
  return (await Promise.race([promise, Promise.resolve(unsettled)])) !== unsettled;
}

function createSignal<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const placeColumns = [
  { title: 'MODULE', read: ({ module }: Outcome['subscriptions'][number]) => module, least: 6 },
  { title: 'DATABASE', read: ({ databaseName }: Outcome['subscriptions'][number]) => databaseName, least: 8 },
  { title: 'SCHEMA', read: ({ schemaName }: Outcome['subscriptions'][number]) => schemaName, least: 8 },
];

function report(outcome: Outcome, { json, idempotencyKey }: Options): undefined {
  const { tenant, subscriptions, operation, invitationToken } = outcome;
  if (json) print(JSON.stringify(outcome));
  if (operation.status !== 'SUCCEEDED') {
    process.exitCode = 1;
    const again = `The same command${idempotencyKey === undefined ? '' : ' without that key'} starts anew under the same names.`;
    const what = operation.status === 'NEEDS_ATTENTION' ? failedHalfWay : `${failed} ${again}`;
    process.stderr.write(`${oneLine(operation.error ?? 'It failed')}\n${what}\n`);
  } else if (!json) {
    const status = paint(colorOf(tenant.status), tenant.status.toLowerCase());
    print(`Tenant ${tenant.slug} (${tenant.id}) is ${status}.`);
    for (const line of renderTable(subscriptions, placeColumns, process.stdout.columns)) print(line);
    if (invitationToken !== null) print(`Token for acceptInvitation, not shown again: ${invitationToken}`);
  }
}

const failed = 'Nothing of it is left: what was made was undone.';
const failedHalfWay =
  'It could not be undone as a whole: see "tenant-registry tenant show" and "tenant-registry doctor".';
