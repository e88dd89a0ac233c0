-- Checkpoints: the change log may lose its oldest entries once a signed checkpoint names the newest of them, so that the
-- chain of the rest begins at a hash that can be proven. Only entries that a checkpoint covers can be deleted.

CREATE TABLE "registry_checkpoints" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "revision" BIGINT NOT NULL,
    "position" INTEGER NOT NULL,
    "hash" BYTEA NOT NULL,
    "changed_at" TIMESTAMPTZ(6) NOT NULL,
    "signature" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "registry_checkpoints_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "registry_checkpoints_revision_key" ON "registry_checkpoints"("revision");
SELECT registry_protect_rows('registry_checkpoints');

-- A follower's first page has the newest 2000 revisions, and every lease, stale answer and idempotency key ends within a day.
CREATE FUNCTION registry_check_checkpoint() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  entry registry_change;
BEGIN
  IF TG_OP <> 'INSERT' THEN
    RAISE EXCEPTION '% on registry_checkpoints is refused: the chain of the audit log begins at a checkpoint', TG_OP
      USING ERRCODE = 'insufficient_privilege', HINT = 'Add a later checkpoint with tenant-registry audit prune.';
  END IF;
  SELECT * INTO entry FROM registry_change WHERE revision = NEW.revision ORDER BY position DESC LIMIT 1;
  IF entry IS NULL OR (NEW.position, NEW.hash, NEW.changed_at) IS DISTINCT FROM (entry.position, entry.hash, entry.changed_at)
     OR NEW.revision <= (SELECT max(revision) FROM registry_checkpoints) THEN
    RAISE EXCEPTION 'A checkpoint names the last entry of a revision that is in the audit log, after all earlier checkpoints; % is none', NEW.revision
      USING ERRCODE = 'check_violation', CONSTRAINT = 'registry_checkpoints_entry';
  END IF;
  IF NEW.changed_at > now() - interval '7 days' OR NEW.revision > (SELECT revision FROM registry_head) - 2000 THEN
    RAISE EXCEPTION 'Revision % is too young: the newest 7 days and the newest 2000 revisions of the audit log stay', NEW.revision
      USING ERRCODE = 'check_violation', CONSTRAINT = 'registry_checkpoints_age';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER registry_checkpoints_check BEFORE INSERT OR UPDATE OR DELETE ON registry_checkpoints
  FOR EACH ROW EXECUTE FUNCTION registry_check_checkpoint();
CREATE TRIGGER registry_checkpoints_check_truncate BEFORE TRUNCATE ON registry_checkpoints EXECUTE FUNCTION registry_check_checkpoint();
CREATE CONSTRAINT TRIGGER registry_checkpoints_record_change AFTER INSERT ON registry_checkpoints DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION registry_record_change('checkpoint');

CREATE OR REPLACE FUNCTION registry_guard_log() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'registry_change' THEN
    IF OLD.revision <= (SELECT max(revision) FROM registry_checkpoints) THEN
      RETURN OLD;
    END IF;
  END IF;
  IF TG_OP = 'TRUNCATE' OR TG_OP = 'DELETE' OR (TG_TABLE_NAME = 'registry_change' AND TG_OP = 'UPDATE') OR pg_trigger_depth() < 2 THEN
    RAISE EXCEPTION '% on % is refused: the change log is append-only, and only triggers write it', TG_OP, TG_TABLE_NAME
      USING ERRCODE = 'insufficient_privilege', HINT = 'Change the tenant, module or subscription itself; a trigger then records the change.';
  END IF;
  RETURN NEW;
END
$$;

-- Growth of the time whose entries are gone is known from tenant_growth alone.
CREATE OR REPLACE FUNCTION registry_find_growth() RETURNS SETOF tenant_growth
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  WITH pruned AS MATERIALIZED (SELECT coalesce(registry_quarter(max(changed_at)), '-infinity') AS until FROM registry_checkpoints)
  SELECT starts_at, sum(registered)::int, sum(deleted)::int, sum(restored)::int, sum(purged)::int
  FROM (
    SELECT registry_quarter(created_at) AS starts_at, count(*) AS registered, 0 AS deleted, 0 AS restored, 0 AS purged FROM tenants GROUP BY 1
    UNION ALL
    SELECT registry_quarter(changed_at), 0, count(*) FILTER (WHERE kind = 'tenant.deleted'),
           count(*) FILTER (WHERE kind = 'tenant.restored'), count(*) FILTER (WHERE kind = 'tenant.purged')
    FROM registry_change
    WHERE kind IN ('tenant.deleted', 'tenant.restored', 'tenant.purged') AND registry_quarter(changed_at) > (SELECT until FROM pruned) GROUP BY 1
    UNION ALL
    SELECT starts_at, 0, deleted, restored, purged FROM tenant_growth WHERE starts_at <= (SELECT until FROM pruned)
  ) AS found
  GROUP BY starts_at
$$;
CREATE OR REPLACE FUNCTION registry_recount_growth() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  found tenant_growth[];
BEGIN
  -- With this lock no transaction can commit a change that is to be counted.
  PERFORM FROM registry_head FOR UPDATE;
  found := ARRAY(SELECT known FROM registry_find_growth() AS known);
  DELETE FROM tenant_growth;
  INSERT INTO tenant_growth SELECT * FROM unnest(found);
END
$$;

REVOKE ALL ON FUNCTION registry_check_checkpoint() FROM PUBLIC;

COMMENT ON TABLE registry_checkpoints IS 'Ends of what was deleted from the audit log: the chain of the rest begins at the newest checkpoint. Written by tenant-registry audit prune; never changed or deleted.';
COMMENT ON COLUMN registry_checkpoints.id IS 'Identity of the checkpoint in the audit log.';
COMMENT ON COLUMN registry_checkpoints.revision IS 'Revision of the newest entry that may be deleted.';
COMMENT ON COLUMN registry_checkpoints.position IS 'Position of that entry, the last of its revision.';
COMMENT ON COLUMN registry_checkpoints.hash IS 'Hash of that entry, which the first entry that stays names as the previous one.';
COMMENT ON COLUMN registry_checkpoints.changed_at IS 'Time of that entry.';
COMMENT ON COLUMN registry_checkpoints.signature IS 'HMAC-SHA256 of revision, position, hash and changed_at with AUDIT_KEY, which is not in the database.';
COMMENT ON COLUMN registry_checkpoints.created_at IS 'Time of the pruning.';
COMMENT ON FUNCTION registry_check_checkpoint() IS 'Trigger function: refuses a checkpoint that names no entry or too young a one, and every change of a checkpoint.';
COMMENT ON TRIGGER registry_checkpoints_check ON registry_checkpoints IS 'Refuses a checkpoint that names no entry or too young a one, and every change of a checkpoint.';
COMMENT ON TRIGGER registry_checkpoints_check_truncate ON registry_checkpoints IS 'Refuses TRUNCATE, because the chain of the audit log begins at a checkpoint.';
COMMENT ON TRIGGER registry_checkpoints_record_change ON registry_checkpoints IS 'Records the pruning in registry_change.';
COMMENT ON TABLE registry_change IS 'Audit log and change feed: one entry per changed row, append-only, linked by hashes, without foreign keys. Written by trigger only; UPDATE and TRUNCATE are refused, and DELETE of what no checkpoint covers.';
COMMENT ON TRIGGER registry_change_guard ON registry_change IS 'Refuses UPDATE, DELETE of entries that no checkpoint covers, and INSERT that does not come from registry_record_change.';
COMMENT ON COLUMN registry_change.previous_hash IS 'Hash of the previous entry; empty for the very first. That of the first entry after a pruning is in registry_checkpoints.';
