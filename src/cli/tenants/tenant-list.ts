import type { Command } from 'commander';
import type { App } from '../../app.js';
import { authorize } from '../../auth/permissions.js';
import { listTenantSummaries, type TenantSummary } from '../../registry/lists/tenant-summary.js';
import { addOptions } from '../option.js';
import { type Column, renderTable, statusColumn } from '../terminal/table.js';
import { print, withApp } from '../with-app.js';
import { conditionOptions, readConditions } from './tenant-conditions.js';

export function addTenantList(tenant: Command): void {
  const command = tenant
    .command('list')
    .description('List tenants by slug: all of them, or those that match the options.');
  addOptions(command, conditionOptions)
    .option('--json', 'print a JSON array')
    .addHelpText('after', explanation)
    .action(list);
}

const explanation = `
Purged tenants are listed with --status purged only. Examples:

  tenant-registry tenant list --search acme
  tenant-registry tenant list --status active,suspended --module finance --json
  tenant-registry tenant list --module finance --migration-below finance/0007_tax.sql --created-since 2026-01-01`;

interface Options {
  json?: true;
  [option: string]: unknown;
}

async function list(options: Options): Promise<void> {
  const filter = readConditions(options);
  await withApp(
    async (app, caller) => {
      authorize(caller, 'readRegistry');
      const tenants = await loadTenants(app, filter);
      if (options.json) return print(JSON.stringify(tenants));
      if (tenants.length === 0) return print(describeEmptyList(Object.keys(filter).length > 0));
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
  statusColumn,
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
