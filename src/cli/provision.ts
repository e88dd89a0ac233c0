import { type Command, InvalidArgumentError, Option } from 'commander';
import type { App } from '../app.js';
import { newTenantFields } from '../profile/onboarding.js';
import { provisionTenant } from '../provisioning/commands/provision-tenant.js';
import { listSubscriptionRecords, type SubscriptionRecord } from '../registry/tenants/subscription-record.js';
import { tenantFields } from '../registry/tenants/tenant-fields.js';
import { requireTenantRecord } from '../registry/tenants/tenant-record.js';
import { describeField } from '../registry/values/field-description.js';
import { readNewTenantFile } from '../rest/tenant.js';
import { type Ended, followOperation } from './operations/follow-operation.js';
import { collect, readWholeNumber } from './option.js';
import { colorOf, paint } from './terminal/color.js';
import { oneLine } from './terminal/printable.js';
import { type Column, renderTable } from './terminal/table.js';
import { readTextFile } from './text-file.js';
import { print } from './with-app.js';

export function addProvision(program: Command): void {
  const command = program
    .command('provision <name> <adminEmail> <modules>')
    .description('Register a tenant, subscribe it to modules and create the storage of all of them, or none.')
    .option('--slug <slug>', 'short name for URLs and schemas; default: derived from the name');
  command.addOption(externalIdOption());
  for (const option of fieldOptions()) command.addOption(option);
  command
    .option(
      '--input <file>',
      'JSON file with further fields as in POST /api/tenants, such as settings, branding and config; - is standard input',
    )
    .option('--idempotency-key <key>', 'any text: the same command with the same key continues its operation')
    .option('--json', 'print {"tenant","subscriptions","operation","revision","invitationToken"}')
    .addHelpText('after', explanation)
    .action(provision);
}

const explanation = `
The steps are shown on standard error. When one fails, the others are undone, the tenant is left failed, and the same
command starts again under the same names. On Ctrl-C the command ends after the current step, and the next gateway or
worker continues the operation. The exit code is 0 only when all storage was created. An option goes before the same
field of the file.

Examples:

  tenant-registry provision "Acme Corp" admin@acme.com operations,finance
  tenant-registry provision "Acme Corp" admin@acme.com finance --slug acme --json | jq -r .tenant.id
  tenant-registry provision "Acme Corp" admin@acme.com finance --plan pro --currency EUR --input acme.json`;

function externalIdOption(): Option {
  const description = 'id under which an older platform knows the tenant; may be given several times';
  return new Option('--external-id <id>', description).argParser((one: string, earlier: string[] = []) =>
    collect(one, earlier),
  );
}

/** One option for each field that is a text or a number: settings, branding and config come from a file. */
function fieldOptions(): Option[] {
  const { id, adminFullName } = newTenantFields;
  return Object.entries({ id, ...tenantFields, adminFullName }).map(([name, field]) => {
    const { type, values, description, byDefault } = describeField(field);
    const fallback = values.length > 0 ? String(byDefault).toLowerCase() : byDefault;
    const shown = byDefault === undefined ? '' : `; default: ${fallback}`;
    const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const phrase = asPhrase(description);
    if (type === 'boolean') return new Option(`--${flag}`, phrase);
    const option = new Option(`--${flag} <${type === 'integer' ? 'number' : 'text'}>`, `${phrase}${shown}`);
    if (type === 'integer') option.argParser(readWholeNumber);
    if (values.length > 0) option.argParser((given: string) => readValue(given, values));
    return option;
  });
}

/** Options are described in a phrase without a period; abbreviations keep their capital letters. */
function asPhrase(description: string): string {
  const phrase = description.replaceAll('. Default:', '; default:').replace(/\.$/, '');
  return /^[A-Z][a-z]*\b/.test(phrase) ? phrase.charAt(0).toLowerCase() + phrase.slice(1) : phrase;
}

function readValue(given: string, values: readonly string[]): string {
  const value = given.toUpperCase();
  if (values.includes(value)) return value;
  throw new InvalidArgumentError(`Expected ${values.join(', ').toLowerCase()}.`);
}

interface Options {
  slug?: string;
  input?: string;
  idempotencyKey?: string;
  externalId?: string[];
  json?: true;
  /** Options of the fields of a tenant. */
  [field: string]: unknown;
}

async function provision(name: string, adminEmail: string, modules: string, options: Options): Promise<void> {
  const { input: file, json: _, externalId, ...given } = options;
  const input = {
    ...(file !== undefined && (await readInputFile(file))),
    ...given,
    ...(externalId && { externalIds: externalId }),
    ...{ name, adminEmail, modules: modules.split(',').map((module) => module.trim()) },
  };
  await followOperation({
    begin: (commands) => provisionTenant(commands, input),
    report: async (app, ended) => report(await readOutcome(app, ended), options),
  });
}

async function readInputFile(file: string): Promise<object> {
  const name = file === '-' ? 'Standard input' : `File ${file}`;
  const content = await readTextFile(file, '--input');
  let given: unknown;
  try {
    given = JSON.parse(content);
  } catch {
    throw new Error(`${name} is not JSON: write an object as for POST /api/tenants`);
  }
  return readNewTenantFile(given);
}

type Outcome = Awaited<ReturnType<typeof readOutcome>>;

async function readOutcome({ database }: App, ended: Ended<{ token: string | null }>) {
  const { begun, revision, operation } = ended;
  const { id, status, error, steps, tenantId } = operation;
  const tenant = await requireTenantRecord(database, tenantId ?? '');
  return {
    tenant: { id: tenant.id, slug: tenant.slug, name: tenant.name, status: tenant.status },
    subscriptions: await listSubscriptionRecords(database, tenant.id),
    operation: {
      ...{ id, status, error },
      steps: steps.map((step) => ({
        ...{ name: step.name.toUpperCase(), status: step.status, error: step.error, module: step.moduleName },
      })),
    },
    revision,
    /** Null when the command is repeated. */
    invitationToken: begun.token,
  };
}

const subscriptionColumns: Column<SubscriptionRecord>[] = [
  { title: 'MODULE', read: ({ module }) => module, least: 6 },
  { title: 'DATABASE', read: ({ databaseName }) => databaseName, least: Number.POSITIVE_INFINITY },
  { title: 'SCHEMA', read: ({ schemaName }) => schemaName, least: Number.POSITIVE_INFINITY },
];

function report(outcome: Outcome, { json, idempotencyKey }: Options): void {
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
