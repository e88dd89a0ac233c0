-- Lists of operations: an index for each order and filter, and the operations of each module in the order of their lists.

DROP INDEX "operations_tenant_id_created_at_idx";
CREATE INDEX "operations_created_at_id_idx" ON "operations"("created_at", "id");
CREATE INDEX "operations_tenant_id_created_at_id_idx" ON "operations"("tenant_id", "created_at", "id");
CREATE INDEX "operations_status_kind_created_at_id_idx" ON "operations"("status", "kind", "created_at", "id");

-- One row per operation and module: no index over operations and their steps could hold the operations of a module in order.
CREATE TABLE "operation_modules" (
    "operation_id" UUID NOT NULL,
    "module" TEXT NOT NULL,
    "status" "operation_status" NOT NULL,
    "kind" "operation_kind" NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "operation_modules_pkey" PRIMARY KEY ("operation_id","module")
);
CREATE INDEX "operation_modules_list_idx" ON "operation_modules"("module", "status", "kind", "created_at", "operation_id");
ALTER TABLE "operation_modules" ADD CONSTRAINT "operation_modules_operation_id_fkey"
  FOREIGN KEY ("operation_id") REFERENCES "operations"("id") ON DELETE CASCADE ON UPDATE RESTRICT;
SELECT registry_protect_rows('operation_modules');

CREATE FUNCTION registry_list_operation() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_TABLE_NAME = 'operation_steps' THEN
    INSERT INTO operation_modules (operation_id, module, status, kind, created_at)
      SELECT id, NEW.module, status, kind, created_at FROM operations WHERE id = NEW.operation_id
      ON CONFLICT DO NOTHING;
  ELSE
    UPDATE operation_modules SET status = NEW.status WHERE operation_id = NEW.id;
  END IF;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION registry_list_operation() FROM PUBLIC;

CREATE TRIGGER operation_steps_list AFTER INSERT ON operation_steps
  FOR EACH ROW WHEN (NEW.module IS NOT NULL) EXECUTE FUNCTION registry_list_operation();
CREATE TRIGGER operations_list AFTER UPDATE ON operations
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION registry_list_operation();

INSERT INTO operation_modules (operation_id, module, status, kind, created_at)
  SELECT DISTINCT operation.id, step.module, operation.status, operation.kind, operation.created_at
  FROM operation_steps AS step JOIN operations AS operation ON operation.id = step.operation_id
  WHERE step.module IS NOT NULL;

COMMENT ON TABLE operation_modules IS 'Modules on whose storage operations work, one row per operation and module, with the columns by which lists of operations are ordered and filtered. Written by trigger only.';
COMMENT ON COLUMN operation_modules.operation_id IS 'Operation with a step on the storage of the module.';
COMMENT ON COLUMN operation_modules.module IS 'Module of the step, as in operation_steps.module.';
COMMENT ON COLUMN operation_modules.status IS 'Status of the operation, as in operations.status.';
COMMENT ON COLUMN operation_modules.kind IS 'Kind of the operation, as in operations.kind.';
COMMENT ON COLUMN operation_modules.created_at IS 'Time when the operation was queued, as in operations.created_at.';
COMMENT ON CONSTRAINT operation_modules_operation_id_fkey ON operation_modules IS 'Goes with its operation.';
COMMENT ON FUNCTION registry_list_operation() IS 'Keeps operation_modules when an operation gets a step or another status. Called by triggers.';
COMMENT ON TRIGGER operation_steps_list ON operation_steps IS 'Adds the module of a step to operation_modules.';
COMMENT ON TRIGGER operations_list ON operations IS 'Keeps the status in operation_modules equal to that of the operation.';
