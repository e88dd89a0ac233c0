import { escapeLiteral } from 'pg';
import { identifier } from '../../database/identifier.js';
import { buildingName } from '../storage/database-storage.js';
import { createObservation, type Observation } from './finding.js';
import type { FoundDatabase, FoundServer } from './found-database.js';
import type { RegisteredModule } from './registry-snapshot.js';

/** One database, with all modules that keep tenants in it. */
export interface SharedDatabase {
  modules: readonly RegisteredModule[];
  found: FoundDatabase;
  /** Schemas that subscriptions of any status name there. */
  registered: ReadonlySet<string>;
}

/** Finds schemas that have a module's prefix or a binding but no subscription. Other schemas are none of the registry's business. */
export function findUnknownSchemas({ modules, found, registered }: SharedDatabase): Observation[] {
  const { database, schemas, bindings } = found;
  const observations: Observation[] = [];
  const names = new Set([...schemas.keys(), ...(bindings?.keys() ?? [])]);
  for (const name of names) {
    if (registered.has(name)) continue;
    const binding = bindings?.get(name);
    const module = binding?.owner.module ?? moduleOf(name, modules);
    if (module === undefined) continue;
    const about = { tenantId: binding?.owner.tenantId ?? null, module, database, schema: name };
    const forget = `DELETE FROM tenant_guard.binding WHERE schema_name = ${escapeLiteral(name)}`;
    const bound = binding ? `; it is bound (${binding.state}) to tenant ${binding.owner.tenantId}` : '';
    if (schemas.has(name))
      observations.push(
        createObservation('SCHEMA_WITHOUT_ROW', about, {
          problem: `Schema ${name} exists in database ${database}, but no subscription names it${bound}.`,
          remedy: `Register it with tenant-registry import databases --module ${module}, or, if its data is not needed, in database ${database} DROP SCHEMA ${identifier(name)} CASCADE${binding ? `; ${forget}` : ''}.`,
        }),
      );
    else
      observations.push(
        createObservation('BINDING_LEFT_BEHIND', about, {
          problem: `The guard of database ${database} has a binding for schema ${name}, which does not exist and which no subscription names.`,
          remedy: `In database ${database} ${forget}.`,
        }),
      );
  }
  return observations;
}

/** Finds the binding of a schema that the registry removed. */
export function findStaleBinding(
  found: FoundDatabase,
  storage: { schemaName: string; tenantId: string; tenantSlug: string; module: string; asOf: string },
): Observation[] {
  const { schemaName: schema, tenantId, tenantSlug, module, asOf } = storage;
  if (found.schemas.has(schema) || !found.bindings?.has(schema)) return [];
  const { database } = found;
  return [
    createObservation(
      'BINDING_LEFT_BEHIND',
      { tenantId, tenantSlug, module, database, schema, asOf },
      {
        problem: `The guard of database ${database} still has a binding for schema ${schema}, which was removed.`,
        remedy: `In database ${database} DELETE FROM tenant_guard.binding WHERE schema_name = ${escapeLiteral(schema)}.`,
      },
    ),
  ];
}

/** One server, with the databases that the registry knows there. */
export interface SharedServer {
  server: FoundServer;
  /** Modules that create a database per tenant there. */
  modules: readonly RegisteredModule[];
  /** Names of databases of tenants, of modules and of the registry itself. */
  registered: ReadonlySet<string>;
  /** Names issued for tenant databases: an unfinished one exists under its building name. */
  databaseNames: readonly string[];
  isBeingBuilt(databaseName: string): boolean;
}

export function findUnknownDatabases(shared: SharedServer): Observation[] {
  const { server, modules, registered, databaseNames, isBeingBuilt } = shared;
  const observations: Observation[] = [];
  for (const name of server.databases.keys()) {
    const module = registered.has(name) ? undefined : moduleOf(name, modules);
    if (module === undefined) continue;
    observations.push(
      createObservation(
        'DATABASE_WITHOUT_ROW',
        { module, database: name },
        {
          problem: `Database ${name} exists on the server of module ${module}, but no subscription names it.`,
          remedy: `Register it with tenant-registry import databases --module ${module}, or, if its data is not needed, DROP DATABASE ${identifier(name)}.`,
        },
      ),
    );
  }
  for (const databaseName of databaseNames) {
    const building = buildingName(databaseName);
    if (!server.databases.has(building) || isBeingBuilt(databaseName)) continue;
    observations.push(
      createObservation(
        'BUILDING_LEFT_BEHIND',
        { database: building },
        {
          problem: `Database ${building} is an unfinished ${databaseName}, left by an attempt that was killed.`,
          remedy: `DROP DATABASE ${identifier(building)} WITH (FORCE).`,
        },
      ),
    );
  }
  return observations;
}

/** The module whose prefix the name starts with; the longest prefix when several match. */
function moduleOf(name: string, modules: readonly RegisteredModule[]): string | undefined {
  const [module] = modules
    .filter(({ schemaPrefix }) => name.startsWith(schemaPrefix))
    .sort((one, other) => other.schemaPrefix.length - one.schemaPrefix.length);
  return module?.name;
}
