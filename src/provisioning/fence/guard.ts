import type { ClientBase } from 'pg';
import { identifier } from '../../database/identifier.js';
import { inTransaction } from '../../database/statements/in-transaction.js';
import { RegistryError } from '../../errors.js';
import { requireOwnEventTriggers } from './foreign-code.js';
import { guardSql, guardVersion } from './guard-sql.js';

/**
 * The fence: schema `tenant_guard` in each service database records which tenant may use which schema. Services enter a
 * schema through its function, so that a stale, wrong or forged route reads nothing.
 *
 * It protects against stale and mistaken routes, not against a malicious service: a role that owns the tables of all
 * tenants can read them without entering.
 */

/**
 * Creates or upgrades the guard of a database and grants the role, if it exists, the use of it. Sends one small query when nothing is to do.
 * Leaves a guard that is newer than this process as it is.
 */
export async function installGuard(client: ClientBase, role?: string): Promise<void> {
  if (isUpToDate(await readGuardState(client, role))) return;
  await inTransaction(client, async () => {
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('tenant_guard/install', 0))`);
    const found = await readGuardState(client, role);
    if (!found.isOurs)
      throw new RegistryError(
        'CONFLICT',
        `Schema tenant_guard of database ${found.database} belongs to role ${found.owner}: connect as that role, or grant it to ${found.user}`,
      );
    await requireOwnEventTriggers(client);
    if (found.version < guardVersion) await client.query(guardSql);
    if (found.role === null || found.mayEnter) return;
    await client.query(`GRANT USAGE ON SCHEMA tenant_guard TO ${identifier(found.role)}`);
    await client.query(
      `GRANT EXECUTE ON FUNCTION tenant_guard.enter(uuid, text, int) TO ${identifier(found.role)}`,
    );
  });
}

export async function hasGuard(client: ClientBase): Promise<boolean> {
  return hasGuardTable(client, 'binding');
}

/** Whether the guard has the table. An older guard lacks schema_version or lone_migration. */
export async function hasGuardTable(
  client: ClientBase,
  name: 'binding' | 'schema_version' | 'lone_migration',
): Promise<boolean> {
  // Reads the catalog, because to_regclass fails for a role without USAGE on the schema. The query that needs it then says so.
  const { rowCount } = await client.query(
    `SELECT FROM pg_class WHERE relname = $1 AND relkind = 'r'
       AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'tenant_guard')`,
    [name],
  );
  return rowCount === 1;
}

/**
 * SQL: whether the guard belongs to this role, or to one that it inherits. pg_has_role is true for a superuser and any
 * role: without the second condition a superuser would use a guard that a service has made.
 */
export const isOurGuardSql = (role = 'current_user') => `(pg_has_role(${role}, nspowner, 'USAGE') AND (
  nspowner = (SELECT oid FROM pg_roles WHERE rolname = ${role})
  OR (SELECT rolsuper FROM pg_roles WHERE oid = nspowner)
  OR NOT (SELECT rolsuper FROM pg_roles WHERE rolname = ${role})))`;

interface GuardState {
  database: string;
  user: string;
  owner: string | null;
  /** Whether this session may change it: the schema does not exist yet, or belongs to its role. */
  isOurs: boolean;
  /** 0 when there is no guard. */
  version: number;
  /** The role of the services; null when it does not exist. */
  role: string | null;
  mayEnter: boolean;
}

function isUpToDate({ version, mayEnter, isOurs }: GuardState): boolean {
  return isOurs && version >= guardVersion && mayEnter;
}

async function readGuardState(client: ClientBase, role: string | undefined): Promise<GuardState> {
  const { rows } = await client.query<GuardState>(
    `SELECT current_database() AS database, current_user AS "user", pg_get_userbyid(nspowner) AS owner,
            coalesce(${isOurGuardSql()}, true) AS "isOurs",
            coalesce(substring(obj_description(guard.oid, 'pg_namespace') FROM 'version (\\d{1,9})')::int, 0) AS version,
            rolname AS role,
            rolname IS NULL OR coalesce(
              has_schema_privilege(rolname, guard.oid, 'USAGE')
              AND (SELECT bool_and(has_function_privilege(rolname, oid, 'EXECUTE')) FROM pg_proc
                   WHERE pronamespace = guard.oid AND proname = 'enter'),
              false) AS "mayEnter"
     FROM (SELECT) AS always LEFT JOIN pg_roles ON rolname = $1 LEFT JOIN pg_namespace AS guard ON nspname = 'tenant_guard'`,
    [role ?? null],
  );
  const [found] = rows;
  if (!found) throw new Error('the query of the guard returned no row');
  return found;
}
