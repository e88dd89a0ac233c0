import type { CommandContext } from '../../registry/command.js';
import { storageNaming } from '../../registry/modules/isolation.js';
import { compareOperations } from './compare-operations.js';
import { examineCounts } from './count-examination.js';
import type { ExaminationScope } from './examination-scope.js';
import { type ExpectedStorage, expectStorages } from './expected-storage.js';
import type { Observation } from './finding.js';
import { examineModule } from './module-examination.js';
import { readModuleViews } from './module-view.js';
import { type RegistrySnapshot, readRegistrySnapshot } from './registry-snapshot.js';
import { examineReplication } from './replication-examination.js';
import { examineSharedDatabases, examineSharedServers } from './server-examination.js';

export interface Examination {
  /** The storages in scope. */
  storages: ExpectedStorage[];
  observations: Observation[];
}

/** Reads the registry and then everything that it names, once, and compares the two. */
export async function examine(context: CommandContext, scope: ExaminationScope): Promise<Examination> {
  const registry = await readRegistrySnapshot(context.database);
  const all = expectStorages(registry);
  const storages = all.filter((storage) => scope.hasModule(storage.module) && scope.hasTenant(storage));
  // Modules outside the scope are read, too: they may share a database with modules in it.
  const views = await readModuleViews(context.serviceDatabases, registry.modules, ({ name }) => ({
    module: name,
    schemas: storages
      .filter((storage) => storage.module === name && !storageNaming[storage.isolation].hasOwnDatabase)
      .map(({ schemaName }) => schemaName),
  }));
  const observations = examineOperations(registry, scope, storages);
  if (scope.isWhole)
    observations.push(
      ...(await examineCounts(context.database)),
      ...(await examineReplication(context.database)),
    );
  for (const view of views.filter(({ module }) => scope.hasModule(module.name)))
    observations.push(...(await examineModule(context, view, { registry, scope, all })));
  const shared = { registry, scope, all, views };
  observations.push(...examineSharedDatabases(shared), ...examineSharedServers(shared));
  return { storages, observations };
}

function examineOperations(
  registry: RegistrySnapshot,
  scope: ExaminationScope,
  storages: readonly ExpectedStorage[],
): Observation[] {
  const operations = registry.operations.filter((operation) => scope.hasTenant(operation));
  const tenants = registry.tenants.filter(({ id }) => scope.hasTenant({ tenantId: id }));
  return compareOperations({ ...registry, operations, tenants }, storages).filter(
    ({ module }) => module === null || scope.hasModule(module),
  );
}
