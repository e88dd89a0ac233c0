-- Operations that survive whoever runs them, and bindings that follow the registry.

-- AlterTable
ALTER TABLE "module_subscriptions" ADD COLUMN     "storage_removed_at" TIMESTAMPTZ(6);

-- AlterTable
ALTER TABLE "operation_steps" ADD COLUMN     "facts" JSONB NOT NULL DEFAULT '{}';

-- AlterTable
ALTER TABLE "operations" ADD COLUMN     "cancel_requested_at" TIMESTAMPTZ(6),
ADD COLUMN     "idempotency_key" TEXT,
ADD COLUMN     "run_after" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- CreateIndex
CREATE INDEX "operations_status_run_after_idx" ON "operations"("status", "run_after");

ALTER TABLE operation_steps ADD CONSTRAINT operation_steps_facts_are_object CHECK (jsonb_typeof(facts) = 'object');

COMMENT ON COLUMN module_subscriptions.storage_removed_at IS 'When the data was dropped after purge_after; null: it was not. Subscribing again makes new storage under the same name.';
COMMENT ON COLUMN operation_steps.facts IS 'What the step found and made, an object: found (the storage stood there before), migrationVersion. Whoever takes the operation over reads it.';
COMMENT ON COLUMN operations.kind IS 'subscribe_tenant, provision_module, provision_tenant, mark_module_provisioned, adopt_storage, bind_storage (the guard follows the registry), remove_storage (of a cancelled subscription) or purge_tenant.';
COMMENT ON COLUMN operations.run_after IS 'Not begun before: when a removal is due, or after how long what failed is tried again.';
COMMENT ON COLUMN operations.cancel_requested_at IS 'When cancelOperation asked for its end; the worker sees it before the next step. Null: nobody did.';
COMMENT ON COLUMN operations.idempotency_key IS 'Key of the request that began it (idempotency_keys.key): its answer then has the revision of the end. Null: none.';

-- When a route may change for somebody who holds a binding, the guard in the service database has to learn of it. That is
-- work of its own, committed with the change, so that a change by hand in psql is followed like a mutation. One that waits
-- already will read what is true when it runs; it is locked, so that nobody begins it before this change can be seen.
CREATE FUNCTION registry_enqueue_binding(tenant uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
COMMENT ON FUNCTION registry_enqueue_binding(uuid) IS 'Has the guards in the service databases follow what the registry says of the tenant. Called by triggers.';

-- Who changes the route and has bound the storage already says so: registry.bound = 'on', for the transaction.
CREATE FUNCTION registry_follow_binding() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF current_setting('registry.bound', true) = 'on' THEN
    RETURN NULL;
  END IF;
  PERFORM registry_enqueue_binding(CASE TG_TABLE_NAME WHEN 'tenants' THEN (to_jsonb(NEW) ->> 'id')::uuid ELSE (to_jsonb(NEW) ->> 'tenant_id')::uuid END);
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION registry_follow_binding() IS 'Trigger: a route that comes, goes or moves is followed by the binding in its service database.';

-- What a subscription's status means to the guard: who is not suspended or gone may enter, once he has a route.
CREATE FUNCTION registry_guard_state(status subscription_status) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE status WHEN 'cancelled' THEN 'closed' WHEN 'deprovisioning' THEN 'closed' WHEN 'suspended' THEN 'suspended'
                     WHEN 'migrating' THEN 'not_ready' ELSE 'active' END
$$;
COMMENT ON FUNCTION registry_guard_state(subscription_status) IS 'What the status of a subscription means to the guard in its service database.';

CREATE TRIGGER tenants_follow_binding AFTER UPDATE ON tenants
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION registry_follow_binding();
CREATE TRIGGER module_subscriptions_follow_binding AFTER UPDATE ON module_subscriptions
  FOR EACH ROW WHEN ((NEW.provisioned_at IS NOT NULL OR NEW.migration_version IS NOT NULL)
    AND (registry_guard_state(OLD.status), OLD.generation, OLD.provisioned_at)
        IS DISTINCT FROM (registry_guard_state(NEW.status), NEW.generation, NEW.provisioned_at))
  EXECUTE FUNCTION registry_follow_binding();
CREATE TRIGGER module_subscriptions_begin_binding AFTER INSERT ON module_subscriptions
  FOR EACH ROW WHEN (NEW.status = 'active') EXECUTE FUNCTION registry_follow_binding();

-- Cancelled by hand, too, data is kept for 30 days; storage is there again from the moment the subscription is taken up.
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
COMMENT ON FUNCTION module_subscriptions_keep_removal() IS 'Trigger: storage_removed_at belongs to a cancelled subscription alone, and until then its data has a date.';
CREATE TRIGGER module_subscriptions_removal BEFORE UPDATE ON module_subscriptions
  FOR EACH ROW EXECUTE FUNCTION module_subscriptions_keep_removal();

-- What was provisioned before there were bindings gets them now.
SELECT registry_enqueue_binding(tenant_id) FROM (
  SELECT DISTINCT tenant_id FROM module_subscriptions WHERE provisioned_at IS NOT NULL) AS provisioned;
