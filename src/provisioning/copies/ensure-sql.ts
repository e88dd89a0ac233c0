import { escapeLiteral } from 'pg';
import { identifier } from '../../database/identifier.js';
import { procedureRefusals } from '../../errors.js';
import { foreignPartsSql } from '../fence/foreign-code.js';
import { applyLock } from '../fence/guard-sql.js';
import { beingDropped } from '../fence/schema-version.js';
import { accessSql, closeSql, type ModuleRoles } from '../storage/module-role.js';

/** Raise it with every change of the SQL below, so that databases are upgraded; a test checks this. */
export const ensureVersion = 5;

/** The start of the comment of each of our procedures in schema public. A routine without it was made by others. */
export const ensureMark = "The tenant registry's:";

/** SQL that raises the refusal. The message starts with the code; the arguments fill its placeholders. */
function raise(
  sqlState: `${keyof typeof procedureRefusals}`,
  message: string,
  hint: string,
  ...values: string[]
): string {
  const code = new Map<string, string>(Object.entries(procedureRefusals)).get(sqlState);
  const parts = [escapeLiteral(`${code}: ${message}`), ...values];
  return `RAISE EXCEPTION ${parts.join(', ')} USING ERRCODE = '${sqlState}', HINT = ${escapeLiteral(hint)}`;
}

/**
 * Makes migrations independent of the caller's settings. pg_temp comes last, so that the caller's temporary tables hide no others.
 * With row_security off, a policy that would apply is an error: its functions never run.
 */
const settings = `SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET datestyle = 'ISO, MDY'
  SET transform_null_equals = off SET default_tablespace = '' SET row_security = off SET client_min_messages = warning`;

const anotherName = 'Choose another schema, and subscribe the tenant with that.';

/**
 * The body of the functions that run one file. Only the schema's own deferred constraints are checked: SET CONSTRAINTS ALL would
 * run triggers that the caller has queued on its own tables, with the rights of this function.
 */
const runBody = `
DECLARE
  late record;
  detail text;
  hint text;
BEGIN
  PERFORM set_config('search_path', quote_ident(schema) || ', pg_temp', true);
  -- EXECUTE refuses COMMIT and ROLLBACK, so a file cannot end the transaction that makes the call all or nothing.
  EXECUTE sql;
  PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
  -- Checks deferred constraints now: at COMMIT the error could not be attributed to a file.
  FOR late IN
    SELECT conname, condeferred FROM pg_constraint JOIN pg_namespace AS namespace ON namespace.oid = connamespace
    WHERE nspname = schema AND condeferrable
  LOOP
    EXECUTE format('SET CONSTRAINTS %I.%I IMMEDIATE', schema, late.conname);
    IF late.condeferred THEN
      EXECUTE format('SET CONSTRAINTS %I.%I DEFERRED', schema, late.conname);
    END IF;
  END LOOP;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = format('Migration %s failed: %s', name, SQLERRM),
    DETAIL = coalesce(nullif(detail, ''), 'Everything that this call did was rolled back.'),
    HINT = coalesce(nullif(hint, ''), 'Correct the file in MODULES_DIR; gateways then update the copy in this database.');
END`;

/**
 * Creates the table and functions that all modules of a database share. To be sent as one simple query in a transaction.
 *
 * The work is split by the role that it needs, and the caller needs neither. Creating a schema and writing a binding need the
 * registry's role; files need the role that owns the schema. A SECURITY DEFINER function cannot SET ROLE, which also means that
 * a file cannot: it runs in a function that belongs to the owner's role and cannot regain the registry's rights.
 */
export const ensureSql = `
CREATE TABLE IF NOT EXISTS tenant_guard.migration (
  module varchar(31) NOT NULL,
  position int NOT NULL,
  name varchar(200) NOT NULL,
  sql text NOT NULL,
  checksum char(64) NOT NULL,
  PRIMARY KEY (module, name)
);
ALTER TABLE tenant_guard.migration ADD COLUMN IF NOT EXISTS new_sql text, ADD COLUMN IF NOT EXISTS runs_alone boolean NOT NULL DEFAULT false;
REVOKE ALL ON tenant_guard.migration FROM PUBLIC;
COMMENT ON TABLE tenant_guard.migration IS 'Copy of the modules'' migrations, which ensure_<module>_tenant_schema runs. Gateways keep it up to date. Version ${ensureVersion}.';
COMMENT ON COLUMN tenant_guard.migration.module IS 'The module.';
COMMENT ON COLUMN tenant_guard.migration.position IS 'Place in the order in which the files run, from 0.';
COMMENT ON COLUMN tenant_guard.migration.name IS 'Folder and file name in MODULES_DIR, as in schema_version.migration.';
COMMENT ON COLUMN tenant_guard.migration.sql IS 'The content of the file.';
COMMENT ON COLUMN tenant_guard.migration.new_sql IS 'What runs in place of sql in a new schema, whose tables are empty; null: the same.';
COMMENT ON COLUMN tenant_guard.migration.runs_alone IS 'Whether sql cannot run inside a transaction. Then only a rollout brings it to a schema that exists.';
COMMENT ON COLUMN tenant_guard.migration.checksum IS 'SHA-256 of the file, as in schema_version.checksum.';

CREATE OR REPLACE FUNCTION tenant_guard.foreign_parts(schemas text[], owner name)
RETURNS TABLE (schema name, kind text, what text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $guard$ ${foreignPartsSql('$1', '$2')} $guard$;
COMMENT ON FUNCTION tenant_guard.foreign_parts(text[], name) IS 'The parts of schemas that roles other than superusers, the registry''s and the given owner own, can change, or that run code of theirs.';

CREATE OR REPLACE FUNCTION tenant_guard.run_file(schema text, name text, sql text) RETURNS void
LANGUAGE plpgsql ${settings}
AS $guard$${runBody}
$guard$;
COMMENT ON FUNCTION tenant_guard.run_file(text, text, text) IS 'Runs one file in a schema of the registry''s own role, with search_path set to the schema alone.';

CREATE OR REPLACE FUNCTION tenant_guard.ensure_schema(module text, database text, tenant uuid, schema text) RETURNS void
LANGUAGE plpgsql ${settings}
AS $guard$
DECLARE
  -- The same query as the provisioner's: it must be able to act as the role that will own the schema.
  role name := (SELECT rolname FROM pg_roles WHERE rolname = module || '_tenants' AND pg_has_role(oid, 'USAGE')
    AND pg_has_role(oid, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END));
  access name := (SELECT rolname FROM pg_roles WHERE rolname = module || '_access');
  found record;
  bound tenant_guard.binding;
  made_for uuid;
  made_as text;
  file record;
  ran text;
  foreigns text;
  is_new boolean := false;
BEGIN
  IF tenant IS NULL OR schema IS NULL THEN
    ${raise('22004', 'tenant_id and schema must not be null', 'Every argument is needed.')};
  ELSIF octet_length(schema) NOT BETWEEN 1 AND 63 OR schema ~ '[[:cntrl:]]' THEN
    ${raise('22023', 'schema: must have 1 to 63 bytes and no control characters', 'PostgreSQL would truncate a longer name, possibly to an existing one.')};
  ELSIF schema ~ '^pg_' OR schema IN ('public', 'information_schema', 'tenant_guard') THEN
    ${raise('22023', 'schema: % is a schema of PostgreSQL, or of the guard, itself', anotherName, 'schema')};
  END IF;

  -- Gateways take the same lock while they create, adopt or drop the schema.
  PERFORM pg_advisory_xact_lock(hashtextextended('tenant-registry/SCHEMA/' || database || '/' || schema, 0));
  SELECT string_agg(parts.what, ', ') INTO foreigns FROM tenant_guard.foreign_parts(ARRAY['tenant_guard'], role) AS parts
    WHERE parts.kind = 'code';
  IF foreigns IS NOT NULL THEN
    ${raise('55000', 'No schema is changed while this database runs code of other roles: %', 'An administrator drops the event trigger, or makes a superuser the owner of its function.', 'foreigns')};
  END IF;
  SELECT * INTO bound FROM tenant_guard.binding AS binding WHERE binding.schema_name = schema;
  IF bound.tenant_id <> tenant OR bound.module <> module THEN
    ${raise('42P06', 'Schema % is bound to tenant %, module %', anotherName, 'schema', 'bound.tenant_id', 'bound.module')};
  END IF;
  SELECT namespace.oid, pg_get_userbyid(nspowner) AS owner INTO found FROM pg_namespace AS namespace WHERE nspname = schema;
  IF found.oid IS NULL THEN
    IF schema !~ '^[a-z][a-z0-9_]{0,62}$' THEN
      ${raise('22023', 'schema: must be 1 to 63 lower-case letters, digits and _, starting with a letter', 'The registry accepts no other name.')};
    ELSIF EXISTS (SELECT FROM pg_get_keywords() WHERE word = schema AND catcode IN ('R', 'T')) THEN
      ${raise('22023', 'schema: % is a reserved word of SQL', anotherName, 'schema')};
    END IF;
    is_new := true;
    EXECUTE format(CASE WHEN role IS NULL THEN 'CREATE SCHEMA %I' ELSE 'CREATE SCHEMA %I AUTHORIZATION %I' END, schema, role);
    SELECT namespace.oid, pg_get_userbyid(nspowner) AS owner INTO found FROM pg_namespace AS namespace WHERE nspname = schema;
  ELSIF bound.schema_oid IS DISTINCT FROM found.oid THEN
    -- The binding is missing or is about a dropped schema. The versions name the owner; no table inside the schema is read.
    SELECT version.tenant_id, version.module INTO made_for, made_as FROM tenant_guard.schema_version AS version
      WHERE version.schema_name = schema AND version.schema_oid = found.oid LIMIT 1;
    IF made_for IS NULL THEN
      ${raise('42P06', 'Schema % exists already and was not made by the registry', anotherName, 'schema')};
    ELSIF made_for <> tenant OR made_as <> module THEN
      ${raise('42P06', 'Schema % exists already and belongs to tenant %, module %', anotherName, 'schema', 'made_for', 'made_as')};
    END IF;
  END IF;

  IF EXISTS (SELECT FROM tenant_guard.schema_version AS version WHERE version.schema_name = schema
      AND version.schema_oid = found.oid AND version.migration = ${escapeLiteral(beingDropped)}) THEN
    ${raise('55000', 'A part of schema % was dropped, so its tables are not whole', 'subscribeTenantToModule of the registry drops the rest and creates it anew.', 'schema')};
  END IF;

  -- Without an epoch, so that any state of the registry replaces it. Until then the guard refuses every session.
  PERFORM pg_advisory_xact_lock(${applyLock('schema')});
  INSERT INTO tenant_guard.binding (schema_name, schema_oid, tenant_id, module, generation, state, epoch, revision)
    VALUES (schema, found.oid, tenant, module, 1, 'not_ready', '', 0)
    ON CONFLICT (schema_name) DO UPDATE SET schema_oid = found.oid WHERE tenant_guard.binding.schema_oid <> found.oid;
  DELETE FROM tenant_guard.schema_version AS version WHERE version.schema_name = schema AND version.schema_oid <> found.oid;

  FOR file IN
    SELECT copy.name, copy.sql, copy.checksum, copy.runs_alone,
      CASE WHEN is_new THEN coalesce(copy.new_sql, copy.sql) ELSE copy.sql END AS text FROM tenant_guard.migration AS copy
    WHERE copy.module = ensure_schema.module ORDER BY copy.position
  LOOP
    SELECT version.checksum INTO ran FROM tenant_guard.schema_version AS version
      WHERE version.schema_name = schema AND version.migration = file.name;
    -- It may have run with other line ends.
    IF ran = file.checksum OR ran IN (
      encode(sha256(convert_to(file.sql, 'UTF8')), 'hex'),
      encode(sha256(convert_to(replace(file.sql, E'\\n', E'\\r\\n'), 'UTF8')), 'hex')
    ) THEN
      CONTINUE;
    ELSIF ran IS NOT NULL THEN
      ${raise('55000', 'Migration % was changed after it ran in schema %: restore the file and add a new one', 'Nothing was changed.', 'file.name', 'schema')};
    END IF;
    IF NOT is_new AND file.runs_alone THEN
      ${raise('55000', 'Migration % cannot run inside a transaction, so this procedure cannot bring it to schema %', 'A rollout of the registry does.', 'file.name', 'schema')};
    END IF;
    IF NOT is_new THEN
      SELECT string_agg(parts.what, ', ') INTO foreigns FROM tenant_guard.foreign_parts(ARRAY[schema], role) AS parts;
      IF foreigns IS NOT NULL THEN
        ${raise('55000', 'Schema % may hold code of other roles, so no migration runs in it: %', 'An administrator checks that code, makes the role of the module the owner of all parts and revokes these rights.', 'schema', 'foreigns')};
      END IF;
    END IF;
    IF found.owner = role THEN
      EXECUTE format('SELECT tenant_guard.%I($1, $2, $3)', 'run_' || module || '_file') USING schema, file.name, file.text;
    ELSE
      PERFORM tenant_guard.run_file(schema, file.name, file.text);
    END IF;
    INSERT INTO tenant_guard.schema_version (schema_name, schema_oid, migration, checksum, tenant_id, module)
      VALUES (schema, found.oid, file.name, file.checksum, tenant, module);
  END LOOP;
  EXECUTE format(${escapeLiteral(closeSql('%1$I'))}, schema);
  IF access IS NOT NULL THEN
    EXECUTE format(${escapeLiteral(accessSql('%1$I', '%2$I'))}, schema, access);
  END IF;
END
$guard$;
COMMENT ON FUNCTION tenant_guard.ensure_schema(text, text, uuid, text) IS 'Creates the tenant''s schema, or checks that it belongs to the tenant, binds it as not ready, runs the files that did not run yet, and grants the module''s access role the use of the data.';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tenant_guard FROM PUBLIC;
`;

export interface EnsureProcedures {
  module: string;
  /** The name of the module's database in the registry. */
  databaseName: string;
  /** Names of the procedures in schema public. */
  names: readonly string[];
  roles: ModuleRoles;
  /** Digest of the installed copy. Stored in a comment, where a later check finds it. */
  digest: string;
}

/** The procedure that services call. */
export function ensureName(module: string): string {
  return `ensure_${module}_tenant_schema`;
}

/** The function that runs a file as the role that owns the module's schemas. */
export function runName(module: string): string {
  return `run_${module}_file`;
}

/** Creates the procedures of one module. They can run this module's migrations only. */
export function ensureModuleSql({ module, databaseName, names, roles, digest }: EnsureProcedures): string {
  const run = `tenant_guard.${identifier(runName(module))}(text, text, text)`;
  const routines = names.map((name) => `public.${identifier(name)}`);
  const call = [escapeLiteral(module), escapeLiteral(databaseName), 'tenant_id', 'schema'].join(', ');
  return `
CREATE OR REPLACE FUNCTION tenant_guard.${identifier(runName(module))}(schema text, name text, sql text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER ${settings}
AS $guard$${runBody}
$guard$;
REVOKE ALL ON FUNCTION ${run} FROM PUBLIC;
COMMENT ON FUNCTION ${run} IS ${escapeLiteral(`Runs one file of module ${module} as its owner, which is the role that owns the module's schemas; copy ${digest}.`)};
${roles.owner === undefined ? '' : giveAway(run, identifier(roles.owner))}
${routines
  .map(
    (routine) => `
CREATE OR REPLACE PROCEDURE ${routine}(tenant_id uuid, schema text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $guard$
BEGIN
  PERFORM tenant_guard.ensure_schema(${call});
END
$guard$;
REVOKE ALL ON PROCEDURE ${routine}(uuid, text) FROM PUBLIC;
COMMENT ON PROCEDURE ${routine}(uuid, text) IS ${escapeLiteral(
      `${ensureMark} creates the schema of a tenant's ${module} data with all its tables, or migrates it. All or nothing. ` +
        "The guard refuses services until the registry is told: CALL mark_module_provisioned(tenant_id, module, 'success') there.",
    )};
${roles.access === undefined ? '' : `GRANT EXECUTE ON PROCEDURE ${routine}(uuid, text) TO ${identifier(roles.access)};`}`,
  )
  .join('\n')}`;
}

/** SQL: makes the role the owner of the function. PostgreSQL asks for CREATE on the schema, which the role has only meanwhile. */
function giveAway(routine: string, role: string): string {
  return `GRANT CREATE ON SCHEMA tenant_guard TO ${role};
ALTER FUNCTION ${routine} OWNER TO ${role};
REVOKE CREATE ON SCHEMA tenant_guard FROM ${role};`;
}
