import type { Command } from 'commander';
import type { App } from '../app.js';
import { authorize } from '../auth/permissions.js';
import { tenantsMatching } from '../registry/tenant-filter.js';
import { colorOf, paint } from './color.js';
import { type Column, renderTable } from './table.js';
import { print, withApp } from './with-app.js';

export function addTenantList(tenant: Command): void {
  tenant
    .command('list')
    .description('List tenants by slug, all of them unless told otherwise.')
    .option('--status <statuses>', 'only these, separated by commas: active, suspended, deleted …')
    .option('--module <name>', 'only with an active subscription to this module')
    .option('--search <text>', 'only with this text in name or slug')
    .option('--json', 'print a JSON array')
    .addHelpText('after', explanation)
    .action(list);
}

const explanation = `
Purged tenants are listed with --status purged only. Examples:

  tenant-registry tenant list --search acme
  tenant-registry tenant list --status active,suspended --module finance --json`;

interface Listed {
  id: string;
  slug: string;
  name: string;
  status: string;
  plan: string;
  modules: string[];
  createdAt: Date;
}

interface Options {
  status?: string;
  module?: string;
  search?: string;
  json?: true;
}

async function list(options: Options): Promise<void> {
  const filter = {
    status: options.status?.split(',').map((status) => status.trim().toUpperCase()),
    module: options.module,
    text: options.search,
  };
  await withApp(
    async (app, caller) => {
      authorize(caller, 'readRegistry');
      const tenants: Listed[] = [];
      for await (const tenant of listTenants(app, filter)) tenants.push(tenant);
      if (options.json) return print(JSON.stringify(tenants));
      if (tenants.length === 0) return print(describeNobody(options));
      for (const line of renderTable(tenants, columns, process.stdout.columns)) print(line);
      print(`\n${tenants.length} ${tenants.length === 1 ? 'tenant' : 'tenants'}.`);
    },
    { readOnly: true },
  );
}

const pageSize = 500;

/** Page by page, so that no statement reads more than one. */
async function* listTenants(app: App, filter: object): AsyncGenerator<Listed> {
  const where = tenantsMatching(filter);
  for (let after = ''; ; ) {
    const page = await app.database.prisma.tenant.findMany({
      where: { AND: [where, { slug: { gt: after } }] },
      orderBy: { slug: 'asc' },
      take: pageSize,
      select: {
        ...{ id: true, slug: true, name: true, status: true, plan: true, createdAt: true },
        subscriptions: {
          where: { status: { notIn: ['CANCELLED', 'DEPROVISIONING'] } },
          select: { moduleName: true },
          orderBy: { moduleName: 'asc' },
        },
      },
    });
    for (const { subscriptions, ...tenant } of page)
      yield { ...tenant, modules: subscriptions.map(({ moduleName }) => moduleName) };
    const last = page.at(-1);
    if (!last || page.length < pageSize) return;
    after = last.slug;
  }
}

const columns: Column<Listed>[] = [
  { title: 'SLUG', read: ({ slug }) => slug, least: 8 },
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
  { title: 'ID', read: ({ id }) => id, least: 9 },
];

function describeNobody({ status, module, search }: Options): string {
  return status || module || search
    ? 'No tenant is like that; "tenant-registry tenant list" shows all.'
    : 'There are no tenants; make one with "tenant-registry provision".';
}
