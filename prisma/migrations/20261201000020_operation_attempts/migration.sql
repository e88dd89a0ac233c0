-- Attempts of operations: a row for the first attempt of each operation and for each retry, which triggers write in the transaction
-- that changes the operation. A retry used to overwrite the actor, the error, the steps and the cancellation of the attempt before.

-- The setting registry.request_id of the transaction, in the form that the gateway accepts in X-Request-ID.
CREATE FUNCTION registry_request_id() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT given FROM current_setting('registry.request_id', true) AS given WHERE given ~ '^[A-Za-z0-9_.:-]{1,128}$'
$$;

-- Two statements each: existing rows have no request.
ALTER TABLE operations ADD COLUMN "request_id" TEXT, ADD COLUMN "cancel_requested_by" TEXT;
ALTER TABLE operations ALTER COLUMN "request_id" SET DEFAULT registry_request_id();

CREATE TABLE "operation_attempts" (
    "operation_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "tenant_id" UUID,
    "kind" "operation_kind" NOT NULL,
    "status" "operation_status" NOT NULL,
    "actor" TEXT NOT NULL,
    "request_id" TEXT,
    "runs" INTEGER NOT NULL DEFAULT 0,
    "error" TEXT,
    "steps" JSONB,
    "cancel_requested_at" TIMESTAMPTZ(6),
    "cancel_requested_by" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL,
    "started_at" TIMESTAMPTZ(6),
    "finished_at" TIMESTAMPTZ(6),

    CONSTRAINT "operation_attempts_pkey" PRIMARY KEY ("operation_id","number")
);
-- The history of a tenant without the updates of guards, of which each suspension makes one.
CREATE INDEX operation_attempts_history_idx ON operation_attempts (tenant_id, created_at, operation_id, number) WHERE kind <> 'bind_storage';
ALTER TABLE "operation_attempts" ADD CONSTRAINT "operation_attempts_operation_id_fkey"
  FOREIGN KEY ("operation_id") REFERENCES "operations"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
SELECT registry_protect_rows('operation_attempts', 'tenant_id = (SELECT registry_visible_tenant())', true);

-- An operation in one of these states is continued by a worker. In all others its attempt is over.
CREATE FUNCTION registry_is_open(status operation_status) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT status IN ('queued', 'running', 'compensating')
$$;

CREATE FUNCTION registry_steps_of(operation uuid) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
  SELECT coalesce(jsonb_agg(to_jsonb(step) - '{operation_id,facts}'::text[] ORDER BY position), '[]')
  FROM operation_steps AS step WHERE operation_id = operation
$$;

-- One attempt for each operation of before, with the number that the operation has.
INSERT INTO operation_attempts (operation_id, number, tenant_id, kind, status, actor, runs, error, steps, cancel_requested_at,
                                created_at, started_at, finished_at)
  SELECT id, attempt, tenant_id, kind, status, actor, CASE WHEN fencing_token > 0 THEN 1 ELSE 0 END, error,
         CASE WHEN NOT registry_is_open(status) AND status <> 'succeeded' THEN registry_steps_of(id) END, cancel_requested_at,
         created_at, started_at, finished_at
  FROM operations;

-- The number of the attempt follows the status, so that a retry by hand is one as well. What belongs to the attempt before is
-- cleared: an old cancellation would end the new attempt at once.
CREATE FUNCTION operations_maintain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  NEW.attempt := OLD.attempt;
  IF registry_is_open(NEW.status) AND NOT registry_is_open(OLD.status) THEN
    NEW.attempt := OLD.attempt + 1;
    NEW.error := NULL;
    NEW.finished_at := NULL;
    NEW.cancel_requested_at := NULL;
    NEW.cancel_requested_by := NULL;
  ELSIF NEW.cancel_requested_at IS NULL THEN
    NEW.cancel_requested_by := NULL;
  ELSIF OLD.cancel_requested_at IS NULL THEN
    NEW.cancel_requested_by := registry_actor();
  ELSE
    -- The first one who cancelled it counts.
    NEW.cancel_requested_at := OLD.cancel_requested_at;
    NEW.cancel_requested_by := OLD.cancel_requested_by;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER operations_maintain BEFORE UPDATE ON operations
  FOR EACH ROW WHEN ((OLD.status, OLD.attempt, OLD.cancel_requested_at, OLD.cancel_requested_by)
    IS DISTINCT FROM (NEW.status, NEW.attempt, NEW.cancel_requested_at, NEW.cancel_requested_by))
  EXECUTE FUNCTION operations_maintain();

-- A worker that takes the operation up raises the fencing token and names itself. One that releases it names nobody.
CREATE FUNCTION operations_keep_attempt() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  is_taken_up boolean;
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO operation_attempts (operation_id, number, tenant_id, kind, status, actor, request_id, error, cancel_requested_at,
                                    cancel_requested_by, created_at, started_at, finished_at)
      VALUES (NEW.id, NEW.attempt, NEW.tenant_id, NEW.kind, NEW.status, NEW.actor, NEW.request_id, NEW.error,
              NEW.cancel_requested_at, NEW.cancel_requested_by, NEW.created_at, NEW.started_at, NEW.finished_at);
    RETURN NULL;
  END IF;
  is_taken_up := NEW.fencing_token > OLD.fencing_token AND NEW.worker IS NOT NULL;
  IF NEW.attempt > OLD.attempt THEN
    INSERT INTO operation_attempts (operation_id, number, tenant_id, kind, status, actor, request_id, created_at)
      VALUES (NEW.id, NEW.attempt, NEW.tenant_id, NEW.kind, NEW.status, registry_actor(), registry_request_id(), clock_timestamp());
  END IF;
  UPDATE operation_attempts
    SET status = NEW.status, error = NEW.error, cancel_requested_at = NEW.cancel_requested_at,
        cancel_requested_by = NEW.cancel_requested_by, runs = runs + is_taken_up::int,
        started_at = coalesce(started_at, CASE WHEN is_taken_up THEN now() END),
        finished_at = CASE WHEN NOT registry_is_open(NEW.status) THEN coalesce(NEW.finished_at, finished_at, clock_timestamp()) END
    WHERE operation_id = NEW.id AND number = NEW.attempt;
  RETURN NULL;
END
$$;
CREATE TRIGGER operations_begin_attempt AFTER INSERT ON operations FOR EACH ROW EXECUTE FUNCTION operations_keep_attempt();
CREATE TRIGGER operations_keep_attempt AFTER UPDATE ON operations
  FOR EACH ROW WHEN ((OLD.status, OLD.attempt, OLD.error, OLD.cancel_requested_at, OLD.fencing_token, OLD.finished_at)
    IS DISTINCT FROM (NEW.status, NEW.attempt, NEW.error, NEW.cancel_requested_at, NEW.fencing_token, NEW.finished_at))
  EXECUTE FUNCTION operations_keep_attempt();

-- At COMMIT, because the transaction that ends an operation may change its steps after it. A success is never retried, so its steps
-- stay in operation_steps.
CREATE FUNCTION operations_keep_steps() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE operation_attempts SET steps = registry_steps_of(NEW.id) WHERE operation_id = NEW.id AND number = NEW.attempt;
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER operations_keep_steps AFTER INSERT OR UPDATE OF status ON operations DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.status IN ('failed', 'compensated', 'cancelled', 'needs_attention')) EXECUTE FUNCTION operations_keep_steps();

CREATE FUNCTION operation_attempts_guard() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP IN ('DELETE', 'TRUNCATE') OR pg_trigger_depth() < 2 THEN
    RAISE EXCEPTION '% on operation_attempts is refused: it is the history of operations, and only triggers write it', TG_OP
      USING ERRCODE = 'insufficient_privilege', HINT = 'Change the operation itself; a trigger then keeps its attempt.';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER operation_attempts_guard BEFORE INSERT OR UPDATE OR DELETE ON operation_attempts
  FOR EACH ROW EXECUTE FUNCTION operation_attempts_guard();
CREATE TRIGGER operation_attempts_guard_truncate BEFORE TRUNCATE ON operation_attempts EXECUTE FUNCTION operation_attempts_guard();
CREATE TRIGGER operations_refuse_delete BEFORE DELETE ON operations
  FOR EACH ROW EXECUTE FUNCTION registry_refuse('Set status = ''cancelled'': operations are the history of their tenant.');
CREATE TRIGGER operations_refuse_truncate BEFORE TRUNCATE ON operations
  EXECUTE FUNCTION registry_refuse('Operations are the history of their tenants.');

CREATE OR REPLACE VIEW tenant_module_log WITH (security_invoker = false, security_barrier = true) AS
SELECT attempt.operation_id,
       attempt.tenant_id,
       tenant.slug AS tenant_slug,
       step.module,
       attempt.kind::text AS action,
       attempt.status::text AS status,
       attempt.actor AS performed_by,
       attempt.number AS attempt,
       -- A successful attempt has no error, even if a step failed and was repeated.
       CASE WHEN attempt.status <> 'succeeded' THEN coalesce(step.error, attempt.error) END AS error,
       attempt.created_at,
       attempt.started_at,
       -- An operation that needs attention has not ended.
       CASE WHEN attempt.status <> 'needs_attention' THEN attempt.finished_at END::timestamptz(6) AS finished_at
FROM operation_attempts AS attempt
JOIN tenants AS tenant ON tenant.id = attempt.tenant_id
CROSS JOIN LATERAL (
  SELECT module, string_agg(error, '; ' ORDER BY position) AS error
  FROM (SELECT position, module, error FROM jsonb_to_recordset(attempt.steps) AS kept (position int, module text, error text)
        UNION ALL
        SELECT position, module, error FROM operation_steps WHERE attempt.steps IS NULL AND operation_id = attempt.operation_id) AS of_attempt
  WHERE module IS NOT NULL GROUP BY module
) AS step
-- Operations that update the guards after a change of status are not part of the provisioning history.
WHERE attempt.kind <> 'bind_storage'
  AND (registry_sees_everything() OR registry_sees_routes() OR attempt.tenant_id = (SELECT registry_visible_tenant()));

REVOKE ALL ON FUNCTION registry_request_id(), registry_is_open(operation_status), registry_steps_of(uuid), operations_maintain(),
  operations_keep_attempt(), operations_keep_steps(), operation_attempts_guard() FROM PUBLIC;

COMMENT ON FUNCTION registry_request_id() IS 'Id of the request that the transaction belongs to: the setting registry.request_id; null if there is none or if it has another form.';
COMMENT ON FUNCTION registry_is_open(operation_status) IS 'True for the statuses of an operation that a worker continues: queued, running and compensating.';
COMMENT ON FUNCTION registry_steps_of(uuid) IS 'Steps of an operation as operation_attempts.steps has them.';
COMMENT ON FUNCTION operations_maintain() IS 'Trigger function: counts the attempts of an operation, and records who cancelled one.';
COMMENT ON FUNCTION operations_keep_attempt() IS 'Trigger function: makes the row of operation_attempts equal to the operation.';
COMMENT ON FUNCTION operations_keep_steps() IS 'Trigger function, deferred to COMMIT: keeps the steps of an attempt that has ended without success.';
COMMENT ON FUNCTION operation_attempts_guard() IS 'Trigger function: refuses changes of operation_attempts by hand.';
COMMENT ON TRIGGER operations_maintain ON operations IS 'Counts the attempts and records who cancelled one.';
COMMENT ON TRIGGER operations_begin_attempt ON operations IS 'Inserts the first attempt.';
COMMENT ON TRIGGER operations_keep_attempt ON operations IS 'Keeps the row of the attempt, and inserts one for each retry.';
COMMENT ON TRIGGER operations_keep_steps ON operations IS 'Keeps the steps of an attempt that has ended without success, at COMMIT.';
COMMENT ON TRIGGER operations_refuse_delete ON operations IS 'Operations are the history of their tenant.';
COMMENT ON TRIGGER operations_refuse_truncate ON operations IS 'Operations are the history of their tenant.';
COMMENT ON TRIGGER operation_attempts_guard ON operation_attempts IS 'Only triggers write the history.';
COMMENT ON TRIGGER operation_attempts_guard_truncate ON operation_attempts IS 'Only triggers write the history.';
COMMENT ON CONSTRAINT operation_attempts_operation_id_fkey ON operation_attempts IS 'The operation of an attempt stays.';
COMMENT ON TABLE operation_steps IS 'Steps of the present attempt of an operation. Written by the worker.';
COMMENT ON COLUMN operations.request_id IS 'Id of the request that asked for the operation, as in registry_change.request_id; null if it was no request.';
COMMENT ON COLUMN operations.attempt IS 'Number of the attempt: 1 for the first; a trigger adds 1 when an operation that has ended is queued again.';
COMMENT ON COLUMN operations.cancel_requested_at IS 'Time when the attempt was cancelled by cancelOperation or restoreTenant; the worker checks it before each step. Null if it was not.';
COMMENT ON COLUMN operations.cancel_requested_by IS 'Actor who cancelled the attempt, in the form of registry_change.actor; set by trigger.';
COMMENT ON TABLE operation_attempts IS 'Attempts of operations: the first, and one for each retry of an operation that had ended. They are the provisioning history of a tenant, per module. Written by trigger only; changes by hand are refused.';
COMMENT ON COLUMN operation_attempts.operation_id IS 'Operation of the attempt.';
COMMENT ON COLUMN operation_attempts.number IS 'Number of the attempt, as in operations.attempt.';
COMMENT ON COLUMN operation_attempts.tenant_id IS 'Tenant of the operation, as in operations.tenant_id.';
COMMENT ON COLUMN operation_attempts.kind IS 'Kind of the operation, as in operations.kind.';
COMMENT ON COLUMN operation_attempts.status IS 'State of the attempt, as in operations.status; the last one that it had when the next attempt began.';
COMMENT ON COLUMN operation_attempts.actor IS 'Actor who requested the operation, or who retried it, in the form of registry_change.actor.';
COMMENT ON COLUMN operation_attempts.request_id IS 'Id of the request that began the attempt, as in registry_change.request_id; null if it was no request.';
COMMENT ON COLUMN operation_attempts.runs IS 'Number of times that a worker took the attempt up: again after a transient error, and when another process took it over.';
COMMENT ON COLUMN operation_attempts.error IS 'Reason why the attempt failed, in words for the operator; null if it did not fail.';
COMMENT ON COLUMN operation_attempts.steps IS 'Steps as they were when the attempt ended without success, as rows of operation_steps without their facts; null while operation_steps has them.';
COMMENT ON COLUMN operation_attempts.cancel_requested_at IS 'Time when the attempt was cancelled; null if it was not.';
COMMENT ON COLUMN operation_attempts.cancel_requested_by IS 'Actor who cancelled the attempt; null if nobody did.';
COMMENT ON COLUMN operation_attempts.created_at IS 'Time when the attempt was requested.';
COMMENT ON COLUMN operation_attempts.started_at IS 'Time when a worker first took the attempt up; null before.';
COMMENT ON COLUMN operation_attempts.finished_at IS 'Time of the end; for needs_attention the time from which no worker continued the attempt. Null before.';
COMMENT ON VIEW tenant_module_log IS 'Provisioning history of each tenant and module: action, actor, times and outcome, one row per attempt of an operation and module.';
COMMENT ON COLUMN tenant_module_log.status IS 'Status of the attempt as text, such as running, succeeded or failed.';
COMMENT ON COLUMN tenant_module_log.performed_by IS 'Actor who requested the operation, or who retried it, in the form of registry_change.actor; role:<name> for a procedure.';
COMMENT ON COLUMN tenant_module_log.attempt IS 'Number of the attempt of its operation, from 1; each retry has a row of its own.';
COMMENT ON COLUMN tenant_module_log.error IS 'Reason why the attempt failed, the error of this module first; null if it succeeded or is still running.';
COMMENT ON COLUMN tenant_module_log.created_at IS 'Time when the attempt was requested.';
COMMENT ON COLUMN tenant_module_log.started_at IS 'Time when the attempt started; null before.';
COMMENT ON COLUMN tenant_module_log.finished_at IS 'Time when the attempt ended; null before, and while the operation needs attention.';
