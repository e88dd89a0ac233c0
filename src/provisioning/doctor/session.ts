import type { ClientBase } from 'pg';
import { guardVersion } from '../fence/guard-sql.js';
import { moduleRole } from '../storage/module-role.js';

/** What a session sees of the database it is in and of what it may do there. */
export interface SessionFacts {
  /** The same for the same server, by whatever address. */
  server: string;
  /** The same for the same database, by whatever address and name. */
  place: string;
  database: string;
  user: string;
  mayCreateSchemas: boolean;
  mayCreateDatabases: boolean;
  mayEndSessions: boolean;
  /** The role that should own the module's storage; undefined: the server has none. */
  role: string | undefined;
  mayActAsRole: boolean;
  guard: GuardFacts | undefined;
}

export interface GuardFacts {
  owner: string;
  /** Whether this session may renew it. */
  isOurs: boolean;
  /** It has all its parts. */
  isWhole: boolean;
  /** 0: it doesn't say. */
  version: number;
  /** Whether the module's role may enter; true where there is none. */
  letsRoleIn: boolean;
  isReadable: boolean;
  /** SQL that takes back what others were given; empty when all is well. */
  revokes: string[];
}

/** How long one statement of the doctor may take, or wait for a lock. */
const patience = `SET statement_timeout = '60s'; SET lock_timeout = '2s'`;

/** From here on the session changes nothing, whatever it is asked. */
export async function makeReadOnly(client: ClientBase): Promise<void> {
  await client.query(`SET default_transaction_read_only = on; ${patience}`);
}

export async function readSession(client: ClientBase, module: string): Promise<SessionFacts> {
  const { rows } = await client.query<SessionFacts & { role: string | null }>(sessionSql, [
    moduleRole(module),
  ]);
  const [row] = rows;
  if (!row) throw new Error('a query without a table answered without a row');
  return { ...row, role: row.role ?? undefined, guard: await readGuard(client, row.role) };
}

// Membership as module-role.ts asks for it.
const sessionSql = `
  SELECT (SELECT system_identifier::text FROM pg_control_system()) AS server,
         (SELECT system_identifier FROM pg_control_system()) || '/' || here.oid AS place,
         datname AS database, current_user AS user,
         has_database_privilege(here.oid, 'CREATE') AS "mayCreateSchemas",
         own.rolcreatedb OR own.rolsuper AS "mayCreateDatabases",
         pg_has_role('pg_signal_backend', 'USAGE') AS "mayEndSessions",
         owner.rolname AS role,
         owner.oid IS NULL OR pg_has_role(owner.oid, 'USAGE') AND pg_has_role(owner.oid,
           CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END) AS "mayActAsRole"
  FROM pg_database AS here JOIN pg_roles AS own ON own.rolname = current_user
  LEFT JOIN pg_roles AS owner ON owner.rolname = $1
  WHERE here.datname = current_database()`;

async function readGuard(client: ClientBase, role: string | null): Promise<GuardFacts | undefined> {
  const { rows } = await client.query<GuardFacts>(guardFactsSql, [role]);
  return rows[0];
}

// From the catalogs: to_regprocedure and its like refuse whoever may not use the schema.
const guardFactsSql = `
  WITH guard AS (
    SELECT oid, nspowner, nspacl FROM pg_namespace WHERE nspname = 'tenant_guard'
  ), binding AS (
    SELECT class.oid, relowner, relacl FROM pg_class AS class JOIN guard ON guard.oid = relnamespace
    WHERE relname = 'binding' AND relkind = 'r'
  ), parts AS (
    SELECT proc.oid, proc.oid::regprocedure::text AS name, proname, proargtypes, proowner, proacl
    FROM pg_proc AS proc JOIN guard ON guard.oid = pronamespace
  ), enter AS (
    SELECT oid FROM parts
    WHERE proname = 'enter' AND oidvectortypes(proargtypes) = 'uuid, text, integer'
  ), granted AS (
    -- Only the functions are open by default. Whom the module's roles let in is up to administrators.
    SELECT 'SCHEMA tenant_guard' AS thing, grantee FROM guard, aclexplode(nspacl) WHERE grantee = 0
    UNION
    SELECT 'FUNCTION ' || name, grantee FROM parts, aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0
    UNION
    SELECT 'TABLE tenant_guard.binding', grantee FROM binding, aclexplode(relacl) WHERE grantee <> relowner
  )
  SELECT pg_get_userbyid(nspowner) AS owner, pg_has_role(nspowner, 'USAGE') AS "isOurs",
         EXISTS (SELECT FROM binding)
           AND EXISTS (SELECT FROM enter)
           AND (SELECT count(DISTINCT proname) = 2 FROM parts WHERE proname IN ('refuse', 'is_newest')) AS "isWhole",
         coalesce(substring(obj_description(guard.oid, 'pg_namespace') FROM 'version (\\d{1,9})')::int, 0) AS version,
         $1::name IS NULL OR coalesce(
           has_schema_privilege($1, guard.oid, 'USAGE')
           AND (SELECT has_function_privilege($1, oid, 'EXECUTE') FROM enter),
           false) AS "letsRoleIn",
         coalesce((SELECT has_schema_privilege(guard.oid, 'USAGE') AND has_table_privilege(binding.oid, 'SELECT')
                   FROM binding), false) AS "isReadable",
         ARRAY(SELECT format('REVOKE ALL ON %s FROM %s', thing,
                             CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
               FROM granted ORDER BY 1) AS revokes
  FROM guard`;

/** Whether this product would renew the guard; a newer one than it knows it leaves alone. */
export function isOutdated({ version }: GuardFacts): boolean {
  return version < guardVersion;
}
