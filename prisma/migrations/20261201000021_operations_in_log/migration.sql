-- Operations in the change log, and the request that made each change. Old entries keep their hashes.

ALTER TABLE registry_change ADD COLUMN "request_id" TEXT;

-- The hash covers every column. An entry without a request is hashed as before there were any; the number of elements tells the two
-- forms apart, so that the id of a request can be neither added nor removed nor changed.
CREATE OR REPLACE FUNCTION registry_change_hash(entry registry_change) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT sha256(entry.previous_hash || convert_to((jsonb_build_array(
    entry.revision, entry.position, entry.tenant_id, entry.tenant_slug, entry.module, entry.kind, entry.entity_id,
    entry.actor, entry.database_role, entry.before, entry.after,
    to_char(entry.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))
    || CASE WHEN entry.request_id IS NULL THEN '[]' ELSE jsonb_build_array(entry.request_id) END)::text, 'UTF8'))
$$;

-- Only what a person wants to know is an entry: not the steps, not the process that works on them. The first attempt of an update of
-- guards is none either while it goes well, because it follows a change that is an entry itself.
CREATE FUNCTION registry_operation_event(was jsonb, became jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT 'operation.' || CASE
    WHEN became ->> 'kind' = 'bind_storage' AND became ->> 'attempt' = '1'
      AND (registry_is_open(new_status) OR new_status = 'succeeded') THEN NULL
    WHEN was IS NULL THEN CASE WHEN registry_is_open(new_status) THEN 'queued' ELSE new_status::text END
    WHEN registry_is_open(new_status) AND NOT registry_is_open(old_status) THEN 'retried'
    WHEN NOT registry_is_open(new_status) THEN CASE WHEN new_status <> old_status THEN new_status::text END
    WHEN was ->> 'cancel_requested_at' IS NULL AND became ->> 'cancel_requested_at' IS NOT NULL THEN 'cancel_requested'
  END
  FROM (SELECT (was ->> 'status')::operation_status AS old_status, (became ->> 'status')::operation_status AS new_status) AS status
$$;

-- As in 20261129000011_lists_at_scale, with the request and with operations.
CREATE OR REPLACE FUNCTION registry_record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  noun constant text := TG_ARGV[0];
  hidden constant text[] := CASE noun WHEN 'operation' THEN '{request_id,idempotency_key,fencing_token,worker,heartbeat_at}'
                                      ELSE '{secret_hash,token_hash,last_used_at,updated_at}' END;
  old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
  new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
  any_row jsonb := coalesce(new_row, old_row);
  event text := CASE noun WHEN 'operation' THEN registry_operation_event(old_row, new_row)
                          ELSE registry_change_kind(noun, TG_OP, old_row ->> 'status', new_row ->> 'status') END;
  head registry_head;
  entry registry_change;
BEGIN
  IF event IS NULL THEN
    RETURN NULL;
  END IF;
  IF old_row - '{last_used_at,updated_at}'::text[] = new_row - '{last_used_at,updated_at}'::text[] THEN
    RETURN NULL;
  END IF;

  entry.kind := event;
  entry.entity_id := coalesce(any_row ->> 'id', any_row ->> 'tenant_id', any_row ->> 'name');
  entry.tenant_id := CASE noun WHEN 'tenant' THEN any_row ->> 'id' ELSE any_row ->> 'tenant_id' END;
  entry.tenant_slug := (SELECT slug FROM tenants WHERE id = entry.tenant_id);
  entry.module := CASE noun
    WHEN 'module' THEN any_row ->> 'name'
    WHEN 'operation' THEN (SELECT min(module) FROM operation_modules WHERE operation_id = (any_row ->> 'id')::uuid HAVING count(*) = 1)
    ELSE any_row ->> 'module' END;
  entry.actor := registry_actor();
  entry.database_role := session_user;
  entry.request_id := registry_request_id();

  IF TG_OP = 'UPDATE' THEN
    -- Only the fields that differ: an update of one field must not copy a whole configuration into the log.
    SELECT coalesce(jsonb_object_agg(key, was.value), '{}'), coalesce(jsonb_object_agg(key, became.value), '{}')
      INTO entry.before, entry.after
      FROM jsonb_each(old_row - hidden) AS was JOIN jsonb_each(new_row - hidden) AS became USING (key)
      WHERE was.value <> became.value;
  ELSE
    entry.before := old_row - hidden;
    entry.after := new_row - hidden;
  END IF;
  entry.before := registry_pseudonymise(entry.tenant_id, entry.before);
  entry.after := registry_pseudonymise(entry.tenant_id, entry.after);

  -- A crash must not lose a revision that gateways may have read: they would stay on a history that no longer exists.
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;

  -- The lock on the head row is the last lock that a transaction takes. Transaction id and start time together show whether
  -- this transaction has moved the head before; the id alone could repeat after a restore into a newer server.
  SELECT * INTO STRICT head FROM registry_head FOR UPDATE;
  entry.changed_at := greatest(clock_timestamp(),
    (SELECT changed_at FROM registry_change WHERE revision = head.revision AND position = head.position));
  IF head.transaction_id = pg_current_xact_id()::text::bigint AND head.transaction_at = now() THEN
    head.position := head.position + 1;
  ELSE
    head.revision := head.revision + 1;
    head.position := 0;
  END IF;
  entry.revision := head.revision;
  entry.position := head.position;
  entry.previous_hash := head.hash;
  entry.hash := registry_change_hash(entry);
  UPDATE registry_head
    SET revision = head.revision, position = head.position, hash = entry.hash,
        transaction_id = pg_current_xact_id()::text::bigint, transaction_at = now();
  INSERT INTO registry_change SELECT entry.*;
  PERFORM registry_list_change(noun, old_row, new_row);
  -- The payload is the revision alone, because a payload of 8000 bytes would abort the transaction.
  PERFORM pg_notify('registry_change', head.revision::text);
  RETURN NULL;
END
$$;

-- The conditions keep heartbeats and runs of workers from queueing a trigger at all: an operation that stays open writes an entry only
-- when it is cancelled.
CREATE CONSTRAINT TRIGGER operations_record_begin AFTER INSERT ON operations DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.kind <> 'bind_storage' OR NEW.status NOT IN ('queued', 'running', 'succeeded'))
  EXECUTE FUNCTION registry_record_change('operation');
CREATE CONSTRAINT TRIGGER operations_record_change AFTER UPDATE ON operations DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN ((OLD.cancel_requested_at IS NULL AND NEW.cancel_requested_at IS NOT NULL)
    OR (OLD.status <> NEW.status
      AND NOT (OLD.status IN ('queued', 'running', 'compensating') AND NEW.status IN ('queued', 'running', 'compensating'))))
  EXECUTE FUNCTION registry_record_change('operation');

REVOKE ALL ON FUNCTION registry_operation_event(jsonb, jsonb) FROM PUBLIC;

COMMENT ON FUNCTION registry_operation_event(jsonb, jsonb) IS 'Name of the event of an entry about an operation, from its row before and after; null for a change that is no entry.';
COMMENT ON FUNCTION registry_change_kind IS 'Name of the event of an entry, except about operations: for a change of status the new status (activated, resumed or restored for active), else registered, created, updated or removed.';
COMMENT ON TRIGGER operations_record_begin ON operations IS 'Records a new operation in the change log.';
COMMENT ON TRIGGER operations_record_change ON operations IS 'Records retries, cancellations and ends in the change log.';
COMMENT ON COLUMN registry_change.request_id IS 'Id of the request that made the change: the setting registry.request_id of the transaction, 1 to 128 letters, digits and _ . : -; null if it has none.';
COMMENT ON COLUMN registry_change.kind IS 'Event as noun and past participle: tenant.registered, tenant.suspended, subscription.activated, settings.updated, member.removed, operation.retried.';
