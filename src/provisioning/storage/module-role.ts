import type { ClientBase } from 'pg';
import { identifier } from '../../database/identifier.js';

/** The roles of a module that exist. Without them storage belongs to the registry's own role, which grants no access. */
export interface ModuleRoles {
  /** Owns the module's schemas, databases and tables. Only the registry may act as it. */
  owner: string | undefined;
  /** May read and write the tables. Services are its members. */
  access: string | undefined;
}

/** The role that owns the tenant schemas and databases of a module, if an administrator has created it. */
export function ownerRole(module: string): string {
  return `${module}_tenants`;
}

/** The role whose members may use the tenants' tables, but change none of their definitions. */
export function accessRole(module: string): string {
  return `${module}_access`;
}

/** The module's roles. The owner role is undefined also when this session may not act as it. */
export async function findModuleRoles(client: ClientBase, module: string): Promise<ModuleRoles> {
  // Both are needed: USAGE to rename and drop what the role owns, SET (MEMBER before PostgreSQL 16) for SET ROLE.
  const { rows } = await client.query<{ name: string; mayActAs: boolean }>(
    `SELECT rolname AS name, pg_has_role(oid, 'USAGE') AND pg_has_role(oid,
       CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END) AS "mayActAs"
     FROM pg_roles WHERE rolname IN ($1, $2)`,
    [ownerRole(module), accessRole(module)],
  );
  return {
    owner: rows.find(({ name, mayActAs }) => name === ownerRole(module) && mayActAs)?.name,
    access: rows.find(({ name }) => name === accessRole(module))?.name,
  };
}

/** SQL: takes the schema's routines from PUBLIC. The argument is a quoted name. */
export function closeSql(schema: string): string {
  return `REVOKE ALL ON ALL ROUTINES IN SCHEMA ${schema} FROM PUBLIC`;
}

/** SQL: grants the access role the use of a schema's data. Both arguments are quoted names. */
export function accessSql(schema: string, access: string): string {
  return [
    `GRANT USAGE ON SCHEMA ${schema} TO ${access}`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${access}`,
    `GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${schema} TO ${access}`,
    // Services need EXECUTE also on functions in the WHEN clauses of triggers.
    `GRANT EXECUTE ON ALL ROUTINES IN SCHEMA ${schema} TO ${access}`,
  ].join('; ');
}

export async function grantAccess(
  client: ClientBase,
  schema: string,
  access: string | undefined,
): Promise<void> {
  const name = identifier(schema);
  await client.query(closeSql(name));
  if (access !== undefined) await client.query(accessSql(name, identifier(access)));
}

/** Whether the schema belongs to the role. Schemas older than the module's role belong to the session's own. */
async function ownsSchema(client: ClientBase, schema: string, role: string): Promise<boolean> {
  // Schema public belongs to pg_database_owner, which stands for the owner of the database.
  const { rows } = await client.query<{ owner: string }>(
    `SELECT CASE pg_get_userbyid(nspowner) WHEN 'pg_database_owner' THEN
              (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database())
            ELSE pg_get_userbyid(nspowner) END AS owner
     FROM pg_namespace WHERE nspname = $1`,
    [schema],
  );
  return rows[0]?.owner === role;
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
  if (role === undefined || !(await ownsSchema(client, schema, role))) return work();
  await client.query(`SET LOCAL ROLE ${identifier(role)}`);
  const result = await work();
  await client.query('RESET ROLE');
  return result;
}

/** As asSchemaOwner, for work outside a transaction. */
export async function asSchemaOwnerAlone<T>(
  client: ClientBase,
  schema: string,
  role: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (role === undefined || !(await ownsSchema(client, schema, role))) return work();
  await client.query(`SET ROLE ${identifier(role)}`);
  return withUndo(work, () => client.query('RESET ROLE'));
}

/** Undoes what was set up for the work. After an error of the work, which may be that of the connection, that error counts. */
export async function withUndo<T>(work: () => Promise<T>, undo: () => Promise<unknown>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await undo().catch(() => undefined);
    throw error;
  }
  await undo();
  return result;
}
