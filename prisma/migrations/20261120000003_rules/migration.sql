-- Rules that hold for every writer: what belongs to a status is filled in, identities never change, names are taken
-- for ever, rows that history hangs on are never deleted.

CREATE FUNCTION tenants_maintain() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW IS NOT DISTINCT FROM OLD THEN
      RETURN NEW;
    END IF;
    IF NEW.id <> OLD.id OR NEW.slug <> OLD.slug THEN
      RAISE EXCEPTION 'id and slug of tenant % never change', OLD.slug
        USING ERRCODE = 'check_violation', CONSTRAINT = 'tenants_identity', HINT = 'Register a new tenant instead.';
    END IF;
    IF OLD.status = 'purged' AND NEW.status <> 'purged' THEN
      RAISE EXCEPTION 'tenant % is purged and stays so', OLD.slug USING ERRCODE = 'check_violation', CONSTRAINT = 'tenants_purged';
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
        -- A tenant deleted while suspended keeps the facts: it is restored to SUSPENDED.
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
CREATE TRIGGER tenants_maintain BEFORE INSERT OR UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION tenants_maintain();

-- At once and not with the change log: a key made while the head is held could deadlock with another transaction's.
CREATE FUNCTION tenants_create_personal_data_key() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO personal_data_keys (tenant_id, key) VALUES (NEW.id, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
  RETURN NULL;
END
$$;
CREATE TRIGGER tenants_create_personal_data_key AFTER INSERT ON tenants
  FOR EACH ROW EXECUTE FUNCTION tenants_create_personal_data_key();

-- By hand "INSERT INTO module_subscriptions (tenant_id, module)" suffices: the rest follows from module and tenant.
CREATE FUNCTION module_subscriptions_maintain() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  module modules;
  issued text;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT * INTO module FROM modules WHERE name = NEW.module;
    SELECT module.schema_prefix || replace(slug, '-', '_') INTO issued FROM tenants WHERE id = NEW.tenant_id;
    NEW.isolation := coalesce(NEW.isolation, module.isolation);
    NEW.schema_name := coalesce(NEW.schema_name, CASE NEW.isolation WHEN 'schema' THEN issued ELSE 'public' END);
    NEW.database_name := coalesce(NEW.database_name, CASE NEW.isolation WHEN 'schema' THEN module.database_name ELSE issued END);
  ELSE
    IF NEW IS NOT DISTINCT FROM OLD THEN
      RETURN NEW;
    END IF;
    IF NEW.id <> OLD.id OR NEW.tenant_id <> OLD.tenant_id OR NEW.module <> OLD.module THEN
      RAISE EXCEPTION 'tenant and module of subscription % never change', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'module_subscriptions_identity';
    END IF;
    -- A generation is one binding of a tenant to a place; whoever holds an older one is turned away.
    IF (NEW.isolation, NEW.database_name, NEW.schema_name) IS DISTINCT FROM (OLD.isolation, OLD.database_name, OLD.schema_name)
       OR (OLD.status IN ('cancelled', 'deprovisioning') AND NEW.status NOT IN ('cancelled', 'deprovisioning')) THEN
      NEW.generation := OLD.generation + 1;
    END IF;
    NEW.version := OLD.version + 1;
    NEW.updated_at := now();
  END IF;

  IF NEW.status = 'active' THEN
    NEW.provisioned_at := coalesce(NEW.provisioned_at, now());
  END IF;
  IF NEW.status = 'cancelled' THEN
    NEW.cancelled_at := coalesce(NEW.cancelled_at, now());
  ELSIF NEW.status <> 'deprovisioning' THEN
    NEW.cancelled_at := NULL;
    NEW.purge_after := NULL;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER module_subscriptions_maintain BEFORE INSERT OR UPDATE ON module_subscriptions
  FOR EACH ROW EXECUTE FUNCTION module_subscriptions_maintain();

-- One owner for each name, in all databases at once: two modules may name one physical database by two variables.
CREATE FUNCTION module_subscriptions_claim_name() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  claimed text := CASE NEW.isolation WHEN 'schema' THEN NEW.schema_name ELSE NEW.database_name END;
  owner storage_names;
BEGIN
  INSERT INTO storage_names (kind, name, tenant_id) VALUES (NEW.isolation, claimed, NEW.tenant_id) ON CONFLICT DO NOTHING;
  SELECT * INTO STRICT owner FROM storage_names WHERE kind = NEW.isolation AND name = claimed;
  IF owner.tenant_id <> NEW.tenant_id THEN
    RAISE EXCEPTION '% name "%" is taken by tenant %', NEW.isolation, claimed, owner.tenant_id
      USING ERRCODE = 'unique_violation', CONSTRAINT = 'storage_names_pkey', HINT = 'Names are never used again: choose another.';
  END IF;
  IF NEW.status = 'active' AND owner.resolved_at IS NULL THEN
    UPDATE storage_names SET resolved_at = now() WHERE kind = NEW.isolation AND name = claimed;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER module_subscriptions_claim_name AFTER INSERT OR UPDATE ON module_subscriptions
  FOR EACH ROW EXECUTE FUNCTION module_subscriptions_claim_name();

-- A name that once resolved is taken for ever; before that it may be given back.
CREATE FUNCTION storage_names_keep() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.resolved_at IS NOT NULL AND (TG_OP = 'DELETE' OR (NEW.kind, NEW.name, NEW.tenant_id) <> (OLD.kind, OLD.name, OLD.tenant_id)
                                      OR NEW.resolved_at IS NULL) THEN
    RAISE EXCEPTION '% name "%" has resolved to tenant % and is taken for ever', OLD.kind, OLD.name, OLD.tenant_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'storage_names_for_ever';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER storage_names_keep BEFORE UPDATE OR DELETE ON storage_names FOR EACH ROW EXECUTE FUNCTION storage_names_keep();

CREATE FUNCTION registry_touch() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF NEW IS DISTINCT FROM OLD THEN
    NEW.version := OLD.version + 1;
    NEW.updated_at := now();
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER modules_touch BEFORE UPDATE ON modules FOR EACH ROW EXECUTE FUNCTION registry_touch();
CREATE TRIGGER tenant_settings_touch BEFORE UPDATE ON tenant_settings FOR EACH ROW EXECUTE FUNCTION registry_touch();
CREATE TRIGGER tenant_branding_touch BEFORE UPDATE ON tenant_branding FOR EACH ROW EXECUTE FUNCTION registry_touch();
CREATE TRIGGER members_touch BEFORE UPDATE ON members FOR EACH ROW EXECUTE FUNCTION registry_touch();

CREATE FUNCTION registry_refuse() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege', HINT = TG_ARGV[0];
END
$$;
CREATE TRIGGER tenants_refuse_delete BEFORE DELETE ON tenants
  FOR EACH ROW EXECUTE FUNCTION registry_refuse('Set status = ''deleted'': ids and slugs stay taken.');
CREATE TRIGGER module_subscriptions_refuse_delete BEFORE DELETE ON module_subscriptions
  FOR EACH ROW EXECUTE FUNCTION registry_refuse('Set status = ''cancelled'': names stay taken.');

DO $$
DECLARE
  watched text;
BEGIN
  FOREACH watched IN ARRAY ARRAY['tenants', 'modules', 'module_subscriptions', 'tenant_settings', 'tenant_branding',
                                 'members', 'invitations', 'api_keys', 'storage_names', 'personal_data_keys']
  LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I EXECUTE FUNCTION registry_refuse(%L)',
      watched || '_refuse_truncate', watched, 'Change rows one by one: TRUNCATE would leave no trace in the change log.');
  END LOOP;
END
$$;
