import { forEachAtOnce } from '../../../at-once.js';
import type { CommandContext } from '../../../registry/command.js';
import type { Isolation } from '../../../registry/modules/isolation.js';
import { hasGuardTable } from '../../fence/guard.js';
import type { AppliedMigration } from '../../fence/schema-version.js';
import { hasMigratableStorage } from '../rollout-tenants.js';
import { stateOf } from '../tenants/file-failure.js';
import { readStorage, type StorageState } from '../tenants/storage-state.js';

/** A tenant of a module with storage that rollouts migrate. */
export interface RegisteredTenant {
  tenantId: string;
  slug: string;
  isolation: Isolation;
  databaseName: string;
  schemaName: string;
  version: string | null;
}

/** Tenants whose schemas have the same files. */
export interface VersionGroup {
  applied: AppliedMigration[];
  /** Tenants for which the schemas were made, by schema. */
  owners: Map<string, string>;
}

/** All tenants of the module that rollouts migrate, by slug. */
export async function listRegisteredTenants(
  { database }: CommandContext,
  moduleName: string,
): Promise<RegisteredTenant[]> {
  const { rows } = await database.query(
    `SELECT tenant_id AS "tenantId", slug, upper(isolation::text) AS isolation, database_name AS "databaseName",
            schema_name AS "schemaName", migration_version AS version
     FROM module_subscriptions AS subscription JOIN tenants AS tenant ON tenant.id = subscription.tenant_id
     WHERE module = $1 AND ${hasMigratableStorage} ORDER BY slug`,
    [moduleName],
  );
  return rows;
}

/** The files that ran in each schema of the module's database, by one query for all schemas. Without a guard there are none. */
export async function readVersionGroups(
  { serviceDatabases }: CommandContext,
  module: { name: string; databaseRef: string; databaseName: string },
): Promise<VersionGroup[]> {
  return serviceDatabases.withConnection(module, async (client) => {
    if (!(await hasGuardTable(client, 'schema_version'))) return [];
    const { rows } = await client.query<[schema: string, tenantId: string, list: string]>({
      text: versionsSql,
      values: [module.name],
      rowMode: 'array',
      types: { getTypeParser: () => (text: string) => text },
    });
    // Thousands of schemas have a few different lists, each of which is parsed once.
    const groups = new Map<string, VersionGroup>();
    for (const [schema, tenantId, list] of rows) {
      const group = groups.get(list) ?? { applied: JSON.parse(list), owners: new Map<string, string>() };
      groups.set(list, group);
      group.owners.set(schema, tenantId);
    }
    return [...groups.values()];
  });
}

/** How many databases of tenants are read at the same time. */
const ownDatabasesAtOnce = 8;

/** The states of the databases of tenants that have one of their own, by tenant. A tenant whose database does not exist has none. */
export async function readOwnDatabases(
  { serviceDatabases }: CommandContext,
  module: { databaseRef: string; databaseName: string },
  tenants: readonly RegisteredTenant[],
): Promise<Map<string, StorageState>> {
  const found = new Map<string, StorageState>();
  const own = tenants.filter(({ isolation }) => isolation === 'DATABASE');
  await forEachAtOnce(own, ownDatabasesAtOnce, async ({ tenantId, databaseName, schemaName }) => {
    const client = await serviceDatabases.connect(module, databaseName).catch((error) => {
      if (stateOf(error) === '3D000') return undefined;
      throw error;
    });
    if (!client) return;
    try {
      found.set(tenantId, await readStorage(client, schemaName));
    } finally {
      await client.end();
    }
  });
  return found;
}

/** Those of the schemas that exist in the module's database. */
export async function listExisting(
  { serviceDatabases }: CommandContext,
  module: { databaseRef: string; databaseName: string },
  schemas: readonly string[],
): Promise<Set<string>> {
  if (schemas.length === 0) return new Set();
  return serviceDatabases.withConnection(module, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'SELECT nspname::text AS name FROM pg_namespace WHERE nspname = ANY ($1)',
      [schemas],
    );
    return new Set(rows.map(({ name }) => name));
  });
}

// A schema that was dropped and made again has another oid.
const versionsSql = `
  SELECT schema_name, tenant_id, json_agg(json_build_object('name', migration, 'checksum', checksum) ORDER BY migration)
  FROM tenant_guard.schema_version AS version
  JOIN pg_namespace AS namespace ON namespace.nspname = version.schema_name AND namespace.oid = version.schema_oid
  WHERE module = $1 GROUP BY schema_name, tenant_id`;
