-- What the types mean, and what the one table is that the migrations themselves are noted in.

COMMENT ON TYPE tenant_status IS 'Where a tenant stands: pending, provisioning (its storage is being made), active (the only one that resolves), suspended, failed (provisioning was undone), deleted (can be restored), purged (gone; its names stay taken).';
COMMENT ON TYPE subscription_status IS 'Where a tenant''s module stands: pending, provisioning, active (the only one that resolves), migrating, suspended, failed, deprovisioning, cancelled (its data is kept until purge_after).';
COMMENT ON TYPE operation_status IS 'How far an operation or a step has come: queued, running, succeeded, failed, compensating (is being undone), compensated (undone), cancelled, needs_attention (could not be undone; a person has to look).';
COMMENT ON TYPE operation_kind IS 'What an operation is for, see operations.kind.';
COMMENT ON TYPE isolation IS 'How a tenant''s data is kept apart: in a schema of the module''s database, or in a database of its own.';
COMMENT ON TYPE plan IS 'What a tenant pays for.';
COMMENT ON TYPE config_source IS 'Where a tenant''s configuration is kept: yaml (its client.yaml, until it is imported) or database.';
COMMENT ON TYPE member_role IS 'What a member may do for the tenant: admin or member.';
COMMENT ON TYPE member_status IS 'Where a member stands: invited, active (has accepted), removed.';

-- Made by Prisma before the first migration, and missing in the databases in which it only compares schemas.
DO $$
BEGIN
  IF to_regclass('public._prisma_migrations') IS NULL THEN
    RETURN;
  END IF;
  COMMENT ON TABLE public._prisma_migrations IS 'The migrations of this database, one row for each time one was begun. Written by tenant-registry migrate and by Prisma.';
  COMMENT ON COLUMN public._prisma_migrations.id IS 'UUID, as text.';
  COMMENT ON COLUMN public._prisma_migrations.checksum IS 'SHA-256 of the migration''s script: shows one that was edited afterwards.';
  COMMENT ON COLUMN public._prisma_migrations.finished_at IS 'When it ended well; null: it did not.';
  COMMENT ON COLUMN public._prisma_migrations.migration_name IS 'Its folder in prisma/migrations.';
  COMMENT ON COLUMN public._prisma_migrations.logs IS 'Why it failed; null: it did not.';
  COMMENT ON COLUMN public._prisma_migrations.rolled_back_at IS 'When a failed attempt was put aside, so that the next can begin; null: it was not.';
  COMMENT ON COLUMN public._prisma_migrations.started_at IS 'When it was begun.';
  COMMENT ON COLUMN public._prisma_migrations.applied_steps_count IS 'Number of its steps that were done; 1 when it ended well.';
END
$$;
