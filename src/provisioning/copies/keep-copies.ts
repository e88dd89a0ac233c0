import type { ClientBase } from 'pg';
import type { Module } from '../../database/generated/prisma/client.js';
import { messageOf } from '../../errors.js';
import type { CommandContext } from '../../registry/command.js';
import { isolations } from '../../registry/modules/isolation.js';
import { readModuleMigrations } from '../storage/module-migrations.js';
import { markRanBefore, requireAllowed } from '../storage/refused-files.js';
import { storageKinds } from '../storage/storage-kind.js';
import { installCopy } from './migration-copy.js';

/** The result of renewing a module's copy. */
export interface RenewedCopy {
  module: string;
  /** Procedures that could not be created, because others have made a routine of that name. */
  foreign: string[];
  /** The role of the module's variable, when it is a superuser. */
  superuser: string | undefined;
  error: unknown;
}

type CopiedFrom = Pick<Module, 'name' | 'databaseRef' | 'databaseName' | 'migrationsFolder'>;

/**
 * Copies the migrations of modules into their databases, in parallel. Failures are returned, not thrown: a database that is down
 * does not delay the others. Databases in the embedded PostgreSQL get their copy when they are first used.
 */
export async function renewCopies(
  context: CommandContext,
  options: { force?: boolean; modules?: readonly CopiedFrom[] } = {},
): Promise<RenewedCopy[]> {
  const modules = options.modules ?? (await listCopied(context));
  return Promise.all(
    modules.map(async (module) => {
      try {
        return { module: module.name, ...(await renewCopy(context, module, options)), error: undefined };
      } catch (error) {
        return { module: module.name, foreign: [], superuser: undefined, error };
      }
    }),
  );
}

/** Renews one module's copy; see installCopy. */
export async function renewCopy(
  context: CommandContext,
  { name, migrationsFolder, ...reference }: CopiedFrom,
  options: { force?: boolean } = {},
): Promise<Pick<RenewedCopy, 'foreign' | 'superuser'>> {
  const { serviceDatabases, modulesDir } = context;
  const files = await readModuleMigrations(modulesDir, migrationsFolder);
  const migrations = await markRanBefore(context, name, files);
  // The copy before stays, so that services go on creating schemas without the refused file.
  await requireAllowed(migrations);
  const { databaseName } = reference;
  return serviceDatabases.withConnection(reference, async (client) => ({
    foreign: await installCopy(client, { module: name, databaseName, migrations }, options),
    superuser: await findSuperuser(client),
  }));
}

async function findSuperuser(client: ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT rolname AS name FROM pg_roles WHERE rolname = current_user AND rolsuper',
  );
  return rows[0]?.name;
}

async function listCopied({ database, serviceDatabases }: CommandContext): Promise<CopiedFrom[]> {
  const modules = await database.prisma.module.findMany({
    where: {
      isolation: { in: isolations.filter((isolation) => storageKinds[isolation].keepsMigrationCopy) },
    },
    orderBy: { name: 'asc' },
  });
  return modules.filter(({ databaseRef }) => serviceDatabases.configuredName(databaseRef) !== undefined);
}

/** How often all copies are checked, in milliseconds: MODULES_DIR may have changed, or a database may be reachable again. */
const fullCheckEveryMs = 60_000;

/** Returns a function that renews outdated copies. Each call checks new and changed modules, and from time to time all. */
export function createCopyKeeper(signal: AbortSignal): (context: CommandContext) => Promise<void> {
  const known = new Map<string, string>();
  const reported = new Set<string>();
  let checkedAt = Number.NEGATIVE_INFINITY;

  return async (context) => {
    if (performance.now() - checkedAt >= fullCheckEveryMs) {
      known.clear();
      checkedAt = performance.now();
    }
    const changed = (await listCopied(context)).filter(
      (module) => known.get(module.name) !== JSON.stringify(module),
    );
    for (const module of changed) known.set(module.name, JSON.stringify(module));
    for (const renewed of await renewCopies(context, { modules: changed })) {
      const { module, error, superuser } = renewed;
      const warnings = [
        problemOf(renewed),
        superuser === undefined ? undefined : superuserWarning(module, superuser),
      ];
      for (const warning of warnings) {
        // Each problem is logged once. While the process stops, connections are closed, which is no problem.
        if (warning === undefined || reported.has(warning) || signal.aborted) continue;
        reported.add(warning);
        context.log.warn({ module, err: error }, warning);
      }
    }
  };
}

function superuserWarning(module: string, superuser: string): string {
  return `role ${superuser} of module ${module} is a superuser, so code that runs with its rights may do anything on the server: connect as a role with the rights that tenant-registry grants --module ${module} prints`;
}

/** The problem in words for operators; undefined when there is none. */
export function problemOf({ module, foreign, error }: Omit<RenewedCopy, 'superuser'>): string | undefined {
  if (error !== undefined)
    return `services cannot create schemas of module ${module} by SQL: ${messageOf(error)}`;
  if (foreign.length === 0) return undefined;
  const names = foreign.map((name) => `public.${name}`).join(', ');
  return `${names} of module ${module} was not made by the registry and is left as it is: rename or drop it, so that the registry can install its own`;
}
