import type { ClientBase } from 'pg';
import { identifier } from '../../database/identifier.js';
import type { DatabaseReference, ServiceDatabases } from '../../database/service-databases.js';
import { messageOf, RegistryError } from '../../errors.js';
import { type Isolation, storageNaming } from '../../registry/isolation.js';

/** The part of a module's catalogue entry that a scan needs. */
export interface ScannedModule extends DatabaseReference {
  name: string;
  schemaPrefix: string;
  isolation: Isolation;
}

/** One database on one server. Several variables may name it. */
export interface ScannedDatabase {
  /** A key that is the same for every address of the database. */
  key: string;
  modules: ScannedModule[];
  schemas: string[];
  /** Databases on its server; read only for modules with a database per tenant. */
  databases: string[];
}

/** The tenant for which the registry made a schema, from the schema's own version table. */
export interface StorageOwner {
  tenantId: string;
  module: string;
}

/** The registry's own schema in every service database. Its name begins with the prefix of module operations. */
const guardSchema = 'tenant_guard';

/**
 * Scans the databases of all modules. An unreachable database stops the scan when its module is wanted, otherwise it is
 * skipped: the scan would only use it to find competing prefixes.
 */
export async function scanDatabases(
  databases: ServiceDatabases,
  modules: readonly ScannedModule[],
  isWanted: (module: ScannedModule) => boolean,
): Promise<ScannedDatabase[]> {
  const found = new Map<string, ScannedDatabase>();
  for (const module of modules) {
    try {
      await databases.withConnection(module, async (client) => {
        const key = await readDatabaseKey(client);
        const known = found.get(key);
        if (known) known.modules.push(module);
        else found.set(key, { key, modules: [module], schemas: await listSchemas(client), databases: [] });
        const database = found.get(key);
        if (database && storageNaming[module.isolation].hasOwnDatabase && database.databases.length === 0)
          database.databases = await listDatabases(client);
      });
    } catch (error) {
      if (!isWanted(module)) continue;
      throw new RegistryError(
        'VALIDATION_ERROR',
        `The database of module ${module.name} (${module.databaseRef}) could not be read (${messageOf(error)}): correct the variable, or choose other modules with --module`,
        { cause: error },
      );
    }
  }
  return [...found.values()];
}

export async function readDatabaseKey(client: ClientBase): Promise<string> {
  const { rows } = await client.query<{ key: string }>(
    `SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || oid AS key
     FROM pg_database WHERE datname = current_database()`,
  );
  return rows[0]?.key ?? '';
}

async function listSchemas(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT nspname AS name FROM pg_namespace
     WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema', $1) ORDER BY nspname`,
    [guardSchema],
  );
  return rows.map(({ name }) => name);
}

async function listDatabases(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT datname AS name FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname',
  );
  return rows.map(({ name }) => name);
}

/** For how many schemas one statement reads the owners. */
const batchSize = 500;

/**
 * Returns the owners of the schemas that the registry made. Other schemas are not in the result, nor are those that
 * this user may not read: only their own adoption fails then.
 */
export async function readSchemaOwners(client: ClientBase): Promise<Map<string, StorageOwner>> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT nspname AS name FROM pg_class AS class
     JOIN pg_namespace AS namespace ON namespace.oid = relnamespace
     JOIN pg_attribute ON attrelid = class.oid AND attname IN ('tenant_id', 'module')
     WHERE relname = 'schema_version' AND relkind = 'r'
       AND has_schema_privilege(namespace.oid, 'USAGE') AND has_table_privilege(class.oid, 'SELECT')
     GROUP BY nspname HAVING count(*) = 2`,
  );
  const owners = new Map<string, StorageOwner>();
  for (let start = 0; start < rows.length; start += batchSize) {
    const names = rows.slice(start, start + batchSize).map(({ name }) => name);
    const selects = names.map(
      (name, index) =>
        `(SELECT $1::text[] AS names, ${index + 1} AS index, tenant_id::text AS "tenantId", module::text
          FROM ${identifier(name)}.schema_version LIMIT 1)`,
    );
    const answer = await client.query<StorageOwner & { name: string }>(
      `SELECT names[index] AS name, "tenantId", module FROM (${selects.join(' UNION ALL ')}) AS owner`,
      [names],
    );
    for (const { name, tenantId, module } of answer.rows) owners.set(name, { tenantId, module });
  }
  return owners;
}
