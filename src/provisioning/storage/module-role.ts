import type { ClientBase } from 'pg';
import { identifier } from '../../database/identifier.js';

/** The role that owns the tenant schemas and databases of a module, where an administrator has made it. */
export function moduleRole(module: string): string {
  return `${module}_tenants`;
}

/** The module's role; undefined when the server has none or this session may not act as it. */
export async function findModuleRole(client: ClientBase, module: string): Promise<string | undefined> {
  // Both: what the role owns is renamed and dropped by inheritance, and tables are made by acting as it.
  const { rows } = await client.query<{ name: string }>(
    `SELECT rolname AS name FROM pg_roles
     WHERE rolname = $1 AND pg_has_role(oid, 'USAGE')
       AND pg_has_role(oid, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)`,
    [moduleRole(module)],
  );
  return rows[0]?.name;
}

/**
 * Does the work as the module's role, so that what is made belongs to it; as the session's own role where there is none or
 * the schema belongs to another, being older than it. Inside the caller's transaction.
 */
export async function asSchemaOwner<T>(
  client: ClientBase,
  schema: string,
  role: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  // In a database of the tenant's own, public belongs to whoever owns the database.
  const { rows } = await client.query<{ owner: string }>(
    `SELECT CASE pg_get_userbyid(nspowner) WHEN 'pg_database_owner' THEN
              (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database())
            ELSE pg_get_userbyid(nspowner) END AS owner
     FROM pg_namespace WHERE nspname = $1`,
    [schema],
  );
  if (role === undefined || rows[0]?.owner !== role) return work();
  await client.query(`SET LOCAL ROLE ${identifier(role)}`);
  const result = await work();
  await client.query('RESET ROLE');
  return result;
}
