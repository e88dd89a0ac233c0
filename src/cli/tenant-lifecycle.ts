import { type Command, InvalidArgumentError } from 'commander';
import type { App } from '../app.js';
import { deleteTenant } from '../provisioning/commands/delete-tenant.js';
import { purgeTenant } from '../provisioning/commands/purge-tenant.js';
import { restoreTenant } from '../provisioning/commands/restore-tenant.js';
import { resumeTenant } from '../provisioning/commands/resume-tenant.js';
import { suspendTenant } from '../provisioning/commands/suspend-tenant.js';
import type { CommandContext } from '../registry/command.js';
import { tenantNotFound } from '../registry/route.js';
import { tenantWhere } from '../registry/tenant.js';
import { colorOf, paint } from './color.js';
import { confirm, requireConfirmable } from './confirm.js';
import { oneLine } from './printable.js';
import { visible } from './table.js';
import { print, withApp } from './with-app.js';

interface Options {
  yes?: true;
  json?: true;
  /** What of the command's own input the command line gives. */
  [input: string]: unknown;
}

interface Change {
  command: (
    context: CommandContext,
    input: unknown,
  ) => Promise<{ tenantId: string; operationId: string | null; revision: string }>;
  input?: (options: Options) => object;
  /** What is so from now on. */
  outcome: (tenant: Found) => string;
  /** What is asked before, and what has to be answered. */
  question?: (tenant: Found) => { text: string; wanted: RegExp };
}

export function addLifecycle(tenant: Command): void {
  add(tenant, 'suspend', 'Stop an active tenant: nothing of it resolves any more.', {
    command: suspendTenant,
    input: ({ reason }) => ({ reason }),
    outcome: () => 'nothing of it resolves any more; "tenant resume" lets it go on',
  })
    .requiredOption('--reason <text>', 'why; shown to whoever is refused')
    .addHelpText('after', example('suspend acme-corp --reason "Unpaid since March"'));

  add(tenant, 'resume', 'Let a suspended tenant go on.', {
    command: resumeTenant,
    outcome: () => 'its active subscriptions resolve',
  }).addHelpText('after', example('resume acme-corp'));

  add(tenant, 'delete', 'Delete a tenant softly: it can be restored until its last day.', {
    command: deleteTenant,
    input: ({ days }) => ({ restorableDays: days }),
    question: ({ name, slug }) => ({
      text: `Delete ${visible(name)} (${slug})? It resolves no more, and can be restored for a while. [y/N] `,
      wanted: /^y(es)?$/i,
    }),
    outcome: ({ purgeAfter }) =>
      `it can be restored until ${purgeAfter?.toISOString()}; then its data is dropped, and its names stay taken`,
  })
    .option('--days <number>', 'for how many days it can be restored; default 30', readWhole)
    .option('--yes', 'do it without asking')
    .addHelpText('after', example('delete acme-corp', 'delete acme-corp --days 90 --yes'));

  add(tenant, 'restore', 'Bring a deleted tenant back to what it was.', {
    command: restoreTenant,
    outcome: ({ status }) =>
      status === 'ACTIVE' ? 'its active subscriptions resolve' : 'as it was before it was deleted',
  }).addHelpText('after', example('restore acme-corp'));

  add(tenant, 'purge', 'Drop the data of a deleted tenant, now or on a date, for good.', {
    command: purgeTenant,
    input: ({ after }) => ({ purgeAfter: after }),
    question: ({ name, slug }) => ({
      text: `Drop all data of ${visible(name)} (${slug}) for good? Type its slug to do it: `,
      wanted: new RegExp(`^${slug}$`),
    }),
    outcome: ({ status, purgeAfter }) =>
      status === 'PURGED'
        ? 'its data is dropped; its id, slug and names stay taken'
        : `its data is dropped after ${purgeAfter?.toISOString()}; until then "tenant restore" calls it off`,
  })
    .option(
      '--after <date>',
      'when, such as 2027-01-31T00:00:00Z, or now; default: the end of its time',
      readDate,
    )
    .option('--yes', 'do it without asking')
    .addHelpText('after', example('purge acme-corp', 'purge acme-corp --after now --yes'));
}

function add(tenant: Command, verb: string, description: string, change: Change): Command {
  return tenant
    .command(`${verb} <tenant>`)
    .description(description)
    .option('--json', 'print {"id","slug","status","operationId","revision"}')
    .action((reference: string, options: Options) => run(verb, reference, options, change));
}

async function run(verb: string, reference: string, options: Options, change: Change): Promise<void> {
  const { command, input, question, outcome } = change;
  if (question) requireConfirmable(`"tenant ${verb} ${reference}"`, options);
  await withApp(async (app, caller) => {
    const before = await requireTenant(app, reference);
    const asked = !options.yes && question?.(before);
    if (asked && !(await confirm(asked.text, asked.wanted))) {
      process.stderr.write('Nothing was done.\n');
      process.exitCode = 1;
      return;
    }
    const given = { tenantId: before.id, ...input?.(options) };
    const { operationId, revision } = await command(app.commandsFor(caller), given);
    const after = await requireTenant(app, before.id);
    if (operationId !== null) await tellOfTrouble(app, operationId);
    const { id, slug, status } = after;
    if (options.json) return print(JSON.stringify({ id, slug, status, operationId, revision }));
    print(`Tenant ${slug} is ${paint(colorOf(status), status.toLowerCase())}: ${outcome(after)}.`);
  });
}

/** What the command began beyond the registry is not always done: a database may be down. */
async function tellOfTrouble(app: App, operationId: string): Promise<void> {
  const operation = await app.database.prisma.operation.findUnique({ where: { id: operationId } });
  if (!operation || operation.error === null || operation.status === 'SUCCEEDED') return;
  const next = operation.status === 'QUEUED' ? 'a gateway or worker tries again' : 'see "tenant show"';
  process.stderr.write(
    `Not everything is done: ${oneLine(operation.error)}; ${next} (operation ${operationId})\n`,
  );
  // Of a purge that is all there is to do; a suspension holds without the guards in the databases.
  if (operation.kind === 'PURGE_TENANT') process.exitCode = 1;
}

interface Found {
  id: string;
  slug: string;
  name: string;
  status: string;
  purgeAfter: Date | null;
}

async function requireTenant(app: App, reference: string): Promise<Found> {
  const where = tenantWhere(reference);
  const tenant =
    where &&
    (await app.database.prisma.tenant.findUnique({
      where,
      select: { id: true, slug: true, name: true, status: true, purgeAfter: true },
    }));
  if (!tenant) throw tenantNotFound(reference);
  return tenant;
}

function example(...lines: string[]): string {
  return `\nExamples:\n\n${lines.map((line) => `  tenant-registry tenant ${line}`).join('\n')}`;
}

function readWhole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is no whole number.');
  return Number(text);
}

function readDate(text: string): Date {
  const date = text === 'now' ? new Date() : new Date(text);
  if (Number.isNaN(date.getTime()))
    throw new InvalidArgumentError('It is no date such as 2027-01-31T00:00:00Z.');
  return date;
}
