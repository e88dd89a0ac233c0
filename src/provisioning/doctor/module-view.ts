import type { ServiceDatabases } from '../../database/service-databases.js';
import { messageOf } from '../../errors.js';
import type { ExpectedStorage } from './expected-storage.js';
import { createObservation, type Observation } from './finding.js';
import {
  type FoundDatabase,
  type FoundServer,
  readDatabase,
  readServer,
  type SchemaSelection,
} from './found-database.js';
import type { RegisteredModule } from './registry-snapshot.js';
import { makeReadOnly } from './session.js';

/** The database and server of a module; `found` is undefined, and `problem` the error, when they could not be read. */
export interface ModuleView {
  module: RegisteredModule;
  found: { database: FoundDatabase; server: FoundServer } | undefined;
  problem: unknown;
}

/** How many tenant databases are read at the same time. */
const tenantDatabasesAtOnce = 8;

export async function readModuleViews(
  databases: ServiceDatabases,
  modules: readonly RegisteredModule[],
  select: (module: RegisteredModule) => SchemaSelection,
): Promise<ModuleView[]> {
  return Promise.all(
    modules.map(async (module): Promise<ModuleView> => {
      try {
        const provisioner = provisionerOf(databases, module);
        const found = await databases.readers.withConnection(module, async (client) => {
          await makeReadOnly(client);
          const server = await readServer(client, provisioner);
          return { server, database: await readDatabase(client, select(module), provisioner) };
        });
        return { module, found, problem: undefined };
      } catch (problem) {
        return { module, found: undefined, problem };
      }
    }),
  );
}

/** Reads tenant databases, each on its own connection. A database that cannot be read becomes a finding. */
export async function readTenantDatabases(
  databases: ServiceDatabases,
  storages: readonly { module: RegisteredModule; storage: ExpectedStorage }[],
): Promise<{ found: Map<ExpectedStorage, FoundDatabase>; observations: Observation[] }> {
  const found = new Map<ExpectedStorage, FoundDatabase>();
  const observations: Observation[] = [];
  const waiting = storages.values();
  const readWaiting = async () => {
    for (const { module, storage } of waiting) {
      const { tenantId, tenantSlug, databaseName: database, schemaName: schema, asOf } = storage;
      try {
        const client = await databases.readers.connect(module, database);
        try {
          await makeReadOnly(client);
          const selection = { module: module.name, schemas: [schema] };
          found.set(storage, await readDatabase(client, selection, provisionerOf(databases, module)));
        } finally {
          await client.end();
        }
      } catch (error) {
        const about = { tenantId, tenantSlug, module: module.name, database, asOf };
        observations.push(createUnreachable(about, error));
      }
    }
  };
  await Promise.all(Array.from({ length: tenantDatabasesAtOnce }, readWaiting));
  return { found, observations };
}

/** The role whose rights are examined; undefined when the sessions are its own, or the URL names no role. */
function provisionerOf(databases: ServiceDatabases, { databaseRef }: RegisteredModule): string | undefined {
  const configured = databases.configuredServer(databaseRef);
  return configured?.reader === undefined ? undefined : configured.user || undefined;
}

export function createUnreachable(
  about: { module: string; database: string; tenantId?: string; tenantSlug?: string; asOf?: string },
  error: unknown,
): Observation {
  const { module, database } = about;
  return createObservation('DATABASE_UNREACHABLE', about, {
    problem: `Database ${database} of module ${module} could not be read: ${messageOf(error)}.`,
    remedy: `Check that its server runs and that the variable of module ${module} holds its URL with a role that may log in; then run doctor again.`,
  });
}
