-- Operations on many tenants: the change and the progress of such an operation, and a row with the result of each of its tenants.

ALTER TABLE "operations" ADD COLUMN "input" JSONB,
ADD COLUMN "tenants_total" INTEGER,
ADD COLUMN "tenants_succeeded" INTEGER,
ADD COLUMN "tenants_failed" INTEGER,
ADD COLUMN "tenants_cancelled" INTEGER;

-- No foreign key to tenants: its check would wait for every tenant that another session has locked.
CREATE TABLE "operation_tenants" (
    "operation_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "reference" TEXT NOT NULL,
    "tenant_id" UUID,
    "status" "operation_status" NOT NULL DEFAULT 'queued',
    "code" TEXT,
    "message" TEXT,
    "child_id" UUID,
    "created_at" TIMESTAMPTZ(6) NOT NULL,
    "finished_at" TIMESTAMPTZ(6),

    CONSTRAINT "operation_tenants_pkey" PRIMARY KEY ("operation_id","position")
);
CREATE INDEX "operation_tenants_operation_id_status_position_idx" ON "operation_tenants"("operation_id", "status", "position");
CREATE INDEX "operation_tenants_tenant_id_created_at_operation_id_idx" ON "operation_tenants"("tenant_id", "created_at", "operation_id");
CREATE INDEX "operation_tenants_child_id_idx" ON "operation_tenants"("child_id");
ALTER TABLE "operation_tenants" ADD CONSTRAINT "operation_tenants_operation_id_fkey"
  FOREIGN KEY ("operation_id") REFERENCES "operations"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "operation_tenants" ADD CONSTRAINT "operation_tenants_child_id_fkey"
  FOREIGN KEY ("child_id") REFERENCES "operations"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
SELECT registry_protect_rows('operation_tenants');

-- The result of a tenant follows the operation that makes its storage, also when a person retries that one later.
CREATE FUNCTION registry_follow_child() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  has_failed boolean := NEW.status IN ('failed', 'compensated', 'needs_attention');
BEGIN
  -- Most operations belong to no other, and then operation_tenants_count has nothing to count.
  IF EXISTS (SELECT FROM operation_tenants WHERE child_id = NEW.id) THEN
    UPDATE operation_tenants SET
        status = CASE WHEN has_failed THEN 'failed' WHEN NEW.status IN ('succeeded', 'cancelled') THEN NEW.status ELSE 'running' END,
        code = CASE WHEN has_failed THEN 'TENANT_NOT_READY' END,
        message = CASE WHEN has_failed OR NEW.status = 'cancelled' THEN NEW.error END,
        finished_at = CASE WHEN has_failed OR NEW.status IN ('succeeded', 'cancelled') THEN now() END
      WHERE child_id = NEW.id;
  END IF;
  RETURN NULL;
END
$$;

-- The counts are in the row of the operation, so that its progress costs the same for any number of tenants. An operation that
-- only waits for others has no worker; after the last one any worker may take it at once.
CREATE FUNCTION registry_count_results() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE operations SET
      tenants_succeeded = tenants_succeeded + delta.succeeded,
      tenants_failed = tenants_failed + delta.failed,
      tenants_cancelled = tenants_cancelled + delta.cancelled,
      heartbeat_at = CASE
        WHEN status = 'running' AND worker IS NULL
          AND tenants_total <= tenants_succeeded + tenants_failed + tenants_cancelled + delta.succeeded + delta.failed + delta.cancelled
        THEN NULL ELSE heartbeat_at END
    FROM (SELECT operation_id,
            sum(CASE status WHEN 'succeeded' THEN sign END) AS succeeded,
            sum(CASE status WHEN 'failed' THEN sign END) AS failed,
            sum(CASE status WHEN 'cancelled' THEN sign END) AS cancelled
          FROM (SELECT operation_id, status, 1 AS sign FROM results_after
                UNION ALL SELECT operation_id, status, -1 FROM results_before) AS changed
          GROUP BY operation_id) AS counted,
      LATERAL (SELECT coalesce(counted.succeeded, 0) AS succeeded, coalesce(counted.failed, 0) AS failed,
                      coalesce(counted.cancelled, 0) AS cancelled) AS delta
    WHERE id = counted.operation_id AND (delta.succeeded, delta.failed, delta.cancelled) <> (0, 0, 0);
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION registry_follow_child(), registry_count_results() FROM PUBLIC;

CREATE TRIGGER operations_report AFTER UPDATE ON operations
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status AND NEW.kind = 'subscribe_tenant') EXECUTE FUNCTION registry_follow_child();
CREATE TRIGGER operation_tenants_count AFTER UPDATE ON operation_tenants
  REFERENCING OLD TABLE AS results_before NEW TABLE AS results_after
  FOR EACH STATEMENT EXECUTE FUNCTION registry_count_results();

COMMENT ON COLUMN operations.input IS 'The change that an operation on many tenants makes to each of them, such as reason or module, and wait. Null for other kinds.';
COMMENT ON COLUMN operations.tenants_total IS 'Number of tenants of an operation on many tenants; null for other kinds.';
COMMENT ON COLUMN operations.tenants_succeeded IS 'Number of its tenants that were changed. Written by trigger after the start.';
COMMENT ON COLUMN operations.tenants_failed IS 'Number of its tenants whose change was refused or failed. Written by trigger after the start.';
COMMENT ON COLUMN operations.tenants_cancelled IS 'Number of its tenants that were left out after cancelOperation. Written by trigger after the start.';
COMMENT ON TABLE operation_tenants IS 'Tenants of operations on many tenants, selected when the operation was requested, with the result of each.';
COMMENT ON COLUMN operation_tenants.operation_id IS 'Operation that changes the tenant together with others.';
COMMENT ON COLUMN operation_tenants.position IS 'Order of the tenant in the selection, from 0.';
COMMENT ON COLUMN operation_tenants.reference IS 'Id or slug of the tenant, as in the request; the slug when a filter selected it.';
COMMENT ON COLUMN operation_tenants.tenant_id IS 'Id of the tenant; null when the reference belonged to no tenant. No foreign key.';
COMMENT ON COLUMN operation_tenants.status IS 'Result: queued, running (changed, but not confirmed by all gateways; or child_id is at work), succeeded, failed or cancelled.';
COMMENT ON COLUMN operation_tenants.code IS 'Code of the error for which the change was refused or failed; null in every other status.';
COMMENT ON COLUMN operation_tenants.message IS 'Reason why the change was refused, failed or was cancelled, in words for the operator. It has no personal data.';
COMMENT ON COLUMN operation_tenants.child_id IS 'Operation that makes the storage of this tenant; null when none does.';
COMMENT ON COLUMN operation_tenants.created_at IS 'Time when the operation was queued, as in operations.created_at.';
COMMENT ON COLUMN operation_tenants.finished_at IS 'Time of the result; null while the tenant is queued or running.';
COMMENT ON CONSTRAINT operation_tenants_operation_id_fkey ON operation_tenants IS 'The operation of a result stays.';
COMMENT ON CONSTRAINT operation_tenants_child_id_fkey ON operation_tenants IS 'The operation that makes the storage stays.';
COMMENT ON FUNCTION registry_follow_child() IS 'Writes the state of an operation that makes the storage of one tenant into the result of that tenant. Called by trigger.';
COMMENT ON FUNCTION registry_count_results() IS 'Keeps the counts of an operation on many tenants, and lets a worker take it up after its last result. Called by trigger.';
COMMENT ON TRIGGER operations_report ON operations IS 'Writes the end of an operation into the result of the operation on many tenants that has started it.';
COMMENT ON TRIGGER operation_tenants_count ON operation_tenants IS 'Keeps the counts of the operation.';
