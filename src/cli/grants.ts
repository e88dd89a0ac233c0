import type { Command } from 'commander';
import type { App } from '../app.js';
import { authorize } from '../auth/permissions.js';
import { RegistryError } from '../errors.js';
import { type DatabaseGrants, type GrantTarget, planGrants } from '../provisioning/storage/grants.js';
import { isolations, storageNaming } from '../registry/isolation.js';
import { print, withApp } from './with-app.js';

export function addGrants(program: Command): void {
  program
    .command('grants')
    .description('Print the SQL with which an administrator gives provisioner and services what they need.')
    .option('--module <name>', 'of one module; default all')
    .option('--json', 'print a JSON array, one element per database')
    .action(printGrants);
}

async function printGrants(options: { module?: string; json?: true }): Promise<void> {
  await withApp(async (app, caller) => {
    authorize(caller, 'readRegistry');
    const { places, embedded } = await readPlaces(app, options.module);
    const grants = planGrants(places);
    if (options.json) return print(JSON.stringify(grants));
    for (const module of embedded)
      print(`-- Module ${module}: in the embedded PostgreSQL, where nothing has to be granted.`);
    for (const database of grants) print(format(database));
  });
}

const isolationsWithDatabases = isolations.filter((isolation) => storageNaming[isolation].hasOwnDatabase);

/** Which role a URL without one means is up to the connecting machine. */
const defaultProvisioner = 'tenant_registry';

async function readPlaces(app: App, wanted: string | undefined) {
  const modules = await app.database.prisma.module.findMany({
    ...(wanted !== undefined && { where: { name: wanted } }),
    include: {
      _count: { select: { subscriptions: { where: { isolation: { in: isolationsWithDatabases } } } } },
    },
    orderBy: { name: 'asc' },
  });
  if (wanted !== undefined && modules.length === 0)
    throw new RegistryError('MODULE_NOT_FOUND', `There is no module "${wanted}"`);
  const places: GrantTarget[] = [];
  const embedded: string[] = [];
  for (const { name, databaseRef, isolation, _count } of modules) {
    const configured = app.serviceDatabases.configuredServer(databaseRef);
    if (!configured) embedded.push(name);
    else
      places.push({
        module: name,
        server: configured.server,
        // Where provisioning will connect: the catalogue may still have the name from before the variable was set.
        database: app.serviceDatabases.configuredName(databaseRef) ?? '',
        provisioner: configured.user || defaultProvisioner,
        hasDatabases: storageNaming[isolation].hasOwnDatabase || _count.subscriptions > 0,
      });
  }
  return { places, embedded };
}

function format({ server, database, modules, statements }: DatabaseGrants): string {
  return [
    `-- Server ${server}, in database ${database}, as an administrator (modules: ${modules.join(', ')})`,
    ...statements,
    '',
  ].join('\n');
}
