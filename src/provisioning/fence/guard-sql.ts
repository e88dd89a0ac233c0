import { guardRefusals } from '../../errors.js';

/** Raise it with every change of the SQL below, so that databases are upgraded; a test checks this. */
export const guardVersion = 3;

/** SQL: key of the lock that every session inside a schema shares until the end of its transaction. */
export function enteredLock(schemaName: string): string {
  return `hashtextextended('tenant_guard/enter/' || ${schemaName}, 0)`;
}

/** SQL: key of the exclusive lock for changes of a schema's binding. */
export function applyLock(schemaName: string): string {
  return `hashtextextended('tenant_guard/apply/' || ${schemaName}, 0)`;
}

type Refusal = (typeof guardRefusals)[keyof typeof guardRefusals];

/** SQL that raises the refusal. The message starts with the code; the arguments fill its placeholders. */
function raise(code: Refusal, message: string, ...values: string[]): string {
  const sqlState = Object.entries(guardRefusals).find(([, refusal]) => refusal === code)?.[0];
  const parts = [`'${code}: ${message.replaceAll("'", "''")}'`, ...values];
  return `RAISE EXCEPTION ${parts.join(', ')} USING ERRCODE = '${sqlState}'`;
}

/**
 * Creates the guard schema or upgrades an older version. To be sent as one simple query inside a transaction.
 *
 * `enter` takes the lock first and reads the binding in a later statement, whose snapshot in READ COMMITTED is newer than the
 * lock. So either `enter` sees a committed suspension, or the suspension, which looks for lock holders after its commit, sees
 * the lock. In REPEATABLE READ and SERIALIZABLE the snapshot may be older than the lock. There xmax in the header of the visible
 * row version tells, independently of the snapshot, whether the version was replaced or deleted since. FOR SHARE would tell
 * that as well, but it is refused in READ ONLY transactions, and a suspension would have to wait for it.
 */
export const guardSql = `
CREATE SCHEMA IF NOT EXISTS tenant_guard;
REVOKE ALL ON SCHEMA tenant_guard FROM PUBLIC;

CREATE TABLE IF NOT EXISTS tenant_guard.binding (
  -- The name becomes the search_path, where "$user" and pg_temp mean other schemas. The other names never hold a tenant.
  schema_name text COLLATE "C" PRIMARY KEY
    CHECK (schema_name !~ '^pg_' AND schema_name NOT IN ('', '$user', 'information_schema', 'tenant_guard')),
  schema_oid oid NOT NULL,
  tenant_id uuid NOT NULL,
  module varchar(31) NOT NULL,
  generation int NOT NULL,
  state text NOT NULL CHECK (state IN ('active', 'suspended', 'closed', 'not_ready')),
  epoch text NOT NULL,
  revision bigint NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- Not in the tenants' schemas: the owner of a schema could replace the table by a view, or give it a trigger.
CREATE TABLE IF NOT EXISTS tenant_guard.schema_version (
  schema_name text COLLATE "C" NOT NULL,
  schema_oid oid NOT NULL,
  migration varchar(200) COLLATE "C" NOT NULL,
  checksum char(64) NOT NULL,
  tenant_id uuid NOT NULL,
  module varchar(31) NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (schema_name, migration)
);

CREATE TABLE IF NOT EXISTS tenant_guard.lone_migration (
  schema_name text COLLATE "C" NOT NULL,
  schema_oid oid NOT NULL,
  migration varchar(200) COLLATE "C" NOT NULL,
  checksum char(64) NOT NULL,
  object text NOT NULL,
  attempts int NOT NULL DEFAULT 1,
  started_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (schema_name, migration)
);

CREATE OR REPLACE FUNCTION tenant_guard.is_newest(changed_by xid) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $guard$
DECLARE
  -- An xid has 32 bits and wraps around; this computes the nearest 64-bit transaction id.
  near bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
  distance bigint := mod(changed_by::text::bigint - mod(near, 4294967296) + 6442450944, 4294967296) - 2147483648;
BEGIN
  IF current_setting('transaction_isolation') IN ('read committed', 'read uncommitted') THEN
    RETURN true;
  END IF;
  RETURN coalesce(pg_xact_status((near + distance)::text::xid8), 'aborted') = 'aborted';
END
$guard$;

CREATE OR REPLACE FUNCTION tenant_guard.refuse(tenant uuid, schema_name text, generation int) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $guard$
DECLARE
  bound tenant_guard.binding;
BEGIN
  IF pg_is_in_recovery() THEN
    ${raise('REGISTRY_UNAVAILABLE', 'this server is a standby and may lack recent suspensions: connect to the primary')};
  END IF;
  SELECT * INTO bound FROM tenant_guard.binding AS b
  WHERE b.schema_name = refuse.schema_name AND b.tenant_id = tenant AND b.generation = refuse.generation;
  IF bound.state IS NULL THEN
    ${raise('ROUTE_STALE', 'schema % does not hold generation % of tenant % (any more): resolve the route again', 'refuse.schema_name', 'refuse.generation', 'tenant')};
  ELSIF bound.state = 'suspended' THEN
    ${raise('TENANT_SUSPENDED', 'schema % is closed while tenant % is suspended: resumeTenant opens it', 'refuse.schema_name', 'tenant')};
  ELSIF bound.state = 'closed' THEN
    ${raise('MODULE_NOT_SUBSCRIBED', 'tenant % was deleted or unsubscribed from module %: restore or subscribe it', 'tenant', 'bound.module')};
  ELSIF bound.state = 'not_ready' THEN
    ${raise('TENANT_NOT_READY', 'schema % of tenant % is being created or changed: try again later', 'refuse.schema_name', 'tenant')};
  ELSIF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    RAISE EXCEPTION 'ROUTE_STALE: the binding of schema % may have changed after this transaction began: run it again', refuse.schema_name
      USING ERRCODE = 'serialization_failure';
  END IF;
  ${raise('TENANT_NOT_READY', 'the binding of schema % is being changed at this moment: try again', 'refuse.schema_name')};
END
$guard$;

CREATE OR REPLACE FUNCTION tenant_guard.enter(tenant uuid, schema_name text, generation int) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $guard$
DECLARE
  path text;
  changed_by xid;
BEGIN
  IF pg_try_advisory_xact_lock_shared(${enteredLock('enter.schema_name')}) AND NOT pg_is_in_recovery() THEN
    SELECT '"' || replace(b.schema_name, '"', '""') || '"', b.xmax INTO path, changed_by
    FROM tenant_guard.binding AS b
    WHERE b.schema_name = enter.schema_name AND b.tenant_id = tenant AND b.generation = enter.generation
      AND b.state = 'active';
    IF changed_by = '0' THEN
      RETURN path;
    ELSIF tenant_guard.is_newest(changed_by) THEN
      RETURN path;
    END IF;
  END IF;
  RETURN tenant_guard.refuse(tenant, enter.schema_name, enter.generation);
END
$guard$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tenant_guard FROM PUBLIC;

-- Revokes what ALTER DEFAULT PRIVILEGES granted to other roles when the tables were created.
DO $guard$
DECLARE
  found record;
BEGIN
  FOR found IN
    SELECT DISTINCT class.oid::regclass AS name, granted.grantee::regrole FROM pg_class AS class, aclexplode(relacl) AS granted
    WHERE class.oid IN ('tenant_guard.binding'::regclass, 'tenant_guard.schema_version'::regclass, 'tenant_guard.lone_migration'::regclass)
      AND granted.grantee NOT IN (0, relowner)
  LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s', found.name, found.grantee);
  END LOOP;
END
$guard$;
REVOKE ALL ON tenant_guard.binding, tenant_guard.schema_version, tenant_guard.lone_migration FROM PUBLIC;

COMMENT ON TABLE tenant_guard.binding IS 'The tenant that each schema of this database belongs to, and whether services may enter it. Only the registry writes it.';
COMMENT ON COLUMN tenant_guard.binding.schema_name IS 'The schema; public in a tenant''s own database. A schema has one binding.';
COMMENT ON COLUMN tenant_guard.binding.schema_oid IS 'OID of the schema when it was bound. Another schema of the same name is not the tenant''s.';
COMMENT ON COLUMN tenant_guard.binding.tenant_id IS 'The tenant whose data the schema holds.';
COMMENT ON COLUMN tenant_guard.binding.module IS 'The module whose tables the schema holds.';
COMMENT ON COLUMN tenant_guard.binding.generation IS 'Generation of the route. A session with another generation is refused.';
COMMENT ON COLUMN tenant_guard.binding.state IS 'active: services may enter. suspended, closed (tenant deleted or unsubscribed) and not_ready: they are refused.';
COMMENT ON COLUMN tenant_guard.binding.epoch IS 'Epoch of the registry that the revision belongs to. Empty until the registry writes its state.';
COMMENT ON COLUMN tenant_guard.binding.revision IS 'Revision of the registry that this state is from.';
COMMENT ON COLUMN tenant_guard.binding.updated_at IS 'When the row was written.';
COMMENT ON TABLE tenant_guard.schema_version IS 'The migrations that ran in each schema of this database, and the tenant and module they ran for. Only the registry writes it.';
COMMENT ON COLUMN tenant_guard.schema_version.schema_name IS 'The schema; public in a tenant''s own database.';
COMMENT ON COLUMN tenant_guard.schema_version.schema_oid IS 'OID of the schema when the migration ran. Another schema of the same name has not run it.';
COMMENT ON COLUMN tenant_guard.schema_version.migration IS 'Folder and file name in MODULES_DIR, such as finance/0001_accounts_receivable.sql.';
COMMENT ON COLUMN tenant_guard.schema_version.checksum IS 'SHA-256 of the file that ran.';
COMMENT ON COLUMN tenant_guard.schema_version.tenant_id IS 'The tenant whose data the schema holds.';
COMMENT ON COLUMN tenant_guard.schema_version.module IS 'The module whose tables the schema holds.';
COMMENT ON COLUMN tenant_guard.schema_version.applied_at IS 'When the migration ran.';
COMMENT ON TABLE tenant_guard.lone_migration IS 'Migrations that run outside a transaction and have begun in a schema. The row is deleted when the migration is recorded in schema_version. Only the registry writes it.';
COMMENT ON COLUMN tenant_guard.lone_migration.schema_name IS 'The schema; public in a tenant''s own database.';
COMMENT ON COLUMN tenant_guard.lone_migration.schema_oid IS 'OID of the schema when the migration began. In another schema of the same name nothing has begun.';
COMMENT ON COLUMN tenant_guard.lone_migration.migration IS 'Folder and file name in MODULES_DIR.';
COMMENT ON COLUMN tenant_guard.lone_migration.checksum IS 'SHA-256 of the file that began.';
COMMENT ON COLUMN tenant_guard.lone_migration.object IS 'What the statement makes or changes, such as an index. It did not exist before, or not in this form, so what an interrupted attempt has left under this name is the registry''s.';
COMMENT ON COLUMN tenant_guard.lone_migration.attempts IS 'How often the statement was begun.';
COMMENT ON COLUMN tenant_guard.lone_migration.started_at IS 'When the last attempt began.';
COMMENT ON FUNCTION tenant_guard.enter(uuid, text, int) IS 'Returns the search_path of a tenant''s schema, or raises the refusal: SELECT set_config(''search_path'', tenant_guard.enter($1, $2, $3), true). Holds a lock until the end of the transaction, by which the registry sees that a session is inside.';
COMMENT ON FUNCTION tenant_guard.refuse(uuid, text, int) IS 'Raises the reason why enter refuses; never returns.';
COMMENT ON FUNCTION tenant_guard.is_newest(xid) IS 'Whether a row version with this xmax is still the newest, for transactions whose snapshot is older than their lock.';
COMMENT ON SCHEMA tenant_guard IS 'The tenant registry''s fence, version ${guardVersion}: which tenant may use which schema of this database.';
`;
