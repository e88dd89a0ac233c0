import type { ClientBase } from 'pg';
import { identifier } from '../../database/identifier.js';
import { inTransaction } from '../../database/in-transaction.js';
import { RegistryError } from '../../errors.js';
import { guardSql, guardVersion } from './guard-sql.js';

/**
 * The fence: each service database knows by itself who may enter which of its schemas, in a schema of its own,
 * `tenant_guard`. Services enter through its function, so that a stale, wrong or forged route reads nothing.
 *
 * It is a fence against what is old or mistaken, not against a service's own will: a role that owns the tables of all
 * tenants can name them without entering.
 */

/**
 * Makes or renews the guard of a database, and lets the role enter. One small query when all is as it should be; a newer
 * guard than this process knows is left alone.
 */
export async function installGuard(client: ClientBase, role?: string): Promise<void> {
  if (isDone(await look(client, role))) return;
  await inTransaction(client, async () => {
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('tenant_guard/install', 0))`);
    const found = await look(client, role);
    if (!found.isOurs)
      throw new RegistryError(
        'CONFLICT',
        `Schema tenant_guard of database ${found.database} belongs to role ${found.owner}: connect as that role or grant it to ${found.user}`,
      );
    if (found.version < guardVersion) await client.query(guardSql);
    if (role === undefined || found.mayEnter) return;
    await client.query(`GRANT USAGE ON SCHEMA tenant_guard TO ${identifier(role)}`);
    await client.query(
      `GRANT EXECUTE ON FUNCTION tenant_guard.enter(uuid, text, int) TO ${identifier(role)}`,
    );
  });
}

export async function hasGuard(client: ClientBase): Promise<boolean> {
  // From the catalog: to_regclass fails for who may not use the schema, and what he lacks is said where he needs it.
  const { rowCount } = await client.query(
    `SELECT FROM pg_class WHERE relname = 'binding' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'tenant_guard')`,
  );
  return rowCount === 1;
}

interface Found {
  database: string;
  user: string;
  owner: string | null;
  /** Whether this session may change it: nobody's yet, or its role's. */
  isOurs: boolean;
  /** 0: none. */
  version: number;
  mayEnter: boolean;
}

function isDone({ version, mayEnter, isOurs }: Found): boolean {
  return isOurs && version >= guardVersion && mayEnter;
}

async function look(client: ClientBase, role: string | undefined): Promise<Found> {
  const { rows } = await client.query<Found>(
    `SELECT current_database() AS database, current_user AS "user", pg_get_userbyid(nspowner) AS owner,
            coalesce(pg_has_role(nspowner, 'USAGE'), true) AS "isOurs",
            coalesce(substring(obj_description(guard.oid, 'pg_namespace') FROM 'version (\\d{1,9})')::int, 0) AS version,
            $1::name IS NULL OR coalesce(
              has_schema_privilege($1, guard.oid, 'USAGE')
              AND (SELECT bool_and(has_function_privilege($1, oid, 'EXECUTE')) FROM pg_proc
                   WHERE pronamespace = guard.oid AND proname = 'enter'),
              false) AS "mayEnter"
     FROM (SELECT) AS always LEFT JOIN pg_namespace AS guard ON nspname = 'tenant_guard'`,
    [role ?? null],
  );
  const [found] = rows;
  if (!found) throw new Error('a query without a table answered without a row');
  return found;
}
