-- Legacy ids: the text under which services of older platforms know a tenant, as a column that INSERT … ON CONFLICT can name. The views
-- of schema legacy (the next migration) show it as `id` and `tenant_id`. It is the slug until the tenant gets its first external id.

ALTER TABLE "tenants" ADD COLUMN "legacy_id" TEXT;
ALTER TABLE "tenant_settings" ADD COLUMN "legacy_id" TEXT;
ALTER TABLE "tenant_branding" ADD COLUMN "legacy_id" TEXT;

-- No trigger needs to see these values: the log and the caches do not have the column yet.
ALTER TABLE tenants DISABLE TRIGGER USER;
ALTER TABLE tenant_settings DISABLE TRIGGER USER;
ALTER TABLE tenant_branding DISABLE TRIGGER USER;
UPDATE tenants SET legacy_id = coalesce((
  SELECT external_id FROM tenant_external_ids AS named WHERE named.tenant_id = tenants.id AND named.status = 'active'
  ORDER BY created_at, external_id LIMIT 1), slug);
UPDATE tenant_settings SET legacy_id = tenants.legacy_id FROM tenants WHERE tenants.id = tenant_id;
UPDATE tenant_branding SET legacy_id = tenants.legacy_id FROM tenants WHERE tenants.id = tenant_id;
ALTER TABLE tenants ENABLE TRIGGER USER;
ALTER TABLE tenant_settings ENABLE TRIGGER USER;
ALTER TABLE tenant_branding ENABLE TRIGGER USER;

CREATE UNIQUE INDEX "tenants_legacy_id_key" ON "tenants"("legacy_id");
CREATE UNIQUE INDEX "tenant_settings_legacy_id_key" ON "tenant_settings"("legacy_id");
CREATE UNIQUE INDEX "tenant_branding_legacy_id_key" ON "tenant_branding"("legacy_id");

-- The tenant that a name means: a UUID, a slug, or an external id that is not removed.
CREATE FUNCTION registry_find_named(reference text) RETURNS tenants
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  tenant tenants;
BEGIN
  IF reference ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
    SELECT * INTO tenant FROM tenants WHERE id = reference::uuid;
  ELSE
    SELECT * INTO tenant FROM tenants WHERE slug = reference;
    IF NOT FOUND THEN
      SELECT tenants.* INTO tenant FROM tenants JOIN tenant_external_ids AS named ON named.tenant_id = tenants.id
        WHERE named.external_id = reference AND named.status = 'active';
    END IF;
  END IF;
  RETURN tenant;
END
$$;

-- Only the views of schema legacy insert a legacy id. The row of a tenant that is there already gets its identity, so that the unique
-- index finds it and ON CONFLICT DO UPDATE changes it. The lock makes transactions that insert the same id run one after the other.
CREATE FUNCTION tenants_adopt_legacy_id() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  wanted constant text := NEW.legacy_id;
  known tenants;
  derived text;
  suffix int := 1;
BEGIN
  IF wanted IS NULL THEN
    -- As tenants_refuse_external_id says at COMMIT; the unique index would refuse it here, with another message.
    SELECT tenants.* INTO known FROM tenants JOIN tenant_external_ids AS named ON named.tenant_id = tenants.id WHERE named.external_id = NEW.slug;
    IF FOUND THEN
      RAISE EXCEPTION 'Slug "%" is an external id of tenant %', NEW.slug, known.id
        USING ERRCODE = 'unique_violation', CONSTRAINT = 'tenants_slug_is_no_external_id', HINT = 'Choose another slug: external ids stay with their tenant.';
    END IF;
    NEW.legacy_id := NEW.slug;
    RETURN NEW;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('tenant-registry/legacy-id/' || wanted, 0));
  known := registry_find_named(wanted);
  IF known.id IS NOT NULL THEN
    NEW.id := known.id;
    NEW.slug := known.slug;
    NEW.legacy_id := known.legacy_id;
  ELSIF registry_slug_problem(wanted) IS NULL THEN
    NEW.slug := coalesce(NEW.slug, wanted);
  ELSIF wanted !~ '^[A-Za-z0-9_][A-Za-z0-9._~:@=|+-]{0,99}$' OR replace(lower(wanted), '-', '') ~ '^[0-9a-f]{32}$' THEN
    PERFORM registry_refuse_call('VALIDATION_ERROR',
      format('id "%s": must be 1 to 100 letters, digits and . _ ~ : @ = | + -, begin with a letter, a digit or _, and not look like a UUID', left(wanted, 100)),
      'An example is acme-corp; register_tenant registers a tenant under a UUID.');
  ELSIF NEW.slug IS NULL THEN
    -- As deriveSlug in src/registry/slug.ts does for the characters of an external id; a test compares the two.
    derived := regexp_replace(left(regexp_replace(lower(wanted), '[^a-z0-9]+', '-', 'g'), 40), '^-|-$', '', 'g');
    IF registry_slug_problem(derived) IS NOT NULL THEN
      derived := rtrim(left('tenant-' || derived, 40), '-');
    END IF;
    NEW.slug := derived;
    WHILE EXISTS (SELECT FROM tenants WHERE slug = NEW.slug) OR EXISTS (SELECT FROM tenant_external_ids WHERE external_id = NEW.slug) LOOP
      suffix := suffix + 1;
      NEW.slug := rtrim(left(derived, 36), '-_') || '-' || suffix;
    END LOOP;
  END IF;
  -- A service that writes a whole row has NULL for what it does not know.
  NEW.status := coalesce(NEW.status, known.status, 'active');
  NEW.plan := coalesce(NEW.plan, known.plan, 'lite');
  NEW.timezone := coalesce(NEW.timezone, known.timezone, 'Africa/Johannesburg');
  NEW.currency := coalesce(NEW.currency, known.currency, 'ZAR');
  NEW.tenant_config := coalesce(NEW.tenant_config, known.tenant_config, '{}');
  NEW.config_source := coalesce(NEW.config_source, known.config_source, 'database');
  NEW.created_at := coalesce(NEW.created_at, known.created_at, now());
  NEW.created_by := coalesce(NEW.created_by, known.created_by, registry_actor());
  RETURN NEW;
END
$$;
-- The name makes it run first: the other triggers read what it fills in.
CREATE TRIGGER tenants_adopt_legacy_id BEFORE INSERT ON tenants FOR EACH ROW EXECUTE FUNCTION tenants_adopt_legacy_id();

-- Runs with the rights of the writer. The check option of a view comes too late for ON CONFLICT DO UPDATE … WHERE, which reads the row of
-- before. Whoever may write the tables themselves is limited by their policies.
CREATE FUNCTION registry_allow_legacy_writer() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  subject constant uuid := CASE TG_TABLE_NAME WHEN 'tenants' THEN to_jsonb(NEW) ->> 'id' ELSE to_jsonb(NEW) ->> 'tenant_id' END;
BEGIN
  IF NOT has_table_privilege(TG_RELID, 'INSERT') AND coalesce(pg_has_role(to_regrole('registry_reader'), 'USAGE'), false) THEN
    -- A statement of its own: every function of an evaluated condition needs a right, also one that is not reached.
    IF subject IS NULL OR subject IS DISTINCT FROM registry_visible_tenant() THEN
      -- The same for every other name, whether a tenant has it or not.
      RAISE EXCEPTION 'Only the tenant in app.tenant_id can be written'
        USING ERRCODE = 'insufficient_privilege', HINT = 'Members of registry_reader write the tenant in app.tenant_id, and register none.';
    END IF;
  END IF;
  IF subject IS NULL AND NEW.legacy_id IS NOT NULL THEN
    RAISE EXCEPTION 'TENANT_NOT_FOUND: No tenant has the id, slug or external id "%"', left(NEW.legacy_id, 100)
      USING ERRCODE = 'TR006', HINT = 'Insert the tenant first.';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER tenants_allow_legacy_writer BEFORE INSERT ON tenants FOR EACH ROW EXECUTE FUNCTION registry_allow_legacy_writer();

CREATE FUNCTION tenants_add_legacy_id() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO tenant_external_ids (external_id, tenant_id) VALUES (NEW.legacy_id, NEW.id);
  RETURN NULL;
END
$$;
CREATE TRIGGER tenants_add_legacy_id AFTER INSERT ON tenants
  FOR EACH ROW WHEN (NEW.legacy_id <> NEW.slug) EXECUTE FUNCTION tenants_add_legacy_id();

-- An administrator may choose among the names of the tenant. Services that write through the views have no right on the table, and the
-- id that they read never changes for them.
CREATE FUNCTION tenants_keep_legacy_id() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT has_table_privilege('tenants', 'UPDATE') THEN
    RAISE EXCEPTION 'The id of tenant % never changes', OLD.legacy_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'tenants_identity', HINT = 'Register a new tenant instead.';
  END IF;
  IF NEW.legacy_id IS NULL OR NEW.legacy_id <> NEW.slug AND NOT EXISTS (
       SELECT FROM tenant_external_ids WHERE external_id = NEW.legacy_id AND tenant_id = NEW.id AND status = 'active') THEN
    RAISE EXCEPTION 'legacy_id "%" is no name of tenant %', NEW.legacy_id, NEW.slug
      USING ERRCODE = 'check_violation', CONSTRAINT = 'tenants_legacy_id_is_name', HINT = 'Choose the slug or one of the external ids of the tenant.';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER tenants_keep_legacy_id BEFORE UPDATE ON tenants
  FOR EACH ROW WHEN (NEW.legacy_id IS DISTINCT FROM OLD.legacy_id) EXECUTE FUNCTION tenants_keep_legacy_id();

CREATE FUNCTION tenants_spread_legacy_id() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE tenant_settings SET legacy_id = NEW.legacy_id WHERE tenant_id = NEW.id;
  UPDATE tenant_branding SET legacy_id = NEW.legacy_id WHERE tenant_id = NEW.id;
  RETURN NULL;
END
$$;
CREATE TRIGGER tenants_spread_legacy_id AFTER UPDATE ON tenants
  FOR EACH ROW WHEN (NEW.legacy_id IS DISTINCT FROM OLD.legacy_id) EXECUTE FUNCTION tenants_spread_legacy_id();

-- The first external ids of a tenant are those under which older services know it. Later ones change nothing. At COMMIT, because the
-- unique index makes it wait for a transaction that writes the same name.
CREATE FUNCTION tenant_external_ids_name_tenant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  tenant tenants;
  oldest text;
BEGIN
  SELECT * INTO tenant FROM tenants WHERE id = NEW.tenant_id;
  SELECT external_id INTO oldest FROM tenant_external_ids WHERE tenant_id = NEW.tenant_id AND status = 'active'
    ORDER BY created_at, external_id LIMIT 1;
  IF tenant.legacy_id = NEW.external_id AND NEW.status = 'removed' THEN
    UPDATE tenants SET legacy_id = coalesce(oldest, slug) WHERE id = tenant.id;
  ELSIF tenant.legacy_id = tenant.slug AND NEW.status = 'active' AND oldest IS NOT NULL AND NOT EXISTS (
          SELECT FROM tenant_external_ids AS other WHERE other.tenant_id = tenant.id AND other.external_id <> NEW.external_id
            AND CASE TG_OP WHEN 'INSERT' THEN other.created_at < NEW.created_at ELSE other.status = 'active' END) THEN
    BEGIN
      UPDATE tenants SET legacy_id = oldest WHERE id = tenant.id;
    EXCEPTION WHEN unique_violation THEN
      -- The id is a slug: tenant_external_ids_refuse_slug refuses it, with the right message.
      NULL;
    END;
  END IF;
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER tenant_external_ids_name_tenant AFTER INSERT OR UPDATE OF status ON tenant_external_ids
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tenant_external_ids_name_tenant();

-- Settings and branding repeat the legacy id of their tenant.
CREATE FUNCTION registry_take_legacy_tenant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  known tenants;
BEGIN
  IF TG_OP = 'INSERT' AND NEW.legacy_id IS NOT NULL THEN
    known := registry_find_named(NEW.legacy_id);
    IF known.id IS NULL OR known.status = 'purged' THEN
      -- registry_allow_legacy_writer refuses it, and tells only a writer who may see all tenants that there is none.
      NEW.tenant_id := NULL;
      RETURN NEW;
    END IF;
    NEW.tenant_id := known.id;
    -- Whole rows have NULL for what the service does not know.
    IF TG_TABLE_NAME = 'tenant_settings' THEN
      NEW.company_name := coalesce(NEW.company_name, known.name);
      NEW.currency := coalesce(NEW.currency, known.currency);
      NEW.timezone := coalesce(NEW.timezone, known.timezone);
    ELSE
      NEW.preset_theme := coalesce(NEW.preset_theme, 'professional_blue');
    END IF;
  ELSE
    SELECT * INTO known FROM tenants WHERE id = NEW.tenant_id;
    IF TG_OP = 'UPDATE' AND (NEW.tenant_id <> OLD.tenant_id OR NEW.legacy_id IS DISTINCT FROM known.legacy_id) THEN
      RAISE EXCEPTION 'The row of tenant % in % stays with the tenant', OLD.legacy_id, TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_identity', HINT = 'Change the row of the other tenant instead.';
    END IF;
  END IF;
  NEW.legacy_id := known.legacy_id;
  RETURN NEW;
END
$$;
CREATE TRIGGER tenant_settings_begin_legacy BEFORE INSERT OR UPDATE OF tenant_id, legacy_id ON tenant_settings
  FOR EACH ROW EXECUTE FUNCTION registry_take_legacy_tenant();
CREATE TRIGGER tenant_branding_begin_legacy BEFORE INSERT OR UPDATE OF tenant_id, legacy_id ON tenant_branding
  FOR EACH ROW EXECUTE FUNCTION registry_take_legacy_tenant();

CREATE TRIGGER tenant_settings_check_legacy BEFORE INSERT ON tenant_settings
  FOR EACH ROW EXECUTE FUNCTION registry_allow_legacy_writer();
CREATE TRIGGER tenant_branding_check_legacy BEFORE INSERT ON tenant_branding
  FOR EACH ROW EXECUTE FUNCTION registry_allow_legacy_writer();

-- As registry_touch. Old statements set updated_at themselves: that alone is no change, nor is the legacy id.
CREATE FUNCTION registry_touch_profile() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  touched constant timestamptz := OLD.updated_at;
BEGIN
  OLD.legacy_id := NEW.legacy_id;
  OLD.updated_at := NEW.updated_at;
  IF NEW IS NOT DISTINCT FROM OLD THEN
    NEW.updated_at := touched;
  ELSE
    NEW.version := OLD.version + 1;
    NEW.updated_at := now();
  END IF;
  RETURN NEW;
END
$$;
DROP TRIGGER tenant_settings_touch ON tenant_settings;
DROP TRIGGER tenant_branding_touch ON tenant_branding;
CREATE TRIGGER tenant_settings_touch BEFORE UPDATE ON tenant_settings FOR EACH ROW EXECUTE FUNCTION registry_touch_profile();
CREATE TRIGGER tenant_branding_touch BEFORE UPDATE ON tenant_branding FOR EACH ROW EXECUTE FUNCTION registry_touch_profile();

-- As in 20261129000003_rules. updated_at alone and the legacy id are no change of the version, and deleted_at alone deletes or restores.
CREATE OR REPLACE FUNCTION tenants_maintain() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  was tenants;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    was := OLD;
    was.legacy_id := NEW.legacy_id;
    was.updated_at := NEW.updated_at;
    IF NEW IS NOT DISTINCT FROM was THEN
      NEW.updated_at := OLD.updated_at;
      RETURN NEW;
    END IF;
    IF NEW.id <> OLD.id OR NEW.slug <> OLD.slug THEN
      RAISE EXCEPTION 'Id and slug of tenant % never change', OLD.slug
        USING ERRCODE = 'check_violation', CONSTRAINT = 'tenants_identity', HINT = 'Register a new tenant instead.';
    END IF;
    IF OLD.status = 'purged' AND NEW.status <> 'purged' THEN
      RAISE EXCEPTION 'Tenant % is purged, which is final: register a new tenant', OLD.slug USING ERRCODE = 'check_violation', CONSTRAINT = 'tenants_purged';
    END IF;
    IF NEW.status = OLD.status AND NEW.status = 'deleted' AND NEW.deleted_at IS NULL THEN
      NEW.status := OLD.status_before_deletion;
    ELSIF NEW.status = OLD.status AND NEW.status <> 'purged' AND OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN
      NEW.status := 'deleted';
    END IF;
    NEW.version := OLD.version + 1;
    NEW.updated_at := now();
  END IF;

  IF TG_OP = 'INSERT' OR NEW.status <> OLD.status THEN
    CASE
      WHEN NEW.status = 'suspended' THEN
        NEW.suspended_at := coalesce(NEW.suspended_at, now());
      WHEN NEW.status NOT IN ('deleted', 'purged') THEN
        NEW.suspended_at := NULL;
        NEW.suspended_reason := NULL;
      ELSE
        -- A tenant that is deleted while suspended keeps both columns, because a restore makes it suspended again.
    END CASE;
    IF NEW.status = 'deleted' THEN
      NEW.deleted_at := now();
      NEW.purge_after := coalesce(NEW.purge_after, now() + interval '30 days');
      NEW.status_before_deletion := coalesce(OLD.status, 'active');
    ELSIF NEW.status <> 'purged' THEN
      NEW.deleted_at := NULL;
      NEW.purge_after := NULL;
      NEW.status_before_deletion := NULL;
    END IF;
  END IF;
  RETURN NEW;
END
$$;

-- As in 20261201000021_operations_in_log. Settings and branding only repeat the legacy id of their tenant.
CREATE OR REPLACE FUNCTION registry_record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  noun constant text := TG_ARGV[0];
  hidden constant text[] := CASE WHEN noun = 'operation' THEN '{request_id,idempotency_key,fencing_token,worker,heartbeat_at}'
                                 WHEN noun IN ('settings', 'branding') THEN '{updated_at,legacy_id}'
                                 ELSE '{secret_hash,token_hash,last_used_at,updated_at}' END;
  ignored constant text[] := CASE WHEN noun IN ('settings', 'branding') THEN '{updated_at,legacy_id}' ELSE '{last_used_at,updated_at}' END;
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
  IF old_row - ignored = new_row - ignored THEN
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

REVOKE ALL ON FUNCTION registry_find_named(text), registry_allow_legacy_writer(), tenants_adopt_legacy_id(), tenants_add_legacy_id(), tenants_keep_legacy_id(),
  tenants_spread_legacy_id(), tenant_external_ids_name_tenant(), registry_take_legacy_tenant(), registry_touch_profile() FROM PUBLIC;

COMMENT ON COLUMN tenants.legacy_id IS 'Id under which services of older platforms see the tenant in the views of schema legacy: its slug, or one of its external ids. Set by trigger: the first external id of a tenant takes the place of the slug. An administrator may choose another name of the tenant.';
COMMENT ON COLUMN tenant_settings.legacy_id IS 'tenants.legacy_id of the tenant, kept equal by trigger.';
COMMENT ON COLUMN tenant_branding.legacy_id IS 'tenants.legacy_id of the tenant, kept equal by trigger.';
COMMENT ON FUNCTION registry_find_named(text) IS 'The tenant with this id, slug or external id, in whatever status; a row of nulls when there is none.';
COMMENT ON FUNCTION tenants_adopt_legacy_id() IS 'Trigger function: derives id and slug from a legacy id that is inserted, and fills in the legacy id where there is none.';
COMMENT ON FUNCTION tenants_add_legacy_id() IS 'Trigger function: makes the legacy id of a new tenant an external id.';
COMMENT ON FUNCTION tenants_keep_legacy_id() IS 'Trigger function: refuses a legacy id that is no name of the tenant, and every change by a role without rights on the table.';
COMMENT ON FUNCTION tenants_spread_legacy_id() IS 'Trigger function: repeats a changed legacy id in settings and branding.';
COMMENT ON FUNCTION tenant_external_ids_name_tenant() IS 'Trigger function: the first external id of a tenant becomes its legacy id, and a removed one is replaced.';
COMMENT ON FUNCTION registry_take_legacy_tenant() IS 'Trigger function of settings and branding: finds the tenant of a legacy id that is inserted, repeats the legacy id of the tenant, and refuses to move a row.';
COMMENT ON FUNCTION registry_touch_profile() IS 'Trigger function: sets version and updated_at when the row really changes.';
COMMENT ON TRIGGER tenants_adopt_legacy_id ON tenants IS 'Derives id and slug from a legacy id that is inserted, and fills in the legacy id where there is none. Runs before the triggers that read them.';
COMMENT ON FUNCTION registry_allow_legacy_writer() IS 'Trigger function: a writer that is a member of registry_reader writes the tenant in app.tenant_id only.';
COMMENT ON TRIGGER tenants_allow_legacy_writer ON tenants IS 'Refuses another tenant than that in app.tenant_id to members of registry_reader. Runs after tenants_adopt_legacy_id.';
COMMENT ON TRIGGER tenant_settings_check_legacy ON tenant_settings IS 'Refuses another tenant than that in app.tenant_id to members of registry_reader. Runs after tenant_settings_begin_legacy.';
COMMENT ON TRIGGER tenant_branding_check_legacy ON tenant_branding IS 'Refuses another tenant than that in app.tenant_id to members of registry_reader. Runs after tenant_branding_begin_legacy.';
COMMENT ON TRIGGER tenants_add_legacy_id ON tenants IS 'Makes a legacy id that is not the slug an external id.';
COMMENT ON TRIGGER tenants_keep_legacy_id ON tenants IS 'Refuses a legacy id that is no name of the tenant.';
COMMENT ON TRIGGER tenants_spread_legacy_id ON tenants IS 'Repeats a changed legacy id in settings and branding.';
COMMENT ON TRIGGER tenant_external_ids_name_tenant ON tenant_external_ids IS 'Keeps tenants.legacy_id a name of the tenant. At COMMIT.';
COMMENT ON TRIGGER tenant_settings_begin_legacy ON tenant_settings IS 'Finds the tenant of a legacy id, and keeps the legacy id equal to that of the tenant.';
COMMENT ON TRIGGER tenant_branding_begin_legacy ON tenant_branding IS 'Finds the tenant of a legacy id, and keeps the legacy id equal to that of the tenant.';
COMMENT ON TRIGGER tenant_settings_touch ON tenant_settings IS 'Sets version and updated_at when the row really changes.';
COMMENT ON TRIGGER tenant_branding_touch ON tenant_branding IS 'Sets version and updated_at when the row really changes.';
