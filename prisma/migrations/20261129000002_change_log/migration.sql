-- Change log: the head row, the functions that write and hash log entries, and the triggers that record every change and
-- protect the log.
-- A committed transaction that changes a watched table is one revision. Each changed row is one entry (revision, position)
-- with its actor, the values before and after, and the hash of the previous entry. Triggers write the entries, so a change
-- made by hand in psql is recorded like a mutation.

INSERT INTO registry_head (revision, position, hash, transaction_id, transaction_at) VALUES (0, 0, ''::bytea, 0, now());

-- The epoch identifies the history that revisions belong to. It changes after a failover (WAL timeline), after a restore
-- into another server (system identifier), into another database (its oid) or over this one (oid of the table), and when
-- the head row is inserted again (incarnation). A data directory that is restored from a copy keeps all of these, so the
-- start time of the server is included: each restart begins a new epoch, and gateways and clients read everything again.
CREATE FUNCTION registry_epoch() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT left(encode(sha256(convert_to(concat_ws('/',
           system.system_identifier,
           left(pg_walfile_name(pg_current_wal_lsn()), 8),
           -- A number, because the text form would depend on the session's time zone.
           extract(epoch FROM pg_postmaster_start_time()),
           (SELECT oid FROM pg_database WHERE datname = current_database()),
           'public.registry_head'::regclass::oid,
           head.incarnation), 'UTF8')), 'hex'), 16)
  FROM pg_control_system() AS system, registry_head AS head
$$;

CREATE FUNCTION registry_actor() RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT coalesce(nullif(current_setting('registry.actor', true), ''), 'role:' || session_user)
$$;

-- A keyed hash of the form sha256(key || sha256(key || value)); PostgreSQL has no built-in hmac().
CREATE FUNCTION registry_keyed_hash(key bytea, value text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT 'hash:' || left(encode(sha256(key || sha256(key || convert_to(value, 'UTF8'))), 'hex'), 32)
$$;

-- E-mail addresses anywhere in the document, fields that identify a person, and the names of the consultants in a
-- configuration become keyed hashes. The log is append-only, but deleting the tenant's key makes these hashes meaningless.
-- A tenant without a key gets '***' instead.
CREATE FUNCTION registry_pseudonymise(tenant uuid, document jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  secret bytea := (SELECT key FROM personal_data_keys WHERE tenant_id = tenant);
  consultants constant text[] := '{tenant_config,consultants}';
  field text;
  email text;
  written text;
BEGIN
  FOREACH field IN ARRAY ARRAY['full_name', 'support_phone', 'subject'] LOOP
    IF document ->> field IS NOT NULL THEN
      document := jsonb_set(document, ARRAY[field], to_jsonb(coalesce(registry_keyed_hash(secret, document ->> field), '***')));
    END IF;
  END LOOP;
  IF jsonb_typeof(document #> consultants) = 'array' THEN
    document := jsonb_set(document, consultants, (
      SELECT coalesce(jsonb_agg(CASE
        WHEN jsonb_typeof(person) = 'object' AND person ->> 'name' IS NOT NULL
          THEN person || jsonb_build_object('name', coalesce(registry_keyed_hash(secret, person ->> 'name'), '***'))
        ELSE person END ORDER BY place), '[]')
      FROM jsonb_array_elements(document #> consultants) WITH ORDINALITY AS listed (person, place)));
  END IF;
  -- An escape such as \n ends in a letter that an address after it must not begin with. A line feed, which the text of a
  -- document never contains as such, keeps the two apart until the end.
  written := regexp_replace(document::text, E'\\\\(["\\\\/bfnrt]|u[0-9a-f]{4})', E'\\&\n', 'g');
  FOR email IN
    SELECT address[1] FROM regexp_matches(written, '[^\s"\\<>(),;:@]+@[^\s"\\<>(),;:@]+', 'g') AS address
    ORDER BY length(address[1]) DESC -- the longest first, because one address can be the end of another
  LOOP
    written := replace(written, email, coalesce(registry_keyed_hash(secret, lower(email)), '***'));
  END LOOP;
  RETURN replace(written, E'\n', '')::jsonb;
END
$$;

-- The hash covers every column of the entry and, through previous_hash, all entries before it.
CREATE FUNCTION registry_change_hash(entry registry_change) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT sha256(entry.previous_hash || convert_to(jsonb_build_array(
    entry.revision, entry.position, entry.tenant_id, entry.tenant_slug, entry.module, entry.kind, entry.entity_id,
    entry.actor, entry.database_role, entry.before, entry.after,
    to_char(entry.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))::text, 'UTF8'))
$$;

-- Names the event in the past tense: "tenant.suspended" or "subscription.activated" for a change of status, else
-- registered, created, updated or removed.
CREATE FUNCTION registry_change_kind(noun text, verb text, old_status text, new_status text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT noun || '.' || CASE
    WHEN verb = 'INSERT' THEN CASE noun WHEN 'tenant' THEN 'registered' ELSE 'created' END
    WHEN verb = 'DELETE' THEN 'removed'
    WHEN new_status IS NOT DISTINCT FROM old_status THEN 'updated'
    WHEN new_status <> 'active' THEN new_status
    WHEN old_status = 'suspended' THEN 'resumed'
    WHEN old_status = 'deleted' THEN 'restored'
    ELSE 'activated'
  END
$$;

CREATE FUNCTION registry_record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  noun constant text := TG_ARGV[0];
  hidden constant text[] := '{secret_hash,token_hash,last_used_at,updated_at}';
  old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
  new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
  any_row jsonb := coalesce(new_row, old_row);
  head registry_head;
  entry registry_change;
BEGIN
  IF old_row - '{last_used_at,updated_at}'::text[] = new_row - '{last_used_at,updated_at}'::text[] THEN
    RETURN NULL;
  END IF;

  entry.kind := registry_change_kind(noun, TG_OP, old_row ->> 'status', new_row ->> 'status');
  entry.entity_id := coalesce(any_row ->> 'id', any_row ->> 'tenant_id', any_row ->> 'name');
  entry.tenant_id := CASE noun WHEN 'tenant' THEN any_row ->> 'id' ELSE any_row ->> 'tenant_id' END;
  entry.tenant_slug := (SELECT slug FROM tenants WHERE id = entry.tenant_id);
  entry.module := CASE noun WHEN 'module' THEN any_row ->> 'name' ELSE any_row ->> 'module' END;
  entry.actor := registry_actor();
  entry.database_role := session_user;

  old_row := old_row - hidden;
  new_row := new_row - hidden;
  IF TG_OP = 'UPDATE' THEN
    -- Only the fields that differ: an update of one field must not copy a whole configuration into the log.
    SELECT coalesce(jsonb_object_agg(key, was.value), '{}'), coalesce(jsonb_object_agg(key, became.value), '{}')
      INTO entry.before, entry.after
      FROM jsonb_each(old_row) AS was JOIN jsonb_each(new_row) AS became USING (key)
      WHERE was.value <> became.value;
  ELSE
    entry.before := old_row;
    entry.after := new_row;
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
  IF head.transaction_id = pg_current_xact_id()::text::bigint AND head.transaction_at = now() THEN
    head.position := head.position + 1;
  ELSE
    head.revision := head.revision + 1;
    head.position := 0;
  END IF;
  entry.revision := head.revision;
  entry.position := head.position;
  entry.changed_at := clock_timestamp();
  entry.previous_hash := head.hash;
  entry.hash := registry_change_hash(entry);
  UPDATE registry_head
    SET revision = head.revision, position = head.position, hash = entry.hash,
        transaction_id = pg_current_xact_id()::text::bigint, transaction_at = now();
  INSERT INTO registry_change SELECT entry.*;
  -- The payload is the revision alone, because a payload of 8000 bytes would abort the transaction.
  PERFORM pg_notify('registry_change', head.revision::text);
  RETURN NULL;
END
$$;

-- Deferred to COMMIT, so that the head row is locked as late as possible.
DO $$
DECLARE
  watched text;
  noun text;
BEGIN
  FOR watched, noun IN VALUES
    ('tenants', 'tenant'), ('modules', 'module'), ('module_subscriptions', 'subscription'), ('tenant_settings', 'settings'),
    ('tenant_branding', 'branding'), ('members', 'member'), ('invitations', 'invitation'), ('api_keys', 'api_key')
  LOOP
    EXECUTE format('CREATE CONSTRAINT TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %I DEFERRABLE INITIALLY DEFERRED '
      'FOR EACH ROW EXECUTE FUNCTION registry_record_change(%L)', watched || '_record_change', watched, noun);
  END LOOP;
END
$$;

-- The log is append-only, and the head row changes only together with it. A trigger depth of 2 means that
-- registry_record_change fired this trigger.
CREATE FUNCTION registry_guard_log() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' OR TG_OP = 'DELETE' OR (TG_TABLE_NAME = 'registry_change' AND TG_OP = 'UPDATE') OR pg_trigger_depth() < 2 THEN
    RAISE EXCEPTION '% on % is refused: the change log is append-only, and only triggers write it', TG_OP, TG_TABLE_NAME
      USING ERRCODE = 'insufficient_privilege', HINT = 'Change the tenant, module or subscription itself; a trigger then records the change.';
  END IF;
  RETURN NEW;
END
$$;

-- A data-only restore inserts the head row again and thereby starts a new history.
CREATE FUNCTION registry_head_begin() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.incarnation := gen_random_uuid();
  NEW.transaction_id := 0;
  RETURN NEW;
END
$$;

CREATE TRIGGER registry_head_begin BEFORE INSERT ON registry_head FOR EACH ROW EXECUTE FUNCTION registry_head_begin();
CREATE TRIGGER registry_head_guard BEFORE UPDATE OR DELETE ON registry_head FOR EACH ROW EXECUTE FUNCTION registry_guard_log();
CREATE TRIGGER registry_head_guard_truncate BEFORE TRUNCATE ON registry_head EXECUTE FUNCTION registry_guard_log();
CREATE TRIGGER registry_change_guard BEFORE INSERT OR UPDATE OR DELETE ON registry_change
  FOR EACH ROW EXECUTE FUNCTION registry_guard_log();
CREATE TRIGGER registry_change_guard_truncate BEFORE TRUNCATE ON registry_change EXECUTE FUNCTION registry_guard_log();
