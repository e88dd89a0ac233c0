import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Command } from 'commander';
import type { App } from '../app.js';
import { authorize } from '../auth/permissions.js';
import { identifier } from '../database/identifier.js';
import { invalidField, RegistryError } from '../errors.js';
import { requireTenantOverview } from '../profile/tenant-overview.js';
import { listModules } from '../registry/modules/module-record.js';
import { libpqUrl, readPostgresUrl, withDatabase } from '../urls/postgres-url.js';
import { withApp } from './with-app.js';

export function addPsql(program: Command): void {
  program
    .command('psql <module> [arguments...]')
    .description('Open psql on the database of a module, or of one of its tenants.')
    .option('--tenant <tenant>', 'the tenant, by id, slug or external id, whose schema is the search_path')
    .addHelpText('after', explanation)
    .action(openPsql);
}

const explanation = `
It connects with the URL of the module’s variable, or to the embedded PostgreSQL on whichever port that has. --tenant needs a URL
without PgBouncer, such as <MODULE>_DB_DIRECT_URL. Arguments after -- are
those of psql. Examples:

  tenant-registry psql finance
  tenant-registry psql finance --tenant acme-corp -- -c '\\dt'`;

async function openPsql(module: string, args: string[], { tenant }: { tenant?: string }): Promise<void> {
  await withApp(
    async (app, caller) => {
      authorize(caller, 'readRegistry');
      const place = await findPlace(app, module, tenant);
      process.exitCode = await runPsql(place, args);
    },
    { readOnly: true },
  );
}

interface Place {
  url: string;
  schema: string | undefined;
}

async function findPlace(
  { database, serviceDatabases }: App,
  module: string,
  tenant?: string,
): Promise<Place> {
  const found = (await listModules(database)).find(({ name }) => name === module);
  if (!found)
    throw new RegistryError(
      'MODULE_NOT_FOUND',
      `There is no module "${module}" in the catalogue: correct the name`,
    );
  const url = await serviceDatabases.findUrl(found);
  if (tenant === undefined) return { url, schema: undefined };
  const { slug, subscriptions } = await requireTenantOverview(database, tenant);
  const storage = subscriptions.find((one) => one.module === module);
  if (!storage?.schemaName)
    throw invalidField(
      '--tenant',
      `${slug} has no storage for ${module}: "tenant-registry tenant show ${slug}" lists its modules`,
    );
  const { databaseName, schemaName } = storage;
  return { url: databaseName ? withDatabase(url, databaseName) : url, schema: schemaName };
}

/** In the URL, whose options have precedence over PGOPTIONS. The last of several settings counts. */
function withSearchPath(given: string | undefined, schema: string): string {
  const path = `-c search_path=${identifier(schema).replace(/[\\ ]/g, '\\$&')}`;
  return [given, path].filter(Boolean).join(' ');
}

/** Returns the exit code of psql. The password goes by the environment, where other users do not see it. */
async function runPsql({ url, schema }: Place, args: readonly string[]): Promise<number> {
  const { password, options } = readPostgresUrl(url);
  const target = libpqUrl(url, schema === undefined ? options : withSearchPath(options, schema));
  const child = spawn('psql', [target, ...args], {
    stdio: 'inherit',
    env: {
      ...process.env,
      ...(password !== undefined && { PGPASSWORD: password }),
    },
  });
  // Ctrl-C cancels a statement in psql, and does not end this process.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error('psql is not installed: install the client programs of PostgreSQL (postgresql-client)');
  } finally {
    process.off('SIGINT', ignore);
  }
}
