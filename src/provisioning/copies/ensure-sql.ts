import { escapeLiteral } from 'pg';
import { identifier } from '../../database/identifier.js';
import { procedureRefusals } from '../../errors.js';
import { applyLock } from '../fence/guard-sql.js';

/** To be raised with every change of the texts below, so that databases get them; a test holds the two together. */
export const ensureVersion = 1;

/** What the comment of each of our procedures in public begins with; without it a routine is somebody else's. */
export const ensureMark = "The tenant registry's:";

/** SQL that refuses: the message begins with the code, its placeholders are filled by the arguments. */
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

/** What a migration means must not depend on the settings of whoever calls. pg_temp comes last, or his tables would be first. */
const settings = `SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET datestyle = 'ISO, MDY'
  SET row_security = off SET client_min_messages = warning`;

const anotherName = 'Choose another schema, and subscribe the tenant with that.';

/**
 * What all modules of a database share, inside the guard's schema; for one simple query in a transaction.
 *
 * Work is split by whom it needs. What only the registry's role may do (make a schema, write a binding) is SECURITY DEFINER and
 * checks everything by itself, for it can be called alone. Migrations run as the role that owns the schema, which
 * no SECURITY DEFINER function can become: as the caller, who is its member.
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
COMMENT ON TABLE tenant_guard.migration IS 'Copy of the modules'' migrations, for ensure_<module>_tenant_schema; renewed by the gateways. Version ${ensureVersion}.';
COMMENT ON COLUMN tenant_guard.migration.module IS 'Whose tenants'' schemas it makes.';
COMMENT ON COLUMN tenant_guard.migration.position IS 'Order in which they run, from 0.';
COMMENT ON COLUMN tenant_guard.migration.name IS 'Folder and file in MODULES_DIR, as in schema_version.migration.';
COMMENT ON COLUMN tenant_guard.migration.sql IS 'What the file says.';
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
      ${raise('55000', 'Migration % was changed after it ran in schema %: put it back and add a new file', 'Nothing was done.', 'file.name', 'schema')};
    END IF;
    BEGIN
      PERFORM set_config('search_path', quote_ident(schema) || ', pg_temp', true);
      -- Where PostgreSQL refuses COMMIT and ROLLBACK: a file cannot end the transaction that keeps "all or nothing".
      EXECUTE file.sql;
      -- Deferred constraints speak now and not at COMMIT, where nobody would know which file they are about.
      SET CONSTRAINTS ALL IMMEDIATE;
      SET CONSTRAINTS ALL DEFERRED;
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
      RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = format('Migration %s failed: %s', file.name, SQLERRM),
        DETAIL = coalesce(nullif(detail, ''), 'Nothing that this call made is left.'),
        HINT = coalesce(nullif(hint, ''), 'Mend the file in MODULES_DIR: gateways renew the copy here.');
    END;
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
    EXECUTE format('INSERT INTO %s (migration, checksum, tenant_id, module) VALUES ($1, $2, $3, $4)', versions)
      USING file.name, file.checksum, tenant, module;
  END LOOP;
END
$guard$;
COMMENT ON FUNCTION tenant_guard.migrate_schema(text, uuid, text, jsonb) IS 'Runs what has not run yet, with the schema alone on the path, as whoever calls.';

CREATE OR REPLACE FUNCTION tenant_guard.prepare_schema(module text, database text, tenant uuid, schema text) RETURNS jsonb
LANGUAGE plpgsql ${settings}
AS $guard$
DECLARE
  -- As the provisioner looks for it: whoever is to own a schema must be who the provisioner may act as.
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
    ${raise('22023', 'schema: must have 1 to 63 bytes and no control characters', 'PostgreSQL would cut a longer name, onto another one.')};
  ELSIF schema ~ '^pg_' OR schema IN ('public', 'information_schema', 'tenant_guard') THEN
    ${raise('22023', 'schema: % is a schema of PostgreSQL, or of the guard, itself', anotherName, 'schema')};
  END IF;

  -- Taken by gateways too, while they make, adopt or drop the schema.
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
    -- Older than the guard, or restored from a dump: then its own version table says whose it is. By its columns, for other
    -- tools call a table of theirs schema_version, too.
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

  -- Of no epoch, so older than whatever the registry will say: until then nobody enters.
  PERFORM pg_advisory_xact_lock(${applyLock('schema')});
  INSERT INTO tenant_guard.binding (schema_name, schema_oid, tenant_id, module, generation, state, epoch, revision)
    VALUES (schema, found.oid, tenant, module, 1, 'not_ready', '', 0)
    ON CONFLICT (schema_name) DO UPDATE SET schema_oid = found.oid WHERE tenant_guard.binding.schema_oid <> found.oid;

  SELECT jsonb_agg(jsonb_build_object('name', copy.name, 'sql', copy.sql, 'checksum', copy.checksum) ORDER BY copy.position) INTO files
    FROM tenant_guard.migration AS copy WHERE copy.module = prepare_schema.module;
  IF found.owner = role THEN
    RETURN jsonb_build_object('role', role, 'migrations', files);
  END IF;
  -- It belongs to the registry's own role, which nobody else can be.
  PERFORM tenant_guard.migrate_schema(module, tenant, schema, files);
  RETURN NULL;
END
$guard$;
COMMENT ON FUNCTION tenant_guard.prepare_schema(text, text, uuid, text) IS 'Makes the tenant''s schema, or finds that it is his, and binds it as not ready. Returns what is to run there and as whom; null: it ran.';

REVOKE ALL ON FUNCTION tenant_guard.migrate_schema(text, uuid, text, jsonb), tenant_guard.prepare_schema(text, text, uuid, text) FROM PUBLIC;
`;

export interface EnsureProcedures {
  module: string;
  /** As the registry calls it. */
  databaseName: string;
  /** Names of procedures in public; the first does the work. */
  names: readonly string[];
  /** Who may call them besides the owner. */
  role: string | undefined;
  /** Of everything that was installed, to be found again by a look. */
  digest: string;
}

/** The name under which services know it. */
export function ensureName(module: string): string {
  return `ensure_${module}_tenant_schema`;
}

export function prepareName(module: string): string {
  return `prepare_${module}_schema`;
}

/** What one module has in its database; each can reach its own module's migrations alone. */
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
      `${ensureMark} makes the schema of a tenant's ${module} data with all its tables, or brings it up to date. ` +
        "All or nothing, and nobody enters it before the registry has heard of it: CALL mark_module_provisioned(tenant_id, module, 'success') there.",
    )};
${grant ? `GRANT EXECUTE ON PROCEDURE ${routine}(uuid, text) ${grant};` : ''}`,
  )
  .join('\n')}`;
}
