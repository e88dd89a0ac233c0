import { storageNaming } from '../../registry/modules/isolation.js';
import { compareGuard } from './compare-database.js';
import { findUnknownDatabases, findUnknownSchemas } from './compare-unknown.js';
import type { ExaminationScope } from './examination-scope.js';
import { type ExpectedStorage, hasRoute, worksOn } from './expected-storage.js';
import type { Observation } from './finding.js';
import type { ModuleView } from './module-view.js';
import type { RegisteredModule, RegistrySnapshot } from './registry-snapshot.js';

/** Several modules may share a database or a server; these findings belong to the whole, not to one of them. */
interface Shared {
  registry: RegistrySnapshot;
  scope: ExaminationScope;
  all: readonly ExpectedStorage[];
  views: readonly ModuleView[];
}

/** The guard of each module database, and schemas in it that no subscription names. */
export function examineSharedDatabases(shared: Shared): Observation[] {
  const { scope, views } = shared;
  const unreachable = unreachableModules(views);
  const observations: Observation[] = [];
  for (const sharing of groupBy(views, ({ found }) => found?.database.databaseId)) {
    const modules = sharing.map(({ module }) => module);
    // Sessions may differ in what they can read; prefer one that reads the bindings.
    const found = sharing.find((view) => view.found?.database.bindings)?.found ?? sharing[0]?.found;
    if (!found || !modules.some(({ name }) => scope.hasModule(name))) continue;
    const storages = storagesOf(shared, modules, { hasOwnDatabase: false });
    const names = modules.map(({ name }) => name);
    if (storages.some((storage) => hasRoute(storage) && !unreachable.has(storage.module)))
      observations.push(
        ...compareGuard(found.database, names, { module: names.find(scope.hasModule) ?? null }),
      );
    if (!scope.isWhole) continue;
    const registered = new Set(storages.map(({ schemaName }) => schemaName));
    observations.push(...findUnknownSchemas({ modules, found: found.database, registered }));
  }
  return observations.filter(({ module }) => module === null || scope.hasModule(module));
}

/** Databases on each server that no subscription names. */
export function examineSharedServers(shared: Shared): Observation[] {
  const { registry, scope, all, views } = shared;
  if (!scope.isWhole) return [];
  const isBeingBuilt = (databaseName: string) =>
    all.some(
      (storage) =>
        storage.databaseName === databaseName &&
        registry.operations.some(
          (operation) => operation.status !== 'needs_attention' && worksOn(operation, storage),
        ),
    );
  const observations: Observation[] = [];
  for (const sharing of groupBy(views, ({ found }) => found?.database.serverId)) {
    const server = sharing[0]?.found?.server;
    if (!server) continue;
    const storages = storagesOf(
      shared,
      sharing.map(({ module }) => module),
      { hasOwnDatabase: true },
    );
    const registered = new Set([
      registry.database,
      ...storages.map(({ databaseName }) => databaseName),
      ...views.flatMap(({ module, found }) => [module.databaseName, found?.database.database ?? '']),
    ]);
    const modules = sharing
      .map(({ module }) => module)
      .filter(
        ({ name, isolation }) =>
          storageNaming[isolation].hasOwnDatabase || storages.some(({ module }) => module === name),
      );
    const { databaseNames } = registry;
    observations.push(...findUnknownDatabases({ server, modules, registered, databaseNames, isBeingBuilt }));
  }
  return observations.filter(({ module }) => module === null || scope.hasModule(module));
}

/** Storages of the modules, and of unreachable modules: those may be anywhere. */
function storagesOf(
  { all, views }: Shared,
  modules: readonly RegisteredModule[],
  { hasOwnDatabase }: { hasOwnDatabase: boolean },
): ExpectedStorage[] {
  const unreachable = unreachableModules(views);
  return all
    .filter(({ isolation }) => storageNaming[isolation].hasOwnDatabase === hasOwnDatabase)
    .filter(({ module }) => unreachable.has(module) || modules.some(({ name }) => name === module));
}

function unreachableModules(views: readonly ModuleView[]): Set<string> {
  return new Set(views.flatMap(({ module, found }) => (found ? [] : [module.name])));
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string | undefined): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups.values()];
}
