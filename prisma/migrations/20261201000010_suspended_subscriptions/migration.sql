-- The suspension of one subscription: when it began and why.

ALTER TABLE "module_subscriptions" ADD COLUMN "suspended_at" TIMESTAMPTZ(6), ADD COLUMN "suspended_reason" TEXT;

CREATE FUNCTION module_subscriptions_keep_suspension() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.status = 'suspended' THEN
    NEW.suspended_at := coalesce(NEW.suspended_at, now());
  ELSE
    NEW.suspended_at := NULL;
    NEW.suspended_reason := NULL;
  END IF;
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION module_subscriptions_keep_suspension() FROM PUBLIC;
-- The name makes it run before module_subscriptions_maintain: what it clears is no change.
CREATE TRIGGER module_subscriptions_keep_suspension BEFORE INSERT OR UPDATE ON module_subscriptions
  FOR EACH ROW WHEN (NEW.status = 'suspended' OR NEW.suspended_at IS NOT NULL OR NEW.suspended_reason IS NOT NULL)
  EXECUTE FUNCTION module_subscriptions_keep_suspension();

SELECT set_config('registry.actor', 'migration', true);
UPDATE module_subscriptions SET suspended_at = updated_at WHERE status = 'suspended';

-- As in 20261129000004_sql_compatibility; the hint for a suspended subscription names the way out.
CREATE OR REPLACE PROCEDURE subscribe_tenant_to_module(tenant_id text, module text, schema text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  wanted constant text := subscribe_tenant_to_module.schema;
  tenant tenants := registry_require_active_tenant(subscribe_tenant_to_module.tenant_id);
  wanted_module modules := registry_require_module(subscribe_tenant_to_module.module);
  existing module_subscriptions;
  present text;
  kind isolation;
BEGIN
  PERFORM registry_require_given('schema', wanted);
  SELECT * INTO existing FROM module_subscriptions WHERE tenant_id = tenant.id AND module = wanted_module.name;
  IF NOT FOUND THEN
    kind := wanted_module.isolation;
    PERFORM registry_require_free_name(tenant.id, kind, wanted_module.database_name, wanted);
    INSERT INTO module_subscriptions (tenant_id, module, isolation, database_name, schema_name, created_by)
      VALUES (tenant.id, wanted_module.name, kind, CASE kind WHEN 'schema' THEN wanted_module.database_name ELSE wanted END,
              CASE kind WHEN 'schema' THEN wanted ELSE 'public' END, registry_actor());
    RETURN;
  END IF;

  IF existing.status IN ('provisioning', 'deprovisioning', 'migrating') THEN
    PERFORM registry_refuse_call('OPERATION_IN_PROGRESS',
      format('The %s storage of tenant %s is %s: wait for that operation''s end', existing.module, tenant.slug, existing.status),
      'tenant_module_log shows the operation.');
  ELSIF existing.status NOT IN ('failed', 'cancelled') THEN
    PERFORM registry_refuse_call('CONFLICT', format('Tenant %s is subscribed to %s already (%s)', tenant.slug, existing.module, existing.status)
        || CASE existing.status WHEN 'suspended' THEN ': resume it with resumeSubscription' ELSE '' END,
      CASE existing.status WHEN 'pending' THEN 'It waits for its storage: create it, then CALL mark_module_provisioned(tenant_id, module, ''success'').'
                           WHEN 'suspended' THEN 'The mutation resumeSubscription makes it active again.'
                           ELSE 'There is nothing left to do.' END);
  END IF;

  -- A failed or cancelled subscription is used again. Existing data stays where it is, whatever form its name has and
  -- whatever isolation new subscriptions of the module get.
  kind := existing.isolation;
  present := CASE kind WHEN 'schema' THEN existing.schema_name ELSE existing.database_name END;
  IF present = wanted THEN
    UPDATE module_subscriptions SET status = 'pending' WHERE id = existing.id;
    RETURN;
  ELSIF existing.provisioned_at IS NOT NULL OR existing.migration_version IS NOT NULL THEN
    PERFORM registry_refuse_call('CONFLICT', format('The %s data of tenant %s is in %s', existing.module, tenant.slug, present),
      format('Subscribe with schema %s.', present));
  END IF;
  -- There is no data yet, so the old name is released unless another subscription of the tenant uses it.
  PERFORM registry_require_free_name(tenant.id, kind, wanted_module.database_name, wanted);
  UPDATE module_subscriptions
    SET status = 'pending', database_name = CASE kind WHEN 'schema' THEN wanted_module.database_name ELSE wanted END,
        schema_name = CASE kind WHEN 'schema' THEN wanted ELSE 'public' END
    WHERE id = existing.id;
  DELETE FROM storage_names AS claim
    WHERE claim.kind = existing.isolation AND claim.name = present AND claim.tenant_id = tenant.id AND claim.resolved_at IS NULL
      AND NOT EXISTS (SELECT FROM module_subscriptions AS other WHERE other.tenant_id = tenant.id AND other.isolation = existing.isolation
                        AND CASE other.isolation WHEN 'schema' THEN other.schema_name ELSE other.database_name END = present);
END
$$;

COMMENT ON COLUMN module_subscriptions.suspended_at IS 'Start of the suspension of this subscription; set by trigger, null in every other status.';
COMMENT ON COLUMN module_subscriptions.suspended_reason IS 'Reason of the suspension, in words that an operator can pass on; written with the suspension, null in every other status.';
COMMENT ON FUNCTION module_subscriptions_keep_suspension() IS 'Trigger function: sets the start of a suspension, and clears start and reason in every other status.';
COMMENT ON TRIGGER module_subscriptions_keep_suspension ON module_subscriptions IS 'Sets the start of a suspension, and clears start and reason when it ends. Runs before module_subscriptions_maintain.';
