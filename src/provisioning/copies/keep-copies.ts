import type { Module } from '../../database/generated/prisma/client.js';
import { messageOf } from '../../errors.js';
import type { CommandContext } from '../../registry/command.js';
import { isolations } from '../../registry/isolation.js';
import { readModuleMigrations } from '../storage/module-migrations.js';
import { storageKinds } from '../storage/storage-kind.js';
import { installCopy } from './migration-copy.js';

/** What became of a module's copy. */
export interface RenewedCopy {
  module: string;
  /** Procedures that could not be made, because somebody else has one of that name. */
  foreign: string[];
  error: unknown;
}

type CopiedFrom = Pick<Module, 'name' | 'databaseRef' | 'databaseName' | 'migrationsFolder'>;

/**
 * Copies the migrations of modules into the databases that their variables name, side by side. Failures are part of the
 * answer: one that is down keeps no other waiting. Databases in the embedded PostgreSQL get theirs as they are first used.
 */
export async function renewCopies(
  context: CommandContext,
  options: { force?: boolean; modules?: readonly CopiedFrom[] } = {},
): Promise<RenewedCopy[]> {
  const modules = options.modules ?? (await listCopied(context));
  return Promise.all(
    modules.map(async (module) => {
      try {
        return { module: module.name, foreign: await renewCopy(context, module, options), error: undefined };
      } catch (error) {
        return { module: module.name, foreign: [], error };
      }
    }),
  );
}

/** One module's copy; see installCopy. */
export async function renewCopy(
  { serviceDatabases, modulesDir }: CommandContext,
  { name, migrationsFolder, ...reference }: CopiedFrom,
  options: { force?: boolean } = {},
): Promise<string[]> {
  const migrations = await readModuleMigrations(modulesDir, migrationsFolder);
  const { databaseName } = reference;
  return serviceDatabases.withConnection(reference, (client) =>
    installCopy(client, { module: name, databaseName, migrations }, options),
  );
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

/** How often everything is looked at anew: MODULES_DIR may have changed, or a database be back. */
const wholeLookEveryMs = 60_000;

/** Keeps copies as they should be; each call looks what there is to do. Modules that are new or changed come at once. */
export function createCopyKeeper(signal: AbortSignal): (context: CommandContext) => Promise<void> {
  const known = new Map<string, string>();
  const said = new Set<string>();
  let lookedAt = Number.NEGATIVE_INFINITY;

  return async (context) => {
    if (performance.now() - lookedAt >= wholeLookEveryMs) {
      known.clear();
      lookedAt = performance.now();
    }
    const changed = (await listCopied(context)).filter(
      (module) => known.get(module.name) !== JSON.stringify(module),
    );
    for (const module of changed) known.set(module.name, JSON.stringify(module));
    for (const { module, foreign, error } of await renewCopies(context, { modules: changed })) {
      const problem = problemOf({ module, foreign, error });
      // Once, and not each minute; whoever stops closes connections under it.
      if (problem === undefined || said.has(problem) || signal.aborted) continue;
      said.add(problem);
      context.log.warn({ module, err: error }, problem);
    }
  };
}

/** In words for operators; undefined: all is well. */
export function problemOf({ module, foreign, error }: RenewedCopy): string | undefined {
  if (error !== undefined)
    return `services can't make schemas of module ${module} by SQL: ${messageOf(error)}`;
  if (foreign.length === 0) return undefined;
  const names = foreign.map((name) => `public.${name}`).join(', ');
  return `${names} of module ${module} was made by somebody else and is left as it is: rename or drop it for the registry's own`;
}
