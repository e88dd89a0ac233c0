-- External ids: the ids under which older platforms know a tenant. They resolve as the slug does, so a name means one tenant for ever,
-- whether it is a slug or an external id. Rows are never deleted and never move: all ids that a tenant has ever had can be read at any
-- later time, and with them which cached answers a change of the tenant makes invalid.

CREATE TYPE "external_id_status" AS ENUM ('active', 'removed');

CREATE TABLE "tenant_external_ids" (
    "external_id" TEXT NOT NULL,
    "tenant_id" UUID NOT NULL,
    "status" "external_id_status" NOT NULL DEFAULT 'active',
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT,
    "removed_at" TIMESTAMPTZ(6),

    CONSTRAINT "tenant_external_ids_pkey" PRIMARY KEY ("external_id"),
    -- The same rule as findExternalIdProblem in src/registry/external-id.ts; a test compares the two.
    CONSTRAINT "tenant_external_ids_form" CHECK (external_id ~ '^[A-Za-z0-9_][A-Za-z0-9._~:@=|+-]{0,99}$'),
    CONSTRAINT "tenant_external_ids_is_no_uuid" CHECK (replace(lower(external_id), '-', '') !~ '^[0-9a-f]{32}$'),
    CONSTRAINT "tenant_external_ids_removal_has_date" CHECK ((status = 'removed') = (removed_at IS NOT NULL))
);
CREATE INDEX "tenant_external_ids_tenant_id_idx" ON "tenant_external_ids"("tenant_id");
ALTER TABLE "tenant_external_ids" ADD CONSTRAINT "tenant_external_ids_tenant_id_fkey"
  FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

SELECT registry_protect_rows('tenant_external_ids', 'tenant_id = (SELECT registry_visible_tenant())', true);

-- An INSERT by hand needs only external_id and tenant_id, and UPDATE … SET status = 'removed' is enough to remove one.
CREATE FUNCTION tenant_external_ids_maintain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  -- tenant_external_ids_name_tenant writes the tenant at COMMIT, when the head row may be locked: no lock may be waited for then.
  PERFORM FROM tenants WHERE id = NEW.tenant_id FOR UPDATE;
  IF TG_OP = 'INSERT' THEN
    NEW.created_by := coalesce(NEW.created_by, registry_actor());
  ELSIF (NEW.external_id, NEW.tenant_id) <> (OLD.external_id, OLD.tenant_id) THEN
    RAISE EXCEPTION 'External id "%" stays with tenant %, and is never changed', OLD.external_id, OLD.tenant_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'tenant_external_ids_identity', HINT = 'Set status = ''removed'', and insert another id.';
  END IF;
  NEW.removed_at := CASE WHEN NEW.status = 'removed' THEN coalesce(NEW.removed_at, now()) END;
  RETURN NEW;
END
$$;
CREATE TRIGGER tenant_external_ids_maintain BEFORE INSERT OR UPDATE ON tenant_external_ids
  FOR EACH ROW EXECUTE FUNCTION tenant_external_ids_maintain();
CREATE TRIGGER tenant_external_ids_refuse_delete BEFORE DELETE ON tenant_external_ids
  FOR EACH ROW EXECUTE FUNCTION registry_refuse('Set status = ''removed'': the id stays with its tenant.');
CREATE TRIGGER tenant_external_ids_refuse_truncate BEFORE TRUNCATE ON tenant_external_ids
  EXECUTE FUNCTION registry_refuse('Change rows one by one: TRUNCATE would leave no trace in the change log.');

CREATE CONSTRAINT TRIGGER tenant_external_ids_record_change AFTER INSERT OR UPDATE OR DELETE ON tenant_external_ids
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION registry_record_change('external_id');

-- No unique index spans two tables. Every writer of a slug or of an external id locks the head row before it commits, so whoever holds
-- it sees every name that was committed before its own. A transaction whose snapshot is older, in REPEATABLE READ or SERIALIZABLE, gets a
-- serialization failure from the head row.
CREATE FUNCTION tenants_refuse_external_id() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  taker uuid;
BEGIN
  PERFORM FROM registry_head FOR UPDATE;
  SELECT tenant_id INTO taker FROM tenant_external_ids WHERE external_id = NEW.slug;
  IF FOUND THEN
    RAISE EXCEPTION 'Slug "%" is an external id of tenant %', NEW.slug, taker
      USING ERRCODE = 'unique_violation', CONSTRAINT = 'tenants_slug_is_no_external_id', HINT = 'Choose another slug: external ids stay with their tenant.';
  END IF;
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER tenants_refuse_external_id AFTER INSERT ON tenants
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tenants_refuse_external_id();

CREATE FUNCTION tenant_external_ids_refuse_slug() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  most constant int := 20;
  taker uuid;
BEGIN
  PERFORM FROM registry_head FOR UPDATE;
  SELECT id INTO taker FROM tenants WHERE slug = NEW.external_id;
  IF FOUND THEN
    RAISE EXCEPTION 'External id "%" is the slug of tenant %', NEW.external_id, taker
      USING ERRCODE = 'unique_violation', CONSTRAINT = 'tenant_external_ids_is_no_slug', HINT = 'Slugs stay with their tenant, also of deleted tenants.';
  END IF;
  -- Removed ones count, because every change of the tenant names all of them.
  IF (SELECT count(*) FROM tenant_external_ids WHERE tenant_id = NEW.tenant_id) > most THEN
    RAISE EXCEPTION 'Tenant % has % external ids already, removed ones included', NEW.tenant_id, most
      USING ERRCODE = 'check_violation', CONSTRAINT = 'tenant_external_ids_limit', HINT = 'A tenant has at most 20; a removed one can be added again.';
  END IF;
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER tenant_external_ids_refuse_slug AFTER INSERT ON tenant_external_ids
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tenant_external_ids_refuse_slug();

REVOKE ALL ON ALL ROUTINES IN SCHEMA public FROM PUBLIC;

COMMENT ON TYPE external_id_status IS 'State of an external id: active (resolves) or removed (does not resolve, and stays with its tenant).';
COMMENT ON TABLE tenant_external_ids IS 'Ids under which older platforms know a tenant, such as tn_acme; each resolves like the slug. Rows are never deleted and never move to another tenant. At most 20 per tenant, removed ones included. Written by the commands of the registry, by procedures or by hand; registry_change records each change.';
COMMENT ON COLUMN tenant_external_ids.external_id IS 'The id, 1 to 100 of the characters A-Z a-z 0-9 . _ ~ : @ = | + and -, beginning with a letter, a digit or _; upper and lower case differ. It does not look like a UUID and is no slug. Never changes.';
COMMENT ON COLUMN tenant_external_ids.tenant_id IS 'Tenant that the id means. Never changes.';
COMMENT ON COLUMN tenant_external_ids.status IS 'State of the id: active (resolves) or removed (does not resolve; the same tenant can have it again, no other can).';
COMMENT ON COLUMN tenant_external_ids.created_at IS 'Time when the tenant first got the id.';
COMMENT ON COLUMN tenant_external_ids.created_by IS 'Actor who gave the tenant the id, in the form of registry_change.actor; set by trigger unless given.';
COMMENT ON COLUMN tenant_external_ids.removed_at IS 'Time of the removal; set by trigger, cleared when the tenant gets the id again.';
COMMENT ON CONSTRAINT tenant_external_ids_form ON tenant_external_ids IS 'Characters that need no quoting in headers, lists, CSV files and paths of URLs.';
COMMENT ON CONSTRAINT tenant_external_ids_is_no_uuid ON tenant_external_ids IS 'An external id is never taken for the id of a tenant.';
COMMENT ON CONSTRAINT tenant_external_ids_removal_has_date ON tenant_external_ids IS 'A removed id has the time of its removal.';
COMMENT ON CONSTRAINT tenant_external_ids_tenant_id_fkey ON tenant_external_ids IS 'The tenant of an external id stays.';
COMMENT ON FUNCTION tenant_external_ids_maintain() IS 'Trigger function: locks the tenant, fills created_by and removed_at, and refuses another id or tenant.';
COMMENT ON FUNCTION tenants_refuse_external_id() IS 'Trigger function: refuses a slug that is an external id.';
COMMENT ON FUNCTION tenant_external_ids_refuse_slug() IS 'Trigger function: refuses an external id that is a slug, and more than 20 per tenant.';
COMMENT ON TRIGGER tenant_external_ids_maintain ON tenant_external_ids IS 'Locks the tenant, fills created_by and removed_at, and refuses another id or tenant.';
COMMENT ON TRIGGER tenant_external_ids_refuse_delete ON tenant_external_ids IS 'Refuses DELETE: the id stays with its tenant.';
COMMENT ON TRIGGER tenant_external_ids_refuse_truncate ON tenant_external_ids IS 'Refuses TRUNCATE, which would bypass the change log.';
COMMENT ON TRIGGER tenant_external_ids_record_change ON tenant_external_ids IS 'Records each change in the change log.';
COMMENT ON TRIGGER tenant_external_ids_refuse_slug ON tenant_external_ids IS 'Refuses an external id that is a slug, and more than 20 per tenant. At COMMIT, with the head row locked.';
COMMENT ON TRIGGER tenants_refuse_external_id ON tenants IS 'Refuses a slug that is an external id. At COMMIT, with the head row locked.';
