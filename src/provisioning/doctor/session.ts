import type { ClientBase } from 'pg';
import { databaseKeySql, serverKeySql } from '../../database/servers/database-identity.js';
import { isOurGuardSql } from '../fence/guard.js';
import { guardVersion } from '../fence/guard-sql.js';
import { accessRole, ownerRole } from '../storage/module-role.js';

/** The database that a session is connected to, and the provisioner's rights there. */
export interface SessionFacts {
  /** Equal for two addresses of the same server. */
  serverId: string;
  /** Equal for two URLs of the same database. */
  databaseId: string;
  database: string;
  /** The provisioner, whose rights are examined; the session itself may be one of another role. */
  user: string;
  mayCreateSchemas: boolean;
  mayCreateDatabases: boolean;
  mayEndSessions: boolean;
  /** The role that should own the module's storage; undefined when the server has no such role. */
  role: string | undefined;
  mayActAsRole: boolean;
  /** The role whose members may use the module's tables; undefined when the server has no such role. */
  access: string | undefined;
  guard: GuardFacts | undefined;
}

export interface GuardFacts {
  owner: string;
  /** Whether this session may renew it. */
  isOurs: boolean;
  /** Whether the table and all functions exist. */
  isWhole: boolean;
  /** 0 when the schema's comment names no version. */
  version: number;
  /** Whether the module's access role may call tenant_guard.enter; true when there is no such role. */
  roleMayEnter: boolean;
  isReadable: boolean;
  /** Whether the guard has a table of versions that this session may read. */
  hasVersions: boolean;
  /** REVOKE statements for rights that other roles should not have; empty when there are none. */
  revokes: string[];
}

/** Limits one statement of doctor, and its wait for a lock. */
const timeouts = `SET statement_timeout = '60s'; SET lock_timeout = '2s'`;

/** Makes every later transaction of the session read-only. */
export async function makeReadOnly(client: ClientBase): Promise<void> {
  await client.query(`SET default_transaction_read_only = on; ${timeouts}`);
}

/** Reads the facts about the provisioner; undefined means the session's own role. */
export async function readSession(
  client: ClientBase,
  module: string,
  provisioner: string | undefined,
): Promise<SessionFacts> {
  const { rows } = await client.query<SessionFacts & { role: string | null; access: string | null }>(
    sessionSql,
    [ownerRole(module), accessRole(module), provisioner ?? null],
  );
  const [row] = rows;
  if (!row) throw new Error('the query of the session returned no row');
  const { role, access } = row;
  return {
    ...row,
    role: role ?? undefined,
    access: access ?? undefined,
    guard: await readGuard(client, access, row.user),
  };
}

// The test of membership is the same as in module-role.ts.
const sessionSql = `
  SELECT ${serverKeySql} AS "serverId", ${databaseKeySql} AS "databaseId",
         datname AS database, own.rolname AS user,
         has_database_privilege(own.oid, here.oid, 'CREATE') AS "mayCreateSchemas",
         own.rolcreatedb OR own.rolsuper AS "mayCreateDatabases",
         pg_has_role(own.oid, 'pg_signal_backend', 'USAGE') AS "mayEndSessions",
         owner.rolname AS role, access.rolname AS access,
         owner.oid IS NULL OR pg_has_role(own.oid, owner.oid, 'USAGE') AND pg_has_role(own.oid, owner.oid,
           CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END) AS "mayActAsRole"
  FROM pg_database AS here JOIN pg_roles AS own ON own.rolname = coalesce($3::name, current_user)
  LEFT JOIN pg_roles AS owner ON owner.rolname = $1
  LEFT JOIN pg_roles AS access ON access.rolname = $2
  WHERE here.datname = current_database()`;

async function readGuard(
  client: ClientBase,
  access: string | null,
  provisioner: string,
): Promise<GuardFacts | undefined> {
  const { rows } = await client.query<GuardFacts>(guardFactsSql, [access, provisioner]);
  return rows[0];
}

// Reads the catalogs, because to_regprocedure fails for a role without USAGE on the schema.
const guardFactsSql = `
  WITH guard AS (
    SELECT oid, nspowner, nspacl FROM pg_namespace WHERE nspname = 'tenant_guard'
  ), tables AS (
    SELECT class.oid, relname, relowner, relacl FROM pg_class AS class JOIN guard ON guard.oid = relnamespace
    WHERE relkind = 'r'
  ), binding AS (
    SELECT oid FROM tables WHERE relname = 'binding'
  ), versions AS (
    SELECT oid FROM tables WHERE relname = 'schema_version'
  ), parts AS (
    SELECT proc.oid, proc.oid::regprocedure::text AS name, proname, proargtypes, proowner, proacl
    FROM pg_proc AS proc JOIN guard ON guard.oid = pronamespace
  ), enter AS (
    SELECT oid FROM parts
    WHERE proname = 'enter' AND oidvectortypes(proargtypes) = 'uuid, text, integer'
  ), granted AS (
    -- PUBLIC for the schema and the functions, every role but the owner for the table. Only functions are open by default.
    -- Grants of the schema and the functions to single roles are the administrator's decision.
    SELECT 'SCHEMA tenant_guard' AS object, grantee FROM guard, aclexplode(nspacl) WHERE grantee = 0
    UNION
    SELECT 'FUNCTION ' || name, grantee FROM parts, aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0
    UNION
    SELECT 'TABLE tenant_guard.' || quote_ident(relname), grantee FROM tables, aclexplode(relacl)
    WHERE grantee <> relowner
      -- The role of <MODULE>_DB_READ_URL, as which this session then runs, may read.
      AND NOT (privilege_type = 'SELECT' AND pg_get_userbyid(grantee) = session_user)
  )
  SELECT pg_get_userbyid(nspowner) AS owner, ${isOurGuardSql('$2::name')} AS "isOurs",
         EXISTS (SELECT FROM binding)
           AND (EXISTS (SELECT FROM versions)
                OR coalesce(substring(obj_description(guard.oid, 'pg_namespace') FROM 'version (\\d{1,9})')::int, 0) < 2)
           AND EXISTS (SELECT FROM enter)
           AND (SELECT count(DISTINCT proname) = 2 FROM parts WHERE proname IN ('refuse', 'is_newest')) AS "isWhole",
         coalesce(substring(obj_description(guard.oid, 'pg_namespace') FROM 'version (\\d{1,9})')::int, 0) AS version,
         $1::name IS NULL OR coalesce(
           has_schema_privilege($1, guard.oid, 'USAGE')
           AND (SELECT has_function_privilege($1, oid, 'EXECUTE') FROM enter),
           false) AS "roleMayEnter",
         coalesce((SELECT has_schema_privilege(guard.oid, 'USAGE') AND has_table_privilege(binding.oid, 'SELECT')
                   FROM binding), false) AS "isReadable",
         coalesce((SELECT has_schema_privilege(guard.oid, 'USAGE') AND has_table_privilege(versions.oid, 'SELECT')
                   FROM versions), false) AS "hasVersions",
         ARRAY(SELECT format('REVOKE ALL ON %s FROM %s', object,
                             CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
               FROM granted ORDER BY 1) AS revokes
  FROM guard`;

/** Whether this version of the product would replace the guard. It leaves a newer guard as it is. */
export function isOutdated({ version }: GuardFacts): boolean {
  return version < guardVersion;
}
