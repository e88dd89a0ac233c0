import type { Command } from 'commander';
import type { App } from '../../app.js';
import { authorize } from '../../auth/permissions.js';
import { listTenantSummaries, type TenantSummary } from '../../registry/lists/tenant-summary.js';
import { readNames } from '../option.js';
import { colorOf, paint } from '../terminal/color.js';
import { type Column, renderTable } from '../terminal/table.js';
import { print, withApp } from '../with-app.js';

export function addTenantList(tenant: Command): void {
  const command = tenant
    .command('list')
    .description('List tenants by slug: all of them, or those that match the options.');
  for (const { flag, description, read = asGiven } of conditions) command.option(flag, description, read);
  command.option('--json', 'print a JSON array').addHelpText('after', explanation).action(list);
}

/** The options that select tenants, each with the condition of TenantFilter that it is. */
const conditions: {
  flag: string;
  condition: string;
  description: string;
  read?: (text: string) => unknown;
}[] = [
  {
    flag: '--status <statuses>',
    condition: 'status',
    description: 'only these statuses, separated by commas: active, suspended, deleted …',
    read: readNames,
  },
  {
    flag: '--plan <plans>',
    condition: 'plan',
    description: 'only these plans, separated by commas: lite, pro, enterprise',
    read: readNames,
  },
  {
    flag: '--module <name>',
    condition: 'module',
    description: 'only tenants with an active subscription to this module',
  },
  {
    flag: '--search <text>',
    condition: 'text',
    description: 'only tenants with this text in their name or slug',
  },
];

const asGiven = (text: string) => text;
const optionOf = (flag: string) =>
  flag.replace(/^--(\S+).*$/, '$1').replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

const explanation = `
Purged tenants are listed with --status purged only. Examples:

  tenant-registry tenant list --search acme
  tenant-registry tenant list --status active,suspended --module finance --json`;

interface Options {
  json?: true;
  [option: string]: unknown;
}

async function list(options: Options): Promise<void> {
  const given = conditions.flatMap(({ flag, condition }) => {
    const value = options[optionOf(flag)];
    return value === undefined ? [] : [[condition, value]];
  });
  const filter = Object.fromEntries(given);
  await withApp(
    async (app, caller) => {
      authorize(caller, 'readRegistry');
      const tenants = await loadTenants(app, filter);
      if (options.json) return print(JSON.stringify(tenants));
      if (tenants.length === 0) return print(describeEmptyList(given.length > 0));
      for (const line of renderTable(tenants, columns, process.stdout.columns)) print(line);
      print(`\n${tenants.length} ${tenants.length === 1 ? 'tenant' : 'tenants'}.`);
    },
    { readOnly: true },
  );
}

const pageSize = 500;

/** Reads page by page, so that no statement reads all tenants. */
async function loadTenants({ database }: App, filter: object): Promise<TenantSummary[]> {
  const tenants: TenantSummary[] = [];
  for (;;) {
    const page = await listTenantSummaries(database, filter, {
      after: tenants.at(-1)?.slug,
      first: pageSize,
    });
    tenants.push(...page);
    if (page.length < pageSize) return tenants;
  }
}

const columns: Column<TenantSummary>[] = [
  { title: 'SLUG', read: ({ slug }) => slug, least: Number.POSITIVE_INFINITY },
  { title: 'NAME', read: ({ name }) => name, least: 6 },
  {
    title: 'STATUS',
    read: ({ status }) => status.toLowerCase(),
    least: 6,
    paint: (cell, { status }) => paint(colorOf(status), cell),
  },
  { title: 'PLAN', read: ({ plan }) => plan.toLowerCase(), least: 4 },
  { title: 'MODULES', read: ({ modules }) => modules.join(',') || null, least: 7 },
  { title: 'SINCE', read: ({ createdAt }) => createdAt.toISOString().slice(0, 10), least: 10 },
  { title: 'ID', read: ({ id }) => id, least: Number.POSITIVE_INFINITY },
];

function describeEmptyList(isFiltered: boolean): string {
  return isFiltered
    ? 'No tenant matches; "tenant-registry tenant list" shows all tenants.'
    : 'There are no tenants; "tenant-registry provision" creates one.';
}
