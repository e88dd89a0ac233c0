import type { CommandContext } from '../../registry/command.js';
import { hasMigrationsFolder, readModuleMigrations } from '../storage/module-migrations.js';
import { compareGrants, compareGuard, compareGuardAccess } from './compare-database.js';
import { compareOperations } from './compare-operations.js';
import { aboutStorage, compareStorage } from './compare-storage.js';
import { findStaleBinding, findUnknownDatabases, findUnknownSchemas } from './compare-unknown.js';
import type { ModuleFiles } from './compare-version.js';
import { type ExpectedStorage, expectStorages, worksOn } from './expected.js';
import { createObservation, type Observation } from './finding.js';
import { createUnreachable, lookAtModules, lookAtTenantDatabases, type ModuleView } from './look.js';
import { readWanted, type Wanted, type WantedModule } from './wanted.js';

/** What an examination looks at. */
export interface Scope {
  hasModule(name: string): boolean;
  hasTenant(tenant: { tenantId: string | null }): boolean;
  /** Whether all tenants are meant, and with them what belongs to none. */
  isWhole: boolean;
}

export interface Examination {
  wanted: Wanted;
  storages: ExpectedStorage[];
  observations: Observation[];
}

/** One look at the registry and then at everything it names. */
export async function examine(context: CommandContext, scope: Scope): Promise<Examination> {
  const wanted = await readWanted(context.database);
  const all = expectStorages(wanted);
  const storages = all.filter((storage) => scope.hasModule(storage.module) && scope.hasTenant(storage));
  // Also at modules that are not asked for: they may share a database with those that are.
  const views = await lookAtModules(context.serviceDatabases, wanted.modules, ({ name }) => {
    const own = storages.filter((storage) => storage.module === name && !isOwnDatabase(storage));
    const names = own.map(({ schemaName }) => schemaName);
    return { module: name, schemas: names, versioned: names };
  });
  const observations: Observation[] = compareOperations(
    {
      ...wanted,
      operations: wanted.operations.filter((operation) => scope.hasTenant(operation)),
      tenants: wanted.tenants.filter(({ id }) => scope.hasTenant({ tenantId: id })),
    },
    storages,
  ).filter(({ module }) => module === null || scope.hasModule(module));

  for (const view of views.filter(({ module }) => scope.hasModule(module.name))) {
    const { module, found } = view;
    const files = await readFiles(context, module, observations);
    const own = storages.filter((storage) => storage.module === module.name);
    const everybodys = all.filter((storage) => storage.module === module.name);
    if (!found) {
      // In the embedded PostgreSQL a module's database is made when it is first needed.
      const isYetToCome =
        context.serviceDatabases.configuredName(module.databaseRef) === undefined &&
        !everybodys.some(({ provisionedAt }) => provisionedAt);
      if (!isYetToCome)
        observations.push(
          createUnreachable({ module: module.name, database: module.databaseName }, view.problem),
        );
      continue;
    }
    const hasDatabases = module.isolation === 'DATABASE' || everybodys.some(isOwnDatabase);
    observations.push(...compareGrants(module, found.database, { hasDatabases }));
    if (everybodys.some((storage) => !isOwnDatabase(storage) && isShown(storage)))
      observations.push(...compareGuardAccess(found.database, { module: module.name }));

    const { databases } = found.server;
    const inside = await lookAtTenantDatabases(
      context.serviceDatabases,
      own
        .filter((one) => isOwnDatabase(one) && databases.has(one.databaseName))
        .filter(({ presence }) => presence === 'standing' || presence === 'left')
        .map((storage) => ({ module, storage })),
    );
    observations.push(...inside.observations);
    for (const [storage, database] of inside.found) {
      if (!isShown(storage)) continue;
      const about = aboutStorage(storage);
      observations.push(
        ...compareGuard(database, [module.name], about),
        ...compareGuardAccess(database, about),
      );
    }
    for (const storage of own) {
      const isDatabase = isOwnDatabase(storage);
      const seen = {
        stands: isDatabase
          ? databases.has(storage.databaseName)
          : found.database.schemas.has(storage.schemaName),
        found: isDatabase ? inside.found.get(storage) : found.database,
        server: found.server,
      };
      observations.push(...compareStorage(storage, seen, { files, head: wanted }));
      if (storage.presence === 'removed' && !isDatabase)
        observations.push(...findStaleBinding(found.database, storage));
    }
  }
  observations.push(...compareShared(views, all, wanted, scope));
  return { wanted, storages, observations };
}

/** What belongs to a database or a server and not to one module of those that share it. */
function compareShared(
  views: readonly ModuleView[],
  all: readonly ExpectedStorage[],
  wanted: Wanted,
  scope: Scope,
): Observation[] {
  const observations: Observation[] = [];
  // Nobody knows where those are, so they may be anywhere.
  const lost = new Set(views.flatMap(({ module, found }) => (found ? [] : [module.name])));
  const namesOf = (modules: readonly WantedModule[], isolation: string) =>
    all
      .filter((one) => one.isolation === isolation)
      .filter(({ module }) => lost.has(module) || modules.some(({ name }) => name === module));

  for (const sharing of groupBy(views, ({ found }) => found?.database.place)) {
    const modules = sharing.map(({ module }) => module);
    const found = sharing.find((view) => view.found?.database.bindings)?.found ?? sharing[0]?.found;
    if (!found || !modules.some(({ name }) => scope.hasModule(name))) continue;
    const here = namesOf(modules, 'SCHEMA').filter(({ module }) => !lost.has(module));
    const names = modules.map(({ name }) => name);
    if (here.some(isShown))
      observations.push(
        ...compareGuard(found.database, names, { module: names.find(scope.hasModule) ?? null }),
      );
    if (!scope.isWhole) continue;
    const registered = new Set(namesOf(modules, 'SCHEMA').map(({ schemaName }) => schemaName));
    observations.push(...findUnknownSchemas({ modules, found: found.database, registered }));
  }

  if (!scope.isWhole) return observations.filter(({ module }) => module === null || scope.hasModule(module));
  for (const sharing of groupBy(views, ({ found }) => found?.database.server)) {
    const modules = sharing.map(({ module }) => module);
    const server = sharing[0]?.found?.server;
    if (!server) continue;
    const tenants = namesOf(modules, 'DATABASE');
    const registered = new Set([
      wanted.database,
      ...tenants.map(({ databaseName }) => databaseName),
      ...views.flatMap(({ module, found }) => [module.databaseName, found?.database.database ?? '']),
    ]);
    const giving = modules.filter(
      ({ name, isolation }) => isolation === 'DATABASE' || tenants.some(({ module }) => module === name),
    );
    const isBeingBuilt = (name: string) =>
      all.some(
        (storage) =>
          storage.databaseName === name &&
          wanted.operations.some(
            (operation) => operation.status !== 'needs_attention' && worksOn(operation, storage),
          ),
      );
    const { databaseNames } = wanted;
    observations.push(
      ...findUnknownDatabases({ server, modules: giving, registered, databaseNames, isBeingBuilt }),
    );
  }
  return observations.filter(({ module }) => module === null || scope.hasModule(module));
}

async function readFiles(
  context: CommandContext,
  { name, migrationsFolder, databaseName }: WantedModule,
  observations: Observation[],
): Promise<ModuleFiles> {
  const hasFolder = await hasMigrationsFolder(context.modulesDir, migrationsFolder);
  if (!hasFolder)
    observations.push(
      createObservation(
        'MODULE_WITHOUT_MIGRATIONS',
        { module: name, database: databaseName },
        {
          problem: `Module ${name} has no folder ${migrationsFolder} in MODULES_DIR (${context.modulesDir}): its tenants get no tables of its own.`,
          remedy: `Add the folder with its SQL files, or name another one with updateModule(input: { name: "${name}", migrationsFolder: … }).`,
        },
      ),
    );
  return { hasFolder, migrations: await readModuleMigrations(context.modulesDir, migrationsFolder) };
}

function isOwnDatabase({ isolation }: ExpectedStorage): boolean {
  return isolation === 'DATABASE';
}

/** Whether somebody may have been shown the way in. */
function isShown({ presence, provisionedAt }: ExpectedStorage): boolean {
  return presence === 'standing' && provisionedAt !== null;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string | undefined): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups.values()];
}
