import type { CommandContext } from '../../registry/command.js';
import { storageNaming } from '../../registry/modules/isolation.js';
import { findMissingFolder, readModuleMigrations } from '../storage/module-migrations.js';
import { storageKinds } from '../storage/storage-kind.js';
import { compareGrants, compareGuard, compareGuardAccess } from './compare-database.js';
import { aboutStorage, compareStorage } from './compare-storage.js';
import { findStaleBinding } from './compare-unknown.js';
import type { ModuleFiles } from './compare-version.js';
import type { ExaminationScope } from './examination-scope.js';
import { type ExpectedStorage, hasRoute } from './expected-storage.js';
import { createObservation, type Observation } from './finding.js';
import type { FoundDatabase, FoundServer } from './found-database.js';
import { createUnreachable, type ModuleView, readTenantDatabases } from './module-view.js';
import type { RegisteredModule, RegistrySnapshot } from './registry-snapshot.js';
import { findComparable } from './structure/comparable-storage.js';
import { examineStructures } from './structure/structure-examination.js';

interface Expected {
  registry: RegistrySnapshot;
  scope: ExaminationScope;
  /** Every storage of the registry, in scope or not. */
  all: readonly ExpectedStorage[];
}

type ReachedModule = ModuleView & { found: { database: FoundDatabase; server: FoundServer } };

/** Compares one module's database, and the storages in scope, with the registry. */
export async function examineModule(
  context: CommandContext,
  view: ModuleView,
  { registry, scope, all }: Expected,
): Promise<Observation[]> {
  const { module } = view;
  const { files, observations } = await readFiles(context, module);
  const ofModule = all.filter((storage) => storage.module === module.name);
  if (!isReached(view)) return [...observations, ...findUnreachable(context, view, ofModule, scope)];
  const inScope = ofModule.filter((storage) => scope.hasTenant(storage));
  const tenantDatabases = await readTenantDatabases(
    context.serviceDatabases,
    inScope.filter((storage) => mustRead(storage, view)).map((storage) => ({ module, storage })),
  );
  return [
    ...observations,
    ...examineModuleDatabase(view, ofModule),
    ...tenantDatabases.observations,
    ...[...tenantDatabases.found].flatMap(([storage, database]) => examineTenantGuard(storage, database)),
    ...inScope.flatMap((storage) =>
      examineStorage(storage, view, tenantDatabases.found.get(storage), { files, head: registry }),
    ),
    ...(await examineStructuresOf(context, view, {
      scope,
      files,
      storages: inScope,
      tenantDatabases: tenantDatabases.found,
    })),
  ];
}

/** Where the scope asks for it: structures of storages that are what the registry expects, at a version whose files are known. */
async function examineStructuresOf(
  context: CommandContext,
  { module, found }: ReachedModule,
  of: {
    scope: ExaminationScope;
    files: ModuleFiles;
    storages: readonly ExpectedStorage[];
    tenantDatabases: ReadonlyMap<ExpectedStorage, FoundDatabase>;
  },
): Promise<Observation[]> {
  const { references, skipped } = of.scope;
  if (!references) return [];
  const comparable = of.storages.flatMap((storage) => {
    const { hasOwnDatabase } = storageNaming[storage.isolation];
    const database = hasOwnDatabase ? of.tenantDatabases.get(storage) : found.database;
    return (database && findComparable(storage, database, of.files)) ?? [];
  });
  return examineStructures(
    context,
    { module, access: found.database.access, references, skipped },
    comparable,
  );
}

function isReached(view: ModuleView): view is ReachedModule {
  return view.found !== undefined;
}

function findUnreachable(
  context: CommandContext,
  { module, problem }: ModuleView,
  storages: readonly ExpectedStorage[],
  { namesModules }: ExaminationScope,
): Observation[] {
  const { serviceDatabases } = context;
  const isUsed = storages.some(({ provisionedAt }) => provisionedAt);
  const unusable = serviceDatabases.findProblem(module.databaseRef);
  // Shipped modules that an installation does not use are reported only when it asks about them.
  if (unusable !== undefined)
    return isUsed || namesModules ? [createNotReady(module, unusable, { isUsed })] : [];
  // The embedded PostgreSQL creates a module's database when the module is first used.
  const isEmbedded = serviceDatabases.configuredName(module.databaseRef) === undefined;
  if (isEmbedded && !isUsed) return [];
  return [createUnreachable({ module: module.name, database: module.databaseName }, problem)];
}

/** A module without tenants may have no database: a warning. */
function createNotReady(
  { name, databaseName }: RegisteredModule,
  problem: string,
  { isUsed }: { isUsed: boolean },
): Observation {
  return createObservation(
    isUsed ? 'MODULE_NOT_READY' : 'MODULE_NOT_CONFIGURED',
    { module: name, database: databaseName },
    {
      problem: `Module ${name} is not ready${isUsed ? ', and its tenants were not examined' : ''}: its database is not configured.`,
      remedy: `${problem.charAt(0).toUpperCase()}${problem.slice(1)}; then run doctor again.`,
    },
  );
}

function examineModuleDatabase(
  { module, found }: ReachedModule,
  storages: readonly ExpectedStorage[],
): Observation[] {
  const hasDatabases = [module, ...storages].some(({ isolation }) => storageNaming[isolation].hasOwnDatabase);
  const holdsTenants = storages.some(
    (storage) => !storageNaming[storage.isolation].hasOwnDatabase && hasRoute(storage),
  );
  return [
    ...compareGrants(module, found.database, { hasDatabases }),
    ...(holdsTenants ? compareGuardAccess(found.database, { module: module.name }) : []),
  ];
}

/** Whether to read the tenant's own database: it exists, and the registry expects something of it. */
function mustRead(storage: ExpectedStorage, { found }: ReachedModule): boolean {
  return (
    storageNaming[storage.isolation].hasOwnDatabase &&
    found.server.databases.has(storage.databaseName) &&
    (storage.presence === 'required' || storage.presence === 'leftover')
  );
}

function examineTenantGuard(storage: ExpectedStorage, database: FoundDatabase): Observation[] {
  if (!hasRoute(storage)) return [];
  const about = aboutStorage(storage);
  return [...compareGuard(database, [storage.module], about), ...compareGuardAccess(database, about)];
}

function examineStorage(
  storage: ExpectedStorage,
  { found }: ReachedModule,
  tenantDatabase: FoundDatabase | undefined,
  rules: { files: ModuleFiles; head: RegistrySnapshot },
): Observation[] {
  const { database, server } = found;
  const { hasOwnDatabase } = storageNaming[storage.isolation];
  const names = { databases: server.databases, schemas: database.schemas };
  const facts = {
    exists: storageKinds[storage.isolation].isListed(names, storage),
    database: hasOwnDatabase ? tenantDatabase : database,
    server,
  };
  const isInModuleDatabase = storage.presence === 'removed' && !hasOwnDatabase;
  return [
    ...compareStorage(storage, facts, rules),
    ...(isInModuleDatabase ? findStaleBinding(database, storage) : []),
  ];
}

async function readFiles(
  context: CommandContext,
  module: RegisteredModule,
): Promise<{ files: ModuleFiles; observations: Observation[] }> {
  const { name, migrationsFolder, databaseName } = module;
  const missing = await findMissingFolder(context.modulesDir, module);
  const migrations = await readModuleMigrations(context.modulesDir, migrationsFolder);
  const place = { module: name, database: databaseName };
  return {
    files: { hasFolder: missing === undefined, migrations },
    observations: missing ? [createObservation('MODULE_WITHOUT_MIGRATIONS', place, missing)] : [],
  };
}
