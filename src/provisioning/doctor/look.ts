import type { ServiceDatabases } from '../../database/service-databases.js';
import { messageOf } from '../../errors.js';
import type { ExpectedStorage } from './expected.js';
import { createObservation, type Observation } from './finding.js';
import { type FoundDatabase, type FoundServer, lookAtServer, lookInto, type Questions } from './found.js';
import { makeReadOnly } from './session.js';
import type { WantedModule } from './wanted.js';

/** What a module's variable leads to; undefined: nowhere, at this moment. */
export interface ModuleView {
  module: WantedModule;
  found: { database: FoundDatabase; server: FoundServer } | undefined;
  problem: unknown;
}

/** How many tenants' own databases are looked into at once. */
const tenantDatabasesAtOnce = 8;

export async function lookAtModules(
  databases: ServiceDatabases,
  modules: readonly WantedModule[],
  questionsOf: (module: WantedModule) => Questions,
): Promise<ModuleView[]> {
  return Promise.all(
    modules.map(async (module): Promise<ModuleView> => {
      try {
        const found = await databases.withConnection(module, async (client) => {
          await makeReadOnly(client);
          const server = await lookAtServer(client);
          return { server, database: await lookInto(client, questionsOf(module)) };
        });
        return { module, found, problem: undefined };
      } catch (problem) {
        return { module, found: undefined, problem };
      }
    }),
  );
}

/** Looks into tenants' own databases, each on a connection of its own; one that can't be looked into is a finding. */
export async function lookAtTenantDatabases(
  databases: ServiceDatabases,
  storages: readonly { module: WantedModule; storage: ExpectedStorage }[],
): Promise<{ found: Map<ExpectedStorage, FoundDatabase>; observations: Observation[] }> {
  const found = new Map<ExpectedStorage, FoundDatabase>();
  const observations: Observation[] = [];
  const waiting = storages.values();
  const lookAtNext = async () => {
    for (const { module, storage } of waiting) {
      const { tenantId, tenantSlug, databaseName: database, schemaName: schema, asOf } = storage;
      try {
        const client = await databases.connect(module, database);
        try {
          await makeReadOnly(client);
          const questions = { module: module.name, schemas: [schema], versioned: [schema] };
          found.set(storage, await lookInto(client, questions));
        } finally {
          await client.end();
        }
      } catch (error) {
        const about = { tenantId, tenantSlug, module: module.name, database, asOf };
        observations.push(createUnreachable(about, error));
      }
    }
  };
  await Promise.all(Array.from({ length: tenantDatabasesAtOnce }, lookAtNext));
  return { found, observations };
}

export function createUnreachable(
  about: { module: string; database: string; tenantId?: string; tenantSlug?: string; asOf?: string },
  error: unknown,
): Observation {
  const { module, database } = about;
  return createObservation('DATABASE_UNREACHABLE', about, {
    problem: `Database ${database} of module ${module} could not be looked into: ${messageOf(error)}.`,
    remedy: `See that its server runs and that the variable of module ${module} names it with a role that may log in, then run doctor again.`,
  });
}
