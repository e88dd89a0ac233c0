import type { Command } from 'commander';
import type { App } from '../../app.js';
import { deleteTenant } from '../../provisioning/commands/delete-tenant.js';
import { purgeTenant } from '../../provisioning/commands/purge-tenant.js';
import { restoreTenant } from '../../provisioning/commands/restore-tenant.js';
import { resumeTenant } from '../../provisioning/commands/resume-tenant.js';
import { suspendTenant } from '../../provisioning/commands/suspend-tenant.js';
import { findOperation } from '../../provisioning/operations/reads/operation-record.js';
import type { CommandContext } from '../../registry/command.js';
import { tenantNotFound } from '../../registry/resolution/route.js';
import { findTenantRecord, type TenantRecord } from '../../registry/tenants/tenant-record.js';
import { readDate, readDateOrNow, readWholeNumber } from '../option.js';
import { colorOf, paint } from '../terminal/color.js';
import { confirm, requireConfirmable } from '../terminal/confirm.js';
import { oneLine } from '../terminal/printable.js';
import { visible } from '../terminal/table.js';
import { print, withApp } from '../with-app.js';

interface Options {
  yes?: true;
  json?: true;
  /** Options of one verb only. */
  [option: string]: unknown;
}

/** A verb of "tenant" that changes the status of a tenant. */
interface LifecycleVerb {
  command: (
    context: CommandContext,
    input: unknown,
  ) => Promise<{ tenantId: string; operationId: string | null; revision: string }>;
  /** Input of the command besides the tenant. */
  input?: (options: Options) => object;
  /** Says what holds after the change. */
  outcome: (tenant: TenantRecord) => string;
  /** A question that the user has to answer with a match of `wanted` before the change. */
  question?: (tenant: TenantRecord) => { text: string; wanted: RegExp };
}

const suspend: LifecycleVerb = {
  command: suspendTenant,
  input: ({ reason, until }) => ({ reason, suspendUntil: until }),
  outcome: ({ suspendUntil }) =>
    suspendUntil === null
      ? 'none of its modules resolves; "tenant resume" ends the suspension'
      : `none of its modules resolves until ${suspendUntil.toISOString()}; "tenant resume" ends the suspension earlier`,
};

const resume: LifecycleVerb = {
  command: resumeTenant,
  outcome: () => 'its active subscriptions resolve',
};

const remove: LifecycleVerb = {
  command: deleteTenant,
  input: ({ days }) => ({ restorableDays: days }),
  question: ({ name, slug }) => ({
    text: `Delete ${visible(name)} (${slug})? It stops resolving, and can be restored for a limited time. [y/N] `,
    wanted: /^y(es)?$/i,
  }),
  outcome: ({ purgeAfter }) =>
    `it can be restored until ${purgeAfter?.toISOString()}; then its data is dropped, and its names stay reserved`,
};

const restore: LifecycleVerb = {
  command: restoreTenant,
  outcome: ({ status }) =>
    status === 'ACTIVE' ? 'its active subscriptions resolve' : 'it has its status from before the deletion',
};

const purge: LifecycleVerb = {
  command: purgeTenant,
  input: ({ after }) => ({ purgeAfter: after }),
  question: ({ name, slug }) => ({
    text: `Drop all data of ${visible(name)} (${slug}) permanently? Type the slug to confirm: `,
    wanted: new RegExp(`^${slug}$`),
  }),
  outcome: ({ status, purgeAfter }) =>
    status === 'PURGED'
      ? 'its data is dropped; its id, slug and names stay reserved'
      : `its data is dropped after ${purgeAfter?.toISOString()}; "tenant restore" cancels that`,
};

export function addLifecycle(tenant: Command): void {
  add(tenant, 'suspend', 'Suspend an active tenant: none of its modules resolves any more.', suspend)
    .requiredOption('--reason <text>', 'reason that refused callers see')
    .option(
      '--until <date>',
      'date such as 2027-01-31T00:00:00Z, at which it is resumed by itself; default: until "tenant resume"',
      readDate,
    )
    .addHelpText(
      'after',
      example(
        'suspend acme-corp --reason "Unpaid since March"',
        'suspend acme-corp --reason "Moves its data" --until 2027-01-31T06:00:00Z',
      ),
    );

  add(tenant, 'resume', 'Resume a suspended tenant.', resume).addHelpText(
    'after',
    example('resume acme-corp'),
  );

  add(tenant, 'delete', 'Delete a tenant softly: it can be restored for a limited time.', remove)
    .option('--days <number>', 'number of days in which it can be restored; default 30', readWholeNumber)
    .option('--yes', 'delete without a question')
    .addHelpText('after', example('delete acme-corp', 'delete acme-corp --days 90 --yes'));

  add(tenant, 'restore', 'Restore a deleted tenant to its status before the deletion.', restore).addHelpText(
    'after',
    example('restore acme-corp'),
  );

  add(tenant, 'purge', 'Drop the data of a deleted tenant permanently, now or on a date.', purge)
    .option(
      '--after <date>',
      'date such as 2027-01-31T00:00:00Z, or now; default: the end of the restorable time',
      readDateOrNow,
    )
    .option('--yes', 'purge without a question')
    .addHelpText('after', example('purge acme-corp', 'purge acme-corp --after now --yes'));
}

function add(tenant: Command, verb: string, description: string, change: LifecycleVerb): Command {
  return tenant
    .command(`${verb} <tenant>`)
    .description(description)
    .option('--json', 'print {"id","slug","status","operationId","revision"}')
    .action((reference: string, options: Options) => run(verb, reference, options, change));
}

async function run(verb: string, reference: string, options: Options, change: LifecycleVerb): Promise<void> {
  const { command, input, question, outcome } = change;
  if (question) requireConfirmable(`"tenant ${verb} ${reference}"`, options);
  await withApp(async (app, caller) => {
    const before = await requireTenant(app, reference);
    const asked = !options.yes && question?.(before);
    if (asked && !(await confirm(asked.text, asked.wanted))) {
      process.stderr.write('Nothing was changed.\n');
      process.exitCode = 1;
      return;
    }
    const given = { tenantId: before.id, ...input?.(options) };
    const { operationId, revision } = await command(app.commandsFor(caller), given);
    const after = await requireTenant(app, before.id);
    if (operationId !== null) await reportUnfinished(app, operationId);
    const { id, slug, status } = after;
    if (options.json) return print(JSON.stringify({ id, slug, status, operationId, revision }));
    print(`Tenant ${slug} is ${paint(colorOf(status), status.toLowerCase())}: ${outcome(after)}.`);
  });
}

/** Reports an operation of the command that could not finish, for instance because a service database is down. */
async function reportUnfinished(app: App, operationId: string): Promise<void> {
  const operation = await findOperation(app.database, operationId);
  if (!operation || operation.error === null || operation.status === 'SUCCEEDED') return;
  const next = operation.status === 'QUEUED' ? 'a gateway or worker retries it' : 'see "tenant show"';
  process.stderr.write(`Operation ${operationId} is not finished: ${oneLine(operation.error)}; ${next}\n`);
  // A purge consists of its operation; a suspension holds even before the guards in the databases know it.
  if (operation.kind === 'PURGE_TENANT') process.exitCode = 1;
}

async function requireTenant(app: App, reference: string): Promise<TenantRecord> {
  const tenant = await findTenantRecord(app.database, reference);
  if (!tenant) throw tenantNotFound(reference);
  return tenant;
}

function example(...lines: string[]): string {
  return `\nExamples:\n\n${lines.map((line) => `  tenant-registry tenant ${line}`).join('\n')}`;
}
