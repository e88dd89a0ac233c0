import type { ClientBase } from 'pg';
import { identifier } from '../../database/identifier.js';

/** The role that owns the tenant schemas and databases of a module, if an administrator has created it. */
export function moduleRole(module: string): string {
  return `${module}_tenants`;
}

/** The module's role; undefined when it does not exist or this session may not act as it. */
export async function findModuleRole(client: ClientBase, module: string): Promise<string | undefined> {
  // Both are needed: USAGE to rename and drop what the role owns, SET (MEMBER before PostgreSQL 16) for SET ROLE.
  const { rows } = await client.query<{ name: string }>(
    `SELECT rolname AS name FROM pg_roles
     WHERE rolname = $1 AND pg_has_role(oid, 'USAGE')
       AND pg_has_role(oid, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)`,
    [moduleRole(module)],
  );
  return rows[0]?.name;
}

/**
 * Runs the work as the module's role, so that new objects belong to it. Runs it as the session's own role when there is no
 * module role or the schema belongs to another role, as schemas older than the role do. Needs the caller's transaction.
 */
export async function asSchemaOwner<T>(
  client: ClientBase,
  schema: string,
  role: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  // Schema public belongs to pg_database_owner, which stands for the owner of the database.
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
