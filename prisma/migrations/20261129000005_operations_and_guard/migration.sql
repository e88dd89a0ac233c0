-- Operations and guard: a change in the registry that decides who may enter a tenant's storage also queues an operation that
-- updates the guard in the service database. The operation is committed together with the change, so that a change by hand
-- in psql reaches the guard like a mutation.

-- An operation that is already queued reads the state of the registry when it runs, so it is used again. Locking it keeps a
-- worker from starting it before this change is committed.
CREATE FUNCTION registry_enqueue_binding(tenant uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  waiting uuid;
  enqueued uuid;
BEGIN
  SELECT id INTO waiting FROM operations
    WHERE kind = 'bind_storage' AND tenant_id = tenant AND status = 'queued'
    ORDER BY created_at, id LIMIT 1 FOR UPDATE;
  IF FOUND THEN
    UPDATE operations SET run_after = now() WHERE id = waiting;
    INSERT INTO operation_steps (operation_id, position, name, module)
      SELECT waiting, (SELECT coalesce(max(position), -1) FROM operation_steps WHERE operation_id = waiting)
                      + row_number() OVER (ORDER BY subscription.module), 'bind_storage', subscription.module
      FROM module_subscriptions AS subscription
      WHERE tenant_id = tenant AND (provisioned_at IS NOT NULL OR migration_version IS NOT NULL) AND storage_removed_at IS NULL
        AND NOT EXISTS (SELECT FROM operation_steps AS step WHERE step.operation_id = waiting AND step.module = subscription.module);
    RETURN;
  END IF;
  IF NOT EXISTS (SELECT FROM module_subscriptions
                 WHERE tenant_id = tenant AND (provisioned_at IS NOT NULL OR migration_version IS NOT NULL) AND storage_removed_at IS NULL) THEN
    RETURN;
  END IF;
  INSERT INTO operations (kind, tenant_id, actor) VALUES ('bind_storage', tenant, registry_actor()) RETURNING id INTO enqueued;
  INSERT INTO operation_steps (operation_id, position, name, module)
    SELECT enqueued, row_number() OVER (ORDER BY module) - 1, 'bind_storage', module FROM module_subscriptions
    WHERE tenant_id = tenant AND (provisioned_at IS NOT NULL OR migration_version IS NOT NULL) AND storage_removed_at IS NULL;
END
$$;

-- A transaction that has updated the guard itself sets registry.bound = 'on', and then no operation is queued.
CREATE FUNCTION registry_follow_binding() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF current_setting('registry.bound', true) = 'on' THEN
    RETURN NULL;
  END IF;
  PERFORM registry_enqueue_binding(CASE TG_TABLE_NAME WHEN 'tenants' THEN (to_jsonb(NEW) ->> 'id')::uuid ELSE (to_jsonb(NEW) ->> 'tenant_id')::uuid END);
  RETURN NULL;
END
$$;

-- The same rule as bindingState in src/provisioning, for an active tenant; a test compares the two. pending, provisioning and
-- failed count as active here: the registry gives no route to such storage, so no caller tries to enter it.
CREATE FUNCTION registry_guard_state(status subscription_status) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE status WHEN 'cancelled' THEN 'closed' WHEN 'deprovisioning' THEN 'closed' WHEN 'suspended' THEN 'suspended'
                     WHEN 'migrating' THEN 'not_ready' ELSE 'active' END
$$;

-- The conditions leave out changes that do not matter to a guard, such as a new name or a migration version.
CREATE TRIGGER tenants_follow_binding AFTER UPDATE ON tenants
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION registry_follow_binding();
CREATE TRIGGER module_subscriptions_follow_binding AFTER UPDATE ON module_subscriptions
  FOR EACH ROW WHEN ((NEW.provisioned_at IS NOT NULL OR NEW.migration_version IS NOT NULL)
    AND (registry_guard_state(OLD.status), OLD.generation, OLD.provisioned_at)
        IS DISTINCT FROM (registry_guard_state(NEW.status), NEW.generation, NEW.provisioned_at))
  EXECUTE FUNCTION registry_follow_binding();
CREATE TRIGGER module_subscriptions_begin_binding AFTER INSERT ON module_subscriptions
  FOR EACH ROW WHEN (NEW.status = 'active') EXECUTE FUNCTION registry_follow_binding();

-- The data of a cancelled subscription is kept for 30 days by default, also after a cancellation by hand.
-- storage_removed_at is cleared when the tenant subscribes again, because new storage is then created.
CREATE FUNCTION module_subscriptions_keep_removal() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status NOT IN ('cancelled', 'deprovisioning') THEN
    NEW.storage_removed_at := NULL;
  ELSIF NEW.status = 'cancelled' AND NEW.storage_removed_at IS NULL THEN
    NEW.purge_after := coalesce(NEW.purge_after, now() + interval '30 days');
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER module_subscriptions_removal BEFORE UPDATE ON module_subscriptions
  FOR EACH ROW EXECUTE FUNCTION module_subscriptions_keep_removal();

-- PUBLIC may execute new routines by default. Procedures are granted to services; a role that writes the tables by hand also
-- needs EXECUTE on the functions that checks and conditions of triggers call.
REVOKE ALL ON ALL ROUTINES IN SCHEMA public FROM PUBLIC;
