-- Differences between the registry and the service databases, and decisions on them.

CREATE TYPE "finding_status" AS ENUM ('open', 'ignored', 'accepted', 'repaired');

CREATE TABLE "drift_findings" (
    "id" UUID NOT NULL,
    "code" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "status" "finding_status" NOT NULL DEFAULT 'open',
    "tenant_id" UUID,
    "tenant_slug" TEXT,
    "module" TEXT,
    "database_name" TEXT,
    "schema_name" TEXT,
    "operation_id" UUID,
    "object_kind" TEXT,
    "object_name" TEXT,
    "expected" TEXT,
    "found" TEXT,
    "problem" TEXT NOT NULL,
    "remedy" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "first_seen_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_seen_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "resolved_at" TIMESTAMPTZ(6),
    "resolved_by" TEXT,

    CONSTRAINT "drift_findings_pkey" PRIMARY KEY ("id")
);
-- The list by time, and the same of one tenant.
CREATE INDEX "drift_findings_status_first_seen_at_id_idx" ON "drift_findings"("status", "first_seen_at", "id");
CREATE INDEX "drift_findings_tenant_id_idx" ON "drift_findings"("tenant_id");

CREATE TABLE "drift_scans" (
    "id" BOOLEAN NOT NULL DEFAULT true,
    "started_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(6),

    CONSTRAINT "drift_scans_pkey" PRIMARY KEY ("id")
);
ALTER TABLE drift_scans ADD CONSTRAINT drift_scans_one_row CHECK (id);
INSERT INTO drift_scans DEFAULT VALUES;

SELECT registry_protect_rows('drift_findings');
SELECT registry_protect_rows('drift_scans');

-- What examinations find and lose again is no entry; what a person decides is one.
CREATE CONSTRAINT TRIGGER drift_findings_record_decision AFTER UPDATE ON drift_findings DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.resolved_at IS NOT NULL AND OLD.resolved_at IS DISTINCT FROM NEW.resolved_at)
  EXECUTE FUNCTION registry_record_change('finding');

COMMENT ON TYPE finding_status IS 'State of a finding of drift: open, ignored (left out of reports), accepted (the database is right), repaired (the database was made as the registry and the files say).';
COMMENT ON TABLE drift_findings IS 'Differences between the registry, the files of modules and the service databases, as examinations found them. Written by workers and by doctor --structure; decisions on them are part of the change log.';
COMMENT ON COLUMN drift_findings.id IS 'Identity of the finding, a UUID made of its code, tenant, module and object: every examination that finds it again gives the same.';
COMMENT ON COLUMN drift_findings.code IS 'Code of the finding, such as STRUCTURE_MISSING or SCHEMA_MISSING, see src/provisioning/doctor/finding.ts.';
COMMENT ON COLUMN drift_findings.severity IS 'error: something is, or soon will be, wrongly refused, wrongly admitted, or lost. warning: nothing fails today.';
COMMENT ON COLUMN drift_findings.status IS 'Decision on the finding: open (none), ignored, accepted or repaired. Another difference of the same object opens it again.';
COMMENT ON COLUMN drift_findings.tenant_id IS 'Tenant that the finding is about; null when it is about none or several. No foreign key.';
COMMENT ON COLUMN drift_findings.tenant_slug IS 'Slug of that tenant; null without one.';
COMMENT ON COLUMN drift_findings.module IS 'Name of the module that the finding is about; null when it is about none or several. No foreign key.';
COMMENT ON COLUMN drift_findings.database_name IS 'Database in which the difference was found; null when it is about none.';
COMMENT ON COLUMN drift_findings.schema_name IS 'Schema in which the difference was found; null when it is about none.';
COMMENT ON COLUMN drift_findings.operation_id IS 'Operation that the finding is about; null when it is about none. No foreign key.';
COMMENT ON COLUMN drift_findings.object_kind IS 'Kind of the object of a schema that differs, such as table, column or index; null when the finding is about none.';
COMMENT ON COLUMN drift_findings.object_name IS 'Name of that object, such as invoice.number for a column; null without one.';
COMMENT ON COLUMN drift_findings.expected IS 'Definition that the files of the module give the object; null when none of them makes it.';
COMMENT ON COLUMN drift_findings.found IS 'Definition that the object has; null when it does not exist.';
COMMENT ON COLUMN drift_findings.problem IS 'The difference in one sentence.';
COMMENT ON COLUMN drift_findings.remedy IS 'The command, mutation or SQL that repairs it.';
COMMENT ON COLUMN drift_findings.content IS 'Hash of the difference: what was accepted is this difference and no other one of the same object.';
COMMENT ON COLUMN drift_findings.first_seen_at IS 'Time of the examination that found this difference first.';
COMMENT ON COLUMN drift_findings.last_seen_at IS 'Time of the examination that found it last.';
COMMENT ON COLUMN drift_findings.resolved_at IS 'Time of the decision of repairDrift; null while the finding is open.';
COMMENT ON COLUMN drift_findings.resolved_by IS 'Actor who decided, in the form of registry_change.actor; null while the finding is open.';
COMMENT ON TABLE drift_scans IS 'The last examination of all databases for drift_findings; one row. A worker that changes started_at makes the next one.';
COMMENT ON COLUMN drift_scans.id IS 'Always true: there is one row.';
COMMENT ON COLUMN drift_scans.started_at IS 'Time when the last examination began; the next one is due after DRIFT_SCAN_HOURS.';
COMMENT ON COLUMN drift_scans.finished_at IS 'Time when an examination last ended; null before the first.';
COMMENT ON CONSTRAINT drift_scans_one_row ON drift_scans IS 'There is one row.';
COMMENT ON TRIGGER drift_findings_record_decision ON drift_findings IS 'Records decisions on findings in the change log.';
