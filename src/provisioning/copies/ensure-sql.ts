import { escapeLiteral } from 'pg';
import { identifier } from '../../database/identifier.js';
import { procedureRefusals } from '../../errors.js';
import { applyLock } from '../fence/guard-sql.js';

/** Raise it with every change of the SQL below, so that databases are upgraded; a test checks this. */
export const ensureVersion = 1;

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

/** Makes migrations independent of the caller's settings. pg_temp comes last, so that the caller's temporary tables hide no others. */
const settings = `SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET datestyle = 'ISO, MDY'
  SET row_security = off SET client_min_messages = warning`;

const anotherName = 'Choose another schema, and subscribe the tenant with that.';

/**
 * Creates the table and functions that all modules of a database share. To be sent as one simple query in a transaction.
 *
 * The work is split by the role that it needs. Creating a schema and writing a binding need the registry's role: that function is
 * SECURITY DEFINER and checks all its arguments, because it can be called directly. Migrations need the role that owns the
 * schema. A SECURITY DEFINER function cannot SET ROLE, so they run as the caller, who is a member of that role.
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
REVOKE ALL ON tenant_guard.migration FROM PUBLIC;
COMMENT ON TABLE tenant_guard.migration IS 'Copy of the modules'' migrations, which ensure_<module>_tenant_schema runs. Gateways keep it up to date. Version ${ensureVersion}.';
COMMENT ON COLUMN tenant_guard.migration.module IS 'The module.';
COMMENT ON COLUMN tenant_guard.migration.position IS 'Place in the order in which the files run, from 0.';
COMMENT ON COLUMN tenant_guard.migration.name IS 'Folder and file name in MODULES_DIR, as in schema_version.migration.';
COMMENT ON COLUMN tenant_guard.migration.sql IS 'The content of the file.';
COMMENT ON COLUMN tenant_guard.migration.checksum IS 'SHA-256 of the file, as in schema_version.checksum.';

CREATE OR REPLACE FUNCTION tenant_guard.migrate_schema(module text, tenant uuid, schema text, migrations jsonb) RETURNS void
LANGUAGE plpgsql ${settings}
AS $guard$
DECLARE
  versions text := format('%I.schema_version', schema);
  file record;
  ran text;
  detail text;
  hint text;
BEGIN
  EXECUTE format('CREATE TABLE IF NOT EXISTS %s (
    migration varchar(200) PRIMARY KEY,
    checksum char(64) NOT NULL,
    tenant_id uuid NOT NULL,
    module varchar(31) NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  )', versions);
  FOR file IN
    SELECT body ->> 'name' AS name, body ->> 'sql' AS sql, body ->> 'checksum' AS checksum
    FROM jsonb_array_elements(migrations) WITH ORDINALITY AS listed (body, place) ORDER BY place
  LOOP
    EXECUTE format('SELECT checksum FROM %s WHERE migration = $1', versions) INTO ran USING file.name;
    IF ran = file.checksum THEN
      CONTINUE;
    ELSIF ran IS NOT NULL THEN
      ${raise('55000', 'Migration % was changed after it ran in schema %: restore the file and add a new one', 'Nothing was changed.', 'file.name', 'schema')};
    END IF;
    BEGIN
      PERFORM set_config('search_path', quote_ident(schema) || ', pg_temp', true);
      -- EXECUTE refuses COMMIT and ROLLBACK, so a file cannot end the transaction that makes the call all or nothing.
      EXECUTE file.sql;
      -- Checks deferred constraints now: at COMMIT the error could not be attributed to a file.
      SET CONSTRAINTS ALL IMMEDIATE;
      SET CONSTRAINTS ALL DEFERRED;
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
      RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = format('Migration %s failed: %s', file.name, SQLERRM),
        DETAIL = coalesce(nullif(detail, ''), 'Everything that this call did was rolled back.'),
        HINT = coalesce(nullif(hint, ''), 'Correct the file in MODULES_DIR; gateways then update the copy in this database.');
    END;
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
    EXECUTE format('INSERT INTO %s (migration, checksum, tenant_id, module) VALUES ($1, $2, $3, $4)', versions)
      USING file.name, file.checksum, tenant, module;
  END LOOP;
END
$guard$;
COMMENT ON FUNCTION tenant_guard.migrate_schema(text, uuid, text, jsonb) IS 'Runs the migrations that have not run yet, as the caller, with search_path set to the schema alone.';

CREATE OR REPLACE FUNCTION tenant_guard.prepare_schema(module text, database text, tenant uuid, schema text) RETURNS jsonb
LANGUAGE plpgsql ${settings}
AS $guard$
DECLARE
  -- The same query as the provisioner's: it must be able to act as the role that will own the schema.
  role name := (SELECT rolname FROM pg_roles WHERE rolname = module || '_tenants' AND pg_has_role(oid, 'USAGE')
    AND pg_has_role(oid, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END));
  found record;
  bound tenant_guard.binding;
  made_for uuid;
  made_as text;
  files jsonb;
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
    EXECUTE format(CASE WHEN role IS NULL THEN 'CREATE SCHEMA %I' ELSE 'CREATE SCHEMA %I AUTHORIZATION %I' END, schema, role);
    SELECT namespace.oid, pg_get_userbyid(nspowner) AS owner INTO found FROM pg_namespace AS namespace WHERE nspname = schema;
  ELSIF bound.schema_oid IS DISTINCT FROM found.oid THEN
    -- The schema is older than the guard or was restored from a dump: its version table names the owner. The columns are
    -- checked, because other tools also have a table named schema_version.
    IF (SELECT count(*) FROM pg_class AS class JOIN pg_attribute ON attrelid = class.oid
        WHERE relnamespace = found.oid AND relname = 'schema_version' AND relkind = 'r' AND attname IN ('tenant_id', 'module')) = 2 THEN
      EXECUTE format('SELECT tenant_id, module FROM %I.schema_version LIMIT 1', schema) INTO made_for, made_as;
    END IF;
    IF made_for IS NULL THEN
      ${raise('42P06', 'Schema % exists already and was not made by the registry', anotherName, 'schema')};
    ELSIF made_for <> tenant OR made_as <> module THEN
      ${raise('42P06', 'Schema % exists already and belongs to tenant %, module %', anotherName, 'schema', 'made_for', 'made_as')};
    END IF;
  END IF;

  -- Without an epoch, so that any state of the registry replaces it. Until then the guard refuses every session.
  PERFORM pg_advisory_xact_lock(${applyLock('schema')});
  INSERT INTO tenant_guard.binding (schema_name, schema_oid, tenant_id, module, generation, state, epoch, revision)
    VALUES (schema, found.oid, tenant, module, 1, 'not_ready', '', 0)
    ON CONFLICT (schema_name) DO UPDATE SET schema_oid = found.oid WHERE tenant_guard.binding.schema_oid <> found.oid;

  SELECT jsonb_agg(jsonb_build_object('name', copy.name, 'sql', copy.sql, 'checksum', copy.checksum) ORDER BY copy.position) INTO files
    FROM tenant_guard.migration AS copy WHERE copy.module = prepare_schema.module;
  IF found.owner = role THEN
    RETURN jsonb_build_object('role', role, 'migrations', files);
  END IF;
  -- The schema belongs to the registry's own role, which the caller cannot act as.
  PERFORM tenant_guard.migrate_schema(module, tenant, schema, files);
  RETURN NULL;
END
$guard$;
COMMENT ON FUNCTION tenant_guard.prepare_schema(text, text, uuid, text) IS 'Creates the tenant''s schema, or checks that it belongs to the tenant, and binds it as not ready. Returns the migrations to run and the role to run them as; null when they have run.';

REVOKE ALL ON FUNCTION tenant_guard.migrate_schema(text, uuid, text, jsonb), tenant_guard.prepare_schema(text, text, uuid, text) FROM PUBLIC;
`;

export interface EnsureProcedures {
  module: string;
  /** The name of the module's database in the registry. */
  databaseName: string;
  /** Names of the procedures in schema public. */
  names: readonly string[];
  /** The role that may call them, besides the owner. */
  role: string | undefined;
  /** Digest of the installed copy. Stored in a comment, where a later check finds it. */
  digest: string;
}

/** The procedure that services call. */
export function ensureName(module: string): string {
  return `ensure_${module}_tenant_schema`;
}

export function prepareName(module: string): string {
  return `prepare_${module}_schema`;
}

/** Creates the procedures of one module. They can run this module's migrations only. */
export function ensureModuleSql({ module, databaseName, names, role, digest }: EnsureProcedures): string {
  const prepare = `tenant_guard.${identifier(prepareName(module))}`;
  const routines = names.map((name) => `public.${identifier(name)}`);
  const literal = escapeLiteral(module);
  const work = `
  before text := current_setting('role');
  work jsonb := ${prepare}(tenant_id, schema);
BEGIN
  IF work IS NULL THEN
    RETURN;
  END IF;
  EXECUTE format('SET LOCAL ROLE %I', work ->> 'role');
  PERFORM tenant_guard.migrate_schema(${literal}, tenant_id, schema, work -> 'migrations');
  EXECUTE 'SET LOCAL ROLE ' || CASE before WHEN 'none' THEN 'NONE' ELSE quote_ident(before) END;
END`;
  const grant = role === undefined ? undefined : `TO ${identifier(role)}`;
  return `
CREATE OR REPLACE FUNCTION ${prepare}(tenant uuid, schema text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER ${settings}
AS $guard$
BEGIN
  RETURN tenant_guard.prepare_schema(${literal}, ${escapeLiteral(databaseName)}, tenant, schema);
END
$guard$;
REVOKE ALL ON FUNCTION ${prepare}(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION ${prepare}(uuid, text) IS ${escapeLiteral(`prepare_schema for module ${module}; copy ${digest}.`)};
${grant ? `GRANT EXECUTE ON FUNCTION ${prepare}(uuid, text), tenant_guard.migrate_schema(text, uuid, text, jsonb) ${grant};` : ''}
${routines
  .map(
    (routine) => `
CREATE OR REPLACE PROCEDURE ${routine}(tenant_id uuid, schema text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $guard$
DECLARE${work}
$guard$;
REVOKE ALL ON PROCEDURE ${routine}(uuid, text) FROM PUBLIC;
COMMENT ON PROCEDURE ${routine}(uuid, text) IS ${escapeLiteral(
      `${ensureMark} creates the schema of a tenant's ${module} data with all its tables, or migrates it. All or nothing. ` +
        "The guard refuses services until the registry is told: CALL mark_module_provisioned(tenant_id, module, 'success') there.",
    )};
${grant ? `GRANT EXECUTE ON PROCEDURE ${routine}(uuid, text) ${grant};` : ''}`,
  )
  .join('\n')}`;
}
