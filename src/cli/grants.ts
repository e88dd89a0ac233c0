import type { Command } from 'commander';
import { type App, registryName } from '../app.js';
import { authorize } from '../auth/permissions.js';
import { type DatabaseGrants, type GrantTarget, planGrants } from '../provisioning/storage/grants.js';
import { planRegistryGrants } from '../provisioning/storage/registry-grants.js';
import { isolations, storageNaming } from '../registry/modules/isolation.js';
import { listModules } from '../registry/modules/module-record.js';
import { moduleNotFound } from '../registry/resolution/route.js';
import { describeServer, readPostgresUrl } from '../urls/postgres-url.js';
import { print, withApp } from './with-app.js';

export function addGrants(program: Command): void {
  program
    .command('grants')
    .description(
      'Print the SQL statements that give the provisioner and the services their privileges, for an administrator.',
    )
    .option('--module <name>', 'only this module; default: the registry and all modules')
    .option('--json', 'print a JSON array, one element per database')
    .action(printGrants);
}

async function printGrants(options: { module?: string; json?: true }): Promise<void> {
  await withApp(async (app, caller) => {
    authorize(caller, 'readRegistry');
    const { places, embedded, unusable } = await listPlaces(app, options.module);
    const registry = options.module === undefined ? [planRegistryGrants(await registryPlace(app))] : [];
    const grants = [...registry, ...planGrants(places)];
    if (options.json) return print(JSON.stringify(grants));
    for (const module of embedded)
      print(`-- Module ${module}: in the embedded PostgreSQL, where no grants are needed.`);
    for (const { module, problem } of unusable) print(`-- Module ${module} is not ready: ${problem}.`);
    for (const database of grants) print(format(database));
  });
}

async function registryPlace({ config, embedded }: App): Promise<{ server: string; database: string }> {
  const text = config.databaseUrl ?? (await embedded?.databaseUrl(registryName));
  const target = readPostgresUrl(text ?? '');
  return { server: describeServer(target), database: target.database };
}

/** For URLs without a user, whose role depends on the connecting machine. */
const defaultProvisioner = 'tenant_registry';

async function listPlaces(app: App, only: string | undefined) {
  const all = await listModules(app.database);
  const modules = all.filter(({ name }) => only === undefined || name === only);
  if (only !== undefined && modules.length === 0) throw moduleNotFound(only);
  const places: GrantTarget[] = [];
  const embedded: string[] = [];
  const unusable: { module: string; problem: string }[] = [];
  for (const { name, databaseRef, isolation, subscriptions } of modules) {
    const problem = app.serviceDatabases.findProblem(databaseRef);
    const configured = app.serviceDatabases.configuredServer(databaseRef);
    if (problem !== undefined) unusable.push({ module: name, problem });
    else if (!configured) embedded.push(name);
    else
      places.push({
        module: name,
        server: configured.server,
        // The database that provisioning connects to; the module's row may still have the name from before the variable was set.
        database: app.serviceDatabases.configuredName(databaseRef) ?? '',
        provisioner: configured.user ?? defaultProvisioner,
        reader: configured.reader,
        hasDatabases: isolations.some(
          (kind) => storageNaming[kind].hasOwnDatabase && (isolation === kind || subscriptions[kind] > 0),
        ),
      });
  }
  return { places, embedded, unusable };
}

function format({ server, database, modules, statements }: DatabaseGrants): string {
  const purpose = modules.length === 0 ? 'the registry itself' : `modules: ${modules.join(', ')}`;
  return [
    `-- Server ${server}, in database ${database}, as an administrator (${purpose})`,
    ...statements,
    '',
  ].join('\n');
}
