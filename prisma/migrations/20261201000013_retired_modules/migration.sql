-- Modules that take no new subscriptions, and modules that are removed.

ALTER TABLE "modules" ADD COLUMN "retired_at" TIMESTAMPTZ(6);

-- SECURITY DEFINER, because writers by hand may not execute registry_refuse_call.
CREATE FUNCTION module_subscriptions_refuse_retired() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM modules WHERE name = NEW.module AND retired_at IS NOT NULL) THEN
    PERFORM registry_refuse_call('CONFLICT', format('Module %s is retired and takes no new subscriptions: bring it back with updateModule (isRetired: false)', NEW.module),
      'In SQL: UPDATE modules SET retired_at = NULL.');
  END IF;
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION module_subscriptions_refuse_retired() FROM PUBLIC;
-- Subscriptions that are there go on in every status: a failed one may be tried again.
CREATE TRIGGER module_subscriptions_begin_unretired BEFORE INSERT ON module_subscriptions
  FOR EACH ROW EXECUTE FUNCTION module_subscriptions_refuse_retired();
CREATE TRIGGER module_subscriptions_renew_unretired BEFORE UPDATE ON module_subscriptions
  FOR EACH ROW WHEN (OLD.status = 'cancelled' AND NEW.status NOT IN ('cancelled', 'deprovisioning'))
  EXECUTE FUNCTION module_subscriptions_refuse_retired();

-- A module in which a tenant ever had data stays: names that have resolved stay taken, and the history refers to them. Cancelled
-- subscriptions without storage go with the module and give their names back.
CREATE FUNCTION modules_remove() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  used bigint;
  subscribed bigint;
  problem text;
BEGIN
  SELECT count(*) FILTER (WHERE had_storage), count(*) FILTER (WHERE NOT had_storage AND status <> 'cancelled')
    INTO used, subscribed
    FROM module_subscriptions, LATERAL (SELECT provisioned_at IS NOT NULL OR migration_version IS NOT NULL AS had_storage) AS storage
    WHERE module = OLD.name;
  problem := CASE
    WHEN used > 0 THEN format('Module %s keeps data or names of %s tenants and can''t be removed: retire it with retireModule', OLD.name, used)
    WHEN subscribed > 0 THEN format('Module %s has %s subscriptions and can''t be removed: cancel them with unsubscribeTenantFromModule first', OLD.name, subscribed) END;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION '%', problem USING ERRCODE = 'restrict_violation', CONSTRAINT = 'modules_in_use',
      HINT = 'A module that takes no new subscriptions is retired: UPDATE modules SET retired_at = now().';
  END IF;
  DELETE FROM storage_names AS claim USING module_subscriptions AS gone
    WHERE gone.module = OLD.name AND claim.tenant_id = gone.tenant_id AND claim.kind = gone.isolation AND claim.resolved_at IS NULL
      AND claim.name = CASE gone.isolation WHEN 'schema' THEN gone.schema_name ELSE gone.database_name END
      AND NOT EXISTS (SELECT FROM module_subscriptions AS other
                      WHERE other.tenant_id = gone.tenant_id AND other.isolation = gone.isolation AND other.module <> OLD.name
                        AND CASE other.isolation WHEN 'schema' THEN other.schema_name ELSE other.database_name END = claim.name);
  DELETE FROM module_subscriptions WHERE module = OLD.name;
  RETURN OLD;
END
$$;
REVOKE ALL ON FUNCTION modules_remove() FROM PUBLIC;
CREATE TRIGGER modules_remove BEFORE DELETE ON modules FOR EACH ROW EXECUTE FUNCTION modules_remove();

-- Within a trigger, which only modules_remove is, the depth is more than 0.
DROP TRIGGER module_subscriptions_refuse_delete ON module_subscriptions;
CREATE TRIGGER module_subscriptions_refuse_delete BEFORE DELETE ON module_subscriptions
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION registry_refuse('Set status = ''cancelled'': names stay taken.');

COMMENT ON COLUMN modules.retired_at IS 'Time from which the module takes no new subscriptions; existing ones go on. Null for a module in use.';
COMMENT ON FUNCTION module_subscriptions_refuse_retired() IS 'Trigger function: refuses a new subscription to a retired module.';
COMMENT ON FUNCTION modules_remove() IS 'Trigger function: refuses to remove a module with subscriptions or data of tenants, and removes its cancelled subscriptions without storage.';
COMMENT ON TRIGGER module_subscriptions_begin_unretired ON module_subscriptions IS 'Refuses a new subscription to a retired module.';
COMMENT ON TRIGGER module_subscriptions_renew_unretired ON module_subscriptions IS 'Refuses to start a cancelled subscription to a retired module again.';
COMMENT ON TRIGGER modules_remove ON modules IS 'Refuses to remove a module with subscriptions or data of tenants, and removes its cancelled subscriptions without storage.';
COMMENT ON TRIGGER module_subscriptions_refuse_delete ON module_subscriptions IS 'Refuses DELETE, because storage names stay taken and the history refers to them. Rows without storage go with their module.';
