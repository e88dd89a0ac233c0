import type { ClientBase } from 'pg';
import { databaseKeySql } from '../../database/servers/database-identity.js';
import type { DatabaseReference, ModuleConnections } from '../../database/service-databases.js';
import { messageOf, RegistryError } from '../../errors.js';
import { type Isolation, storageNaming } from '../../registry/modules/isolation.js';

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

/** The registry's own schema in every service database. Its name begins with the prefix of module operations. */
const guardSchema = 'tenant_guard';

/**
 * Scans the databases of all modules. An unreachable database stops the scan when its module is wanted, otherwise it is
 * skipped: the scan would only use it to find competing prefixes.
 */
export async function scanDatabases(
  databases: ModuleConnections,
  modules: readonly ScannedModule[],
  isWanted: (module: ScannedModule) => boolean,
): Promise<ScannedDatabase[]> {
  const found = new Map<string, ScannedDatabase>();
  for (const module of modules) {
    try {
      await databases.withConnection(module, async (client) => {
        const { key, schemas } = await readSchemas(client);
        const known = found.get(key);
        if (known) known.modules.push(module);
        else found.set(key, { key, modules: [module], schemas, databases: [] });
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
  const { rows } = await client.query<{ key: string }>(`SELECT ${databaseKeySql} AS key`);
  return rows[0]?.key ?? '';
}

async function readSchemas(client: ClientBase): Promise<{ key: string; schemas: string[] }> {
  const { rows } = await client.query<{ key: string; schemas: string[] }>(
    `SELECT ${databaseKeySql} AS key, ARRAY(
       SELECT nspname::text FROM pg_namespace
       WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema', $1) ORDER BY nspname) AS schemas`,
    [guardSchema],
  );
  return rows[0] ?? { key: '', schemas: [] };
}

async function listDatabases(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT datname AS name FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname',
  );
  return rows.map(({ name }) => name);
}
