import type { ClientBase } from 'pg';
import { RegistryError } from '../../errors.js';

/**
 * owner: it belongs to a role that is not trusted. open: PUBLIC may create objects in the schema. right: such a role may plant
 * code. code: a function of such a role runs when the schema, or the database's catalog, is changed.
 */
type ForeignKind = 'owner' | 'open' | 'right' | 'code';

/** A way in which another role can run code in a session that works in a schema. */
export interface ForeignPart {
  schema: string;
  kind: ForeignKind;
  /** "trigger audit on table finance_acme.invoice calls public.audit() of role finance_service" */
  what: string;
}

/**
 * SQL: by which roles other than superusers, the guard's owner and the module's owner role code could run in these schemas.
 * Reads only catalogs, with built-in functions. `schemas` is a text[], `owner` a name that may be null.
 */
export function foreignPartsSql(schemas: string, owner: string): string {
  return `
  WITH named AS (
    SELECT oid FROM pg_roles
    WHERE rolsuper OR rolname = ${owner} OR oid = (SELECT nspowner FROM pg_namespace WHERE nspname = 'tenant_guard')
  ), trusted AS (
    SELECT oid FROM named
    UNION ALL
    -- Stands for the owner of the database. By default it owns schema public.
    SELECT pg_roles.oid FROM pg_roles, pg_database
    WHERE rolname = 'pg_database_owner' AND datname = current_database() AND datdba IN (SELECT oid FROM named)
  ), place AS (
    SELECT oid, nspname, nspacl, CASE WHEN pg_get_userbyid(nspowner) = 'pg_database_owner'
      THEN (SELECT datdba FROM pg_database WHERE datname = current_database()) ELSE nspowner END AS nspowner
    FROM pg_namespace WHERE nspname = ANY (${schemas})
  ), relation AS (
    SELECT class.oid, nspname, relname, relkind, relowner, relacl FROM pg_class AS class JOIN place ON place.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  ), routine AS (
    -- Functions of roles that are not trusted, in any schema.
    SELECT oid, oid::regprocedure::text || ' of role ' || pg_get_userbyid(proowner) AS name FROM pg_proc
    WHERE proowner NOT IN (SELECT oid FROM trusted)
      -- Created with an extension by an administrator; its owner may not replace C code.
      AND prolang NOT IN (SELECT oid FROM pg_language WHERE lanname IN ('c', 'internal'))
  ), owned (schema, name, owner) AS (
    SELECT nspname, 'schema ' || quote_ident(nspname), nspowner FROM place
    UNION ALL SELECT nspname, 'relation ' || relname, relowner FROM relation
    UNION ALL SELECT nspname, 'routine ' || proname, proowner FROM pg_proc JOIN place ON place.oid = pronamespace
    UNION ALL SELECT nspname, 'type ' || typname, typowner FROM pg_type JOIN place ON place.oid = typnamespace
              WHERE typrelid = 0 AND typelem = 0
    UNION ALL SELECT nspname, 'operator ' || oprname, oprowner FROM pg_operator JOIN place ON place.oid = oprnamespace
  ), granted (schema, name, grantee) AS (
    SELECT nspname, 'CREATE on schema ' || quote_ident(nspname), grantee FROM place, aclexplode(nspacl)
    WHERE privilege_type = 'CREATE' AND grantee <> nspowner
    UNION ALL
    SELECT nspname, 'TRIGGER on relation ' || relname, grantee FROM relation, aclexplode(relacl)
    WHERE privilege_type = 'TRIGGER' AND grantee <> relowner
  ), called (schema, name, function) AS (
    SELECT nspname, 'trigger ' || tgname || ' on ' || relname, tgfoid FROM pg_trigger JOIN relation ON relation.oid = tgrelid
    UNION ALL
    SELECT nspname, CASE classid::regclass::text WHEN 'pg_rewrite' THEN 'rule' WHEN 'pg_policy' THEN 'policy' ELSE 'default' END
                    || ' on ' || relname, refobjid
    FROM pg_depend
    JOIN (SELECT 'pg_rewrite'::regclass AS class, oid, ev_class AS rel FROM pg_rewrite
          UNION ALL SELECT 'pg_policy'::regclass, oid, polrelid FROM pg_policy
          UNION ALL SELECT 'pg_attrdef'::regclass, oid, adrelid FROM pg_attrdef) AS part ON part.class = classid AND part.oid = objid
    JOIN relation ON relation.oid = part.rel WHERE refclassid = 'pg_proc'::regclass
    UNION ALL
    SELECT nspname, 'constraint ' || conname, refobjid FROM pg_depend JOIN pg_constraint AS con ON con.oid = objid
    JOIN place ON place.oid = connamespace WHERE classid = 'pg_constraint'::regclass AND refclassid = 'pg_proc'::regclass
    UNION ALL
    SELECT nspname, 'index ' || relname, refobjid FROM pg_depend JOIN pg_class AS class ON class.oid = objid
    JOIN place ON place.oid = relnamespace WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_proc'::regclass
    UNION ALL
    SELECT nspname, 'cast from ' || format_type(castsource, NULL) || ' to ' || format_type(casttarget, NULL), castfunc
    FROM pg_cast JOIN pg_type AS type ON type.oid IN (castsource, casttarget) JOIN place ON place.oid = typnamespace
    UNION ALL
    SELECT nspname, 'event trigger ' || evtname, evtfoid FROM pg_event_trigger, place WHERE evtenabled <> 'D'
  )
  SELECT schema, 'owner' AS kind, name || ' belongs to role ' || pg_get_userbyid(owner) AS what
  FROM owned WHERE owner NOT IN (SELECT oid FROM trusted)
  UNION ALL
  SELECT schema, CASE WHEN grantee = 0 AND name LIKE 'CREATE %' THEN 'open' ELSE 'right' END, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE 'role ' || pg_get_userbyid(grantee) END || ' has ' || name
  FROM granted WHERE grantee NOT IN (SELECT oid FROM trusted)
  UNION ALL
  -- A member may do everything that the owner may.
  SELECT nspname, 'right', 'role ' || pg_get_userbyid(member) || ' is a member of ' || pg_get_userbyid(roleid)
  FROM pg_auth_members JOIN place ON nspowner = roleid WHERE member NOT IN (SELECT oid FROM trusted)
  UNION ALL
  SELECT schema, 'code', called.name || ' calls ' || routine.name FROM called JOIN routine ON routine.oid = function`;
}

/** The parts of these schemas that other roles own or can change. */
export async function listForeignParts(
  client: ClientBase,
  schemas: readonly string[],
  owner: string | undefined,
): Promise<ForeignPart[]> {
  const { rows } = await client.query<ForeignPart>(
    `SELECT DISTINCT schema::text, kind, what FROM (${foreignPartsSql('$1::text[]', '$2::name')}) AS parts
     ORDER BY 1, 2, 3`,
    [schemas, owner ?? null],
  );
  return rows;
}

/** How many parts a message names. */
export const namedParts = 5;

/**
 * Throws CONFLICT when other roles own parts of the schema or could have planted code in it. Migrations then must not run
 * there: a trigger, a rule or a default of such a role would run with the provisioner's rights, which RESET ROLE gives back.
 */
export async function requireOwnCode(
  client: ClientBase,
  schema: string,
  owner: string | undefined,
): Promise<void> {
  const parts = await listForeignParts(client, [schema], owner);
  if (parts.length === 0) return;
  const named = parts.slice(0, namedParts).map(({ what }) => what);
  const more = parts.length > named.length ? `, and ${parts.length - named.length} more` : '';
  throw new RegistryError(
    'CONFLICT',
    `Schema ${schema} may hold code of other roles, so no migration runs in it: ${named.join(', ')}${more}. ` +
      `Check that code, make ${owner ?? 'the role of the registry'} the owner of all parts and revoke these rights`,
  );
}

/**
 * Throws CONFLICT when an event trigger of the database calls a function that a role other than a superuser or this session's
 * owns: its owner can replace the function, and every CREATE and DROP would run it with this session's rights.
 */
export async function requireOwnEventTriggers(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ trigger: string; routine: string; owner: string }>(
    `SELECT evtname::text AS trigger, proc.oid::regprocedure::text AS routine, rolname::text AS owner
     FROM pg_event_trigger JOIN pg_proc AS proc ON proc.oid = evtfoid JOIN pg_roles AS role ON role.oid = proowner
     WHERE evtenabled <> 'D' AND NOT rolsuper AND rolname <> current_user
     ORDER BY evtname LIMIT 1`,
  );
  const [found] = rows;
  if (found)
    throw new RegistryError(
      'CONFLICT',
      `Event trigger ${found.trigger} calls ${found.routine}, which role ${found.owner} can replace: as an administrator change the owner of the function to a superuser, or drop the event trigger`,
    );
}
