-- Where the present epoch begins, so that a guard with a later revision of another epoch is known to be from changes that a restore
-- or a failover lost. The head row has it, because only there it is exact.

ALTER TABLE registry_head ADD COLUMN "epoch" TEXT, ADD COLUMN "epoch_began" BIGINT;

CREATE FUNCTION registry_head_keep_epoch() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.revision > OLD.revision AND OLD.epoch IS DISTINCT FROM registry_epoch() THEN
    NEW.epoch := registry_epoch();
    NEW.epoch_began := OLD.revision;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER registry_head_keep_epoch BEFORE UPDATE ON registry_head FOR EACH ROW EXECUTE FUNCTION registry_head_keep_epoch();
REVOKE ALL ON FUNCTION registry_head_keep_epoch() FROM PUBLIC;

COMMENT ON COLUMN registry_head.epoch IS 'Epoch of the newest change; null before the first.';
COMMENT ON COLUMN registry_head.epoch_began IS 'Revision after which that epoch began: later revisions of other epochs were lost.';
COMMENT ON FUNCTION registry_head_keep_epoch() IS 'Trigger function: notes the epoch of the newest change, and the revision after which it began.';
COMMENT ON TRIGGER registry_head_keep_epoch ON registry_head IS 'Notes the epoch of the newest change, and the revision after which it began.';
