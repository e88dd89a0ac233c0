import { guardRefusals } from '../../errors.js';

/** To be raised with every change of the text below, so that databases get it; a test holds the two together. */
export const guardVersion = 1;

/** SQL: key of the lock that whoever entered a schema shares until the end of the transaction. */
export function enteredLock(schemaName: string): string {
  return `hashtextextended('tenant_guard/enter/' || ${schemaName}, 0)`;
}

/** SQL: key of the lock under which a schema's binding is changed. */
export function applyLock(schemaName: string): string {
  return `hashtextextended('tenant_guard/apply/' || ${schemaName}, 0)`;
}

type Refusal = (typeof guardRefusals)[keyof typeof guardRefusals];

/** SQL that refuses: the message begins with the code, its placeholders are filled by the arguments. */
function raise(code: Refusal, message: string, ...values: string[]): string {
  const sqlState = Object.entries(guardRefusals).find(([, refusal]) => refusal === code)?.[0];
  const parts = [`'${code}: ${message.replaceAll("'", "''")}'`, ...values];
  return `RAISE EXCEPTION ${parts.join(', ')} USING ERRCODE = '${sqlState}'`;
}

/**
 * The guard schema, for the text of one simple query inside a transaction; it can run over an older version of itself.
 *
 * The lock comes first and the binding is read after it, by a statement of its own, whose snapshot in READ COMMITTED is
 * taken then: either this sees what a suspend committed, or the suspend, which looks for holders after its commit, sees the
 * lock. In REPEATABLE READ and SERIALIZABLE the snapshot may be older than the lock. There the header of the row version
 * that it shows tells, whatever the snapshot, whether somebody has replaced or removed that version: then it is no
 * longer the binding. FOR SHARE would tell that too, but not in READ ONLY transactions, and a suspend would wait for it.
 */
export const guardSql = `
CREATE SCHEMA IF NOT EXISTS tenant_guard;
REVOKE ALL ON SCHEMA tenant_guard FROM PUBLIC;

CREATE TABLE IF NOT EXISTS tenant_guard.binding (
  -- The path is made of the name: "$user" and pg_temp would be other schemas there, the rest is nobody's.
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

CREATE OR REPLACE FUNCTION tenant_guard.is_newest(changed_by xid) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $guard$
DECLARE
  -- Transaction ids of 32 bits go round; the nearest of 64 bits is meant.
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
    ${raise('REGISTRY_UNAVAILABLE', 'this server is a standby and may not know yet who was suspended: enter on the primary')};
  END IF;
  SELECT * INTO bound FROM tenant_guard.binding AS b
  WHERE b.schema_name = refuse.schema_name AND b.tenant_id = tenant AND b.generation = refuse.generation;
  IF bound.state IS NULL THEN
    ${raise('ROUTE_STALE', 'schema % is not generation % of tenant %, or no longer: ask the registry for the route again', 'refuse.schema_name', 'refuse.generation', 'tenant')};
  ELSIF bound.state = 'suspended' THEN
    ${raise('TENANT_SUSPENDED', 'schema % is closed while tenant % is suspended: resumeTenant opens it', 'refuse.schema_name', 'tenant')};
  ELSIF bound.state = 'closed' THEN
    ${raise('MODULE_NOT_SUBSCRIBED', 'tenant % was deleted or left module %: restore or subscribe it', 'tenant', 'bound.module')};
  ELSIF bound.state = 'not_ready' THEN
    ${raise('TENANT_NOT_READY', 'schema % of tenant % is being made or changed: try again later', 'refuse.schema_name', 'tenant')};
  ELSIF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    RAISE EXCEPTION 'ROUTE_STALE: the binding of schema % may have changed after this transaction began: run it again', refuse.schema_name
      USING ERRCODE = 'serialization_failure';
  END IF;
  ${raise('TENANT_NOT_READY', 'the binding of schema % is changing at this moment: try again', 'refuse.schema_name')};
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

-- What default privileges gave to others when the table was made.
DO $guard$
DECLARE
  reader regrole;
BEGIN
  FOR reader IN
    SELECT DISTINCT granted.grantee::regrole FROM pg_class, aclexplode(relacl) AS granted
    WHERE pg_class.oid = 'tenant_guard.binding'::regclass AND granted.grantee NOT IN (0, relowner)
  LOOP
    EXECUTE format('REVOKE ALL ON tenant_guard.binding FROM %s', reader);
  END LOOP;
END
$guard$;
REVOKE ALL ON tenant_guard.binding FROM PUBLIC;

COMMENT ON TABLE tenant_guard.binding IS 'Whose each schema of this database is and whether it may be entered. Written by the registry alone.';
COMMENT ON COLUMN tenant_guard.binding.schema_name IS 'The schema; public in a database of the tenant''s own. One binding per schema, whatever the module.';
COMMENT ON COLUMN tenant_guard.binding.schema_oid IS 'The schema as it was bound: another one under the same name is not the tenant''s.';
COMMENT ON COLUMN tenant_guard.binding.tenant_id IS 'The tenant whose data the schema holds.';
COMMENT ON COLUMN tenant_guard.binding.module IS 'The module whose tables the schema holds.';
COMMENT ON COLUMN tenant_guard.binding.generation IS 'Generation of the route: who knows an older or newer one is refused.';
COMMENT ON COLUMN tenant_guard.binding.state IS 'active: may be entered; suspended, closed (tenant deleted or module left), not_ready: may not.';
COMMENT ON COLUMN tenant_guard.binding.epoch IS 'History of the registry that the revision belongs to; empty: made, and not yet told by the registry.';
COMMENT ON COLUMN tenant_guard.binding.revision IS 'Revision of the registry at which this was so.';
COMMENT ON COLUMN tenant_guard.binding.updated_at IS 'When this was written here.';
COMMENT ON FUNCTION tenant_guard.enter(uuid, text, int) IS 'The search_path of a tenant''s schema, or an error: SELECT set_config(''search_path'', tenant_guard.enter($1, $2, $3), true). Until the end of the transaction the registry knows that somebody is inside.';
COMMENT ON FUNCTION tenant_guard.refuse(uuid, text, int) IS 'Says why enter lets nobody in; never returns.';
COMMENT ON FUNCTION tenant_guard.is_newest(xid) IS 'Whether a row version with this xmax is still the newest: for transactions whose snapshot is older than their lock.';
COMMENT ON SCHEMA tenant_guard IS 'The tenant registry''s fence, version ${guardVersion}: who may enter which schema of this database.';
`;
