-- Rollouts: the migration of all tenants of a module in waves, with a row for the result of each tenant.

CREATE TYPE "rollout_status" AS ENUM ('running', 'paused', 'succeeded', 'failed', 'cancelled');
CREATE TYPE "rollout_tenant_status" AS ENUM ('queued', 'running', 'succeeded', 'failed', 'blocked', 'skipped');

CREATE TABLE "rollouts" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "module" TEXT NOT NULL,
    "status" "rollout_status" NOT NULL DEFAULT 'running',
    "pause_reason" TEXT,
    "target_version" TEXT NOT NULL,
    "files" JSONB NOT NULL,
    "canary_tenants" INTEGER,
    "canary_percent" INTEGER,
    "pause_after_canary" BOOLEAN NOT NULL DEFAULT false,
    "waves" INTEGER NOT NULL DEFAULT 1,
    "current_wave" INTEGER NOT NULL DEFAULT 0,
    "parallelism" INTEGER NOT NULL DEFAULT 4,
    "error_budget_count" INTEGER,
    "error_budget_percent" INTEGER,
    "accepted_failures" INTEGER NOT NULL DEFAULT 0,
    "lock_timeout_ms" INTEGER NOT NULL,
    "statement_timeout_ms" INTEGER NOT NULL,
    "retries" INTEGER NOT NULL DEFAULT 0,
    "last_skipped" UUID,
    "fencing_token" BIGINT NOT NULL DEFAULT 0,
    "worker" TEXT,
    "heartbeat_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(6),
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "rollouts_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "rollouts_ended" CHECK ((status IN ('running', 'paused')) = (finished_at IS NULL)),
    CONSTRAINT "rollouts_paused" CHECK (status = 'paused' OR pause_reason IS NULL)
);
CREATE INDEX "rollouts_created_at_id_idx" ON "rollouts"("created_at", "id");
CREATE INDEX "rollouts_module_created_at_id_idx" ON "rollouts"("module", "created_at", "id");
-- Two rollouts of a module would migrate the same tenants to different versions.
CREATE UNIQUE INDEX rollouts_open_key ON rollouts (module) WHERE status IN ('running', 'paused');

-- No foreign key to tenants: its check would wait for every tenant that another session has locked.
CREATE TABLE "rollout_tenants" (
    "rollout_id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "wave" INTEGER NOT NULL,
    "status" "rollout_tenant_status" NOT NULL DEFAULT 'queued',
    "from_version" TEXT,
    "to_version" TEXT,
    "generation" INTEGER NOT NULL,
    "file" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "error" TEXT,
    "error_code" TEXT,
    "violations" JSONB,
    "started_at" TIMESTAMPTZ(6),
    "finished_at" TIMESTAMPTZ(6),
    "duration_ms" INTEGER,

    CONSTRAINT "rollout_tenants_pkey" PRIMARY KEY ("rollout_id","tenant_id")
);
CREATE INDEX "rollout_tenants_rollout_id_status_wave_tenant_id_idx" ON "rollout_tenants"("rollout_id", "status", "wave", "tenant_id");
CREATE INDEX "rollout_tenants_rollout_id_wave_tenant_id_idx" ON "rollout_tenants"("rollout_id", "wave", "tenant_id");
-- For the question whether a tenant that is behind is about to be migrated.
CREATE INDEX rollout_tenants_awaited ON rollout_tenants (tenant_id) WHERE status IN ('queued', 'running');
ALTER TABLE "rollout_tenants" ADD CONSTRAINT "rollout_tenants_rollout_id_fkey"
  FOREIGN KEY ("rollout_id") REFERENCES "rollouts"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

SELECT registry_protect_rows('rollouts');
SELECT registry_protect_rows('rollout_tenants');

CREATE TRIGGER rollouts_refuse_delete BEFORE DELETE ON rollouts
  FOR EACH ROW EXECUTE FUNCTION registry_refuse('Set status = ''cancelled'': rollouts are the history of their module.');
CREATE TRIGGER rollouts_refuse_truncate BEFORE TRUNCATE ON rollouts
  EXECUTE FUNCTION registry_refuse('Change rows one by one: TRUNCATE would leave no trace in the change log.');

-- Heartbeats and progress are neither a new version nor an entry of the change log.
CREATE TRIGGER rollouts_touch BEFORE UPDATE ON rollouts FOR EACH ROW
  WHEN ((OLD.status, OLD.pause_reason, OLD.retries, OLD.last_skipped) IS DISTINCT FROM (NEW.status, NEW.pause_reason, NEW.retries, NEW.last_skipped))
  EXECUTE FUNCTION registry_touch();
CREATE CONSTRAINT TRIGGER rollouts_record_begin AFTER INSERT ON rollouts DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION registry_record_change('rollout');
CREATE CONSTRAINT TRIGGER rollouts_record_change AFTER UPDATE ON rollouts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN ((OLD.status, OLD.retries, OLD.last_skipped) IS DISTINCT FROM (NEW.status, NEW.retries, NEW.last_skipped))
  EXECUTE FUNCTION registry_record_change('rollout');

COMMENT ON TYPE rollout_tenant_status IS 'State of a tenant in a rollout: queued, running, succeeded, failed, blocked (a check before a file found violations, or the files and the storage do not fit together; nothing was changed), skipped.';
COMMENT ON TYPE rollout_status IS 'State of a rollout: running (a worker migrates its tenants), paused (no further tenant is begun), succeeded, failed (it has ended, and at least one tenant failed or is blocked), cancelled.';
COMMENT ON TABLE rollouts IS 'Migration of all tenants of a module to its newest file, in waves. Written by commands and by the worker that leads the rollout; its history is in the change log.';
COMMENT ON COLUMN rollouts.id IS 'Identity of the rollout.';
COMMENT ON COLUMN rollouts.module IS 'Module whose tenants are migrated, as in modules.name. No foreign key.';
COMMENT ON COLUMN rollouts.status IS 'State of the rollout: running, paused, succeeded, failed or cancelled.';
COMMENT ON COLUMN rollouts.pause_reason IS 'Reason of the pause, in words for the operator; null in every other status.';
COMMENT ON COLUMN rollouts.target_version IS 'Newest file of the module at the start, such as finance/0007_invoices.sql; the tenants are migrated up to it.';
COMMENT ON COLUMN rollouts.files IS 'All files of the module at the start, in the order in which they run: a list of objects with name, checksum, and the checksums of check and verify, which are null without such a query. A worker whose files differ does not lead the rollout.';
COMMENT ON COLUMN rollouts.canary_tenants IS 'Number of tenants that the canary wave was to have; null without a canary, or when its size was given in percent.';
COMMENT ON COLUMN rollouts.canary_percent IS 'Share of the tenants that the canary wave was to have, in percent; null without a canary, or when its size was given as a number.';
COMMENT ON COLUMN rollouts.pause_after_canary IS 'True when the rollout pauses after the canary wave, for a person to look at its tenants.';
COMMENT ON COLUMN rollouts.waves IS 'Number of waves after the canary; their tenants are as many in each.';
COMMENT ON COLUMN rollouts.current_wave IS 'Wave whose tenants are migrated now; 0 is the canary.';
COMMENT ON COLUMN rollouts.parallelism IS 'Number of tenants that are migrated at the same time, on the server of the module.';
COMMENT ON COLUMN rollouts.error_budget_count IS 'Number of tenants that may fail before the rollout pauses; null for no such limit.';
COMMENT ON COLUMN rollouts.error_budget_percent IS 'Share of the tenants of the rollout that may fail before it pauses, in percent; null for no such limit.';
COMMENT ON COLUMN rollouts.accepted_failures IS 'Number of tenants that had failed when a person last let the rollout go on; they do not count against the budget.';
COMMENT ON COLUMN rollouts.lock_timeout_ms IS 'Time in milliseconds that a file may wait for locks, and that a statement of a service may wait behind it.';
COMMENT ON COLUMN rollouts.statement_timeout_ms IS 'Time in milliseconds after which a statement of a file is cancelled.';
COMMENT ON COLUMN rollouts.retries IS 'Number of calls of retryRollout.';
COMMENT ON COLUMN rollouts.last_skipped IS 'Tenant that was last left out by skipTenantInRollout; null if none was. No foreign key.';
COMMENT ON COLUMN rollouts.fencing_token IS 'Number that is raised each time a worker takes the lead; a worker with a lower number has lost the rollout and may not write any more.';
COMMENT ON COLUMN rollouts.worker IS 'Process that leads the rollout; null if none does.';
COMMENT ON COLUMN rollouts.heartbeat_at IS 'Last heartbeat of that process; when it is too old, another one takes over.';
COMMENT ON COLUMN rollouts.created_at IS 'Time of the start.';
COMMENT ON COLUMN rollouts.created_by IS 'Actor who started the rollout, in the form of registry_change.actor.';
COMMENT ON COLUMN rollouts.updated_at IS 'Time of the last change of its state; set by trigger.';
COMMENT ON COLUMN rollouts.finished_at IS 'Time of the end as succeeded, failed or cancelled; null while the rollout is running or paused.';
COMMENT ON COLUMN rollouts.version IS 'Number that a mutation compares with expectedVersion; starts at 1, and a trigger adds 1 per change of the state, not for progress.';
COMMENT ON TABLE rollout_tenants IS 'Tenants of rollouts, with the result of each. Tenants that have the newest file already at the start are not among them. Written by commands and by the worker that leads the rollout.';
COMMENT ON COLUMN rollout_tenants.rollout_id IS 'Rollout that migrates the tenant.';
COMMENT ON COLUMN rollout_tenants.tenant_id IS 'Tenant with a subscription to the module of the rollout. No foreign key.';
COMMENT ON COLUMN rollout_tenants.wave IS 'Wave of the tenant; 0 is the canary.';
COMMENT ON COLUMN rollout_tenants.status IS 'Result: queued, running, succeeded, failed, blocked or skipped.';
COMMENT ON COLUMN rollout_tenants.from_version IS 'Value of module_subscriptions.migration_version when the tenant became part of the rollout; null if it had none.';
COMMENT ON COLUMN rollout_tenants.to_version IS 'Newest file that ran in the storage after the last attempt; null before the first.';
COMMENT ON COLUMN rollout_tenants.generation IS 'Generation of the subscription when the tenant became part of the rollout. A tenant that was moved since is skipped.';
COMMENT ON COLUMN rollout_tenants.file IS 'File that is running or that failed; null for every other tenant.';
COMMENT ON COLUMN rollout_tenants.attempts IS 'Number of attempts, with those that were repeated after waiting for locks in vain or after a lost connection.';
COMMENT ON COLUMN rollout_tenants.error IS 'Reason why the tenant failed, is blocked or was skipped, in words for the operator. It has no data of the tenant but what PostgreSQL writes into its messages.';
COMMENT ON COLUMN rollout_tenants.error_code IS 'Code of the failure: the SQLSTATE, or the name of an error of the registry such as CONFLICT; null without a failure.';
COMMENT ON COLUMN rollout_tenants.violations IS 'Rows that a check before a file, or a verification after it, has returned: a list of objects, at most 10. Null if there are none.';
COMMENT ON COLUMN rollout_tenants.started_at IS 'Time of the begin of the last attempt; null before the first.';
COMMENT ON COLUMN rollout_tenants.finished_at IS 'Time of the result; null while the tenant is queued or running.';
COMMENT ON COLUMN rollout_tenants.duration_ms IS 'Time in milliseconds that the last attempt took, without the wait for its turn; null before its end.';
COMMENT ON CONSTRAINT rollouts_ended ON rollouts IS 'A rollout that has ended has a time of its end.';
COMMENT ON CONSTRAINT rollouts_paused ON rollouts IS 'Only a paused rollout has a reason of the pause.';
COMMENT ON CONSTRAINT rollout_tenants_rollout_id_fkey ON rollout_tenants IS 'The rollout of a result stays.';
COMMENT ON INDEX rollouts_open_key IS 'One rollout per module that is running or paused.';
COMMENT ON INDEX rollout_tenants_awaited IS 'Tenants that a rollout is about to migrate.';
COMMENT ON TRIGGER rollouts_refuse_delete ON rollouts IS 'Refuses DELETE: rollouts are the history of their module.';
COMMENT ON TRIGGER rollouts_refuse_truncate ON rollouts IS 'Refuses TRUNCATE, which would bypass the change log.';
COMMENT ON TRIGGER rollouts_touch ON rollouts IS 'Sets version and updated_at for a change of the state.';
COMMENT ON TRIGGER rollouts_record_begin ON rollouts IS 'Records a new rollout in the change log.';
COMMENT ON TRIGGER rollouts_record_change ON rollouts IS 'Records changes of the state, retries and skipped tenants in the change log.';
