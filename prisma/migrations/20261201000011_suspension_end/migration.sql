-- The time at which a suspension ends by itself.

ALTER TABLE "tenants" ADD COLUMN "suspend_until" TIMESTAMPTZ(6);

-- A tenant that is deleted while suspended keeps the time, as it keeps the reason: a restore makes it suspended again.
CREATE FUNCTION tenants_keep_suspension_end() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.status = 'suspended' OR (NEW.status = 'deleted' AND
      CASE WHEN TG_OP = 'UPDATE' AND OLD.status <> 'deleted' THEN OLD.status ELSE NEW.status_before_deletion END = 'suspended') THEN
    RETURN NEW;
  END IF;
  NEW.suspend_until := NULL;
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION tenants_keep_suspension_end() FROM PUBLIC;
-- The name makes it run before tenants_maintain: what it clears is no change.
CREATE TRIGGER tenants_keep_suspension_end BEFORE INSERT OR UPDATE ON tenants
  FOR EACH ROW WHEN (NEW.suspend_until IS NOT NULL) EXECUTE FUNCTION tenants_keep_suspension_end();

-- Workers ask for the tenants whose time has come every few seconds.
CREATE INDEX tenants_suspend_until_idx ON tenants (suspend_until) WHERE status = 'suspended' AND suspend_until IS NOT NULL;

COMMENT ON COLUMN tenants.suspend_until IS 'Time at which a worker ends the suspension; null means that it lasts until somebody ends it. Cleared by trigger in every other status, kept while a suspended tenant is deleted.';
COMMENT ON FUNCTION tenants_keep_suspension_end() IS 'Trigger function: clears suspend_until of a tenant that is not suspended.';
COMMENT ON TRIGGER tenants_keep_suspension_end ON tenants IS 'Clears suspend_until when the suspension ends. Runs before tenants_maintain.';
