-- Rules: CHECK constraints and triggers that hold for every writer, psql included; the rules of a tenant's configuration;
-- and the rows of the modules that exist today.

-- CHECK constraints. The application checks the same before it writes, with better messages.

ALTER TABLE tenants
  ADD CONSTRAINT tenants_slug_form CHECK (
    slug ~ '^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$' AND length(slug) BETWEEN 2 AND 40 AND slug !~ '^pg_'),
  ADD CONSTRAINT tenants_slug_is_no_uuid CHECK (replace(slug, '-', '') !~ '^[0-9a-f]{32}$'),
  ADD CONSTRAINT tenants_name_form CHECK (name = btrim(name) AND length(name) BETWEEN 1 AND 200 AND name !~ '[[:cntrl:]]'),
  ADD CONSTRAINT tenants_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
  ADD CONSTRAINT tenants_primary_email_form CHECK (primary_email ~ '^[^@\s]+@[^@\s]+$'),
  ADD CONSTRAINT tenants_quotas_not_negative CHECK (max_users >= 0 AND max_monthly_quotes >= 0 AND max_storage_gb >= 0),
  ADD CONSTRAINT tenants_config_is_object CHECK (jsonb_typeof(tenant_config) = 'object'),
  ADD CONSTRAINT tenants_suspension_has_date CHECK (status <> 'suspended' OR suspended_at IS NOT NULL),
  ADD CONSTRAINT tenants_deletion_has_dates CHECK (
    status <> 'deleted' OR (deleted_at IS NOT NULL AND purge_after IS NOT NULL AND status_before_deletion IS NOT NULL)),
  ADD CONSTRAINT tenants_version_positive CHECK (version >= 1);

ALTER TABLE cache_secret
  ADD CONSTRAINT cache_secret_is_only_row CHECK (is_only),
  ADD CONSTRAINT cache_secret_length CHECK (octet_length(secret) >= 32);

INSERT INTO cache_secret (secret)
  VALUES (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

ALTER TABLE modules
  ADD CONSTRAINT modules_name_form CHECK (name ~ '^[a-z][a-z0-9_]{0,30}$'),
  ADD CONSTRAINT modules_database_ref_form CHECK (database_ref ~ '^[A-Z][A-Z0-9_]{0,62}$'),
  ADD CONSTRAINT modules_database_name_form CHECK (octet_length(database_name) BETWEEN 1 AND 63),
  -- 20 characters of the prefix, 40 of the slug and 3 of a suffix fit into the 63 bytes of a PostgreSQL name.
  ADD CONSTRAINT modules_schema_prefix_form CHECK (schema_prefix ~ '^[a-z][a-z0-9_]{0,19}$' AND schema_prefix !~ '^pg_'),
  ADD CONSTRAINT modules_migrations_folder_form CHECK (migrations_folder ~ '^[a-z][a-z0-9_-]{0,62}$');

ALTER TABLE module_subscriptions
  -- Existing schemas and databases that a tenant brings along keep their names, so these three rules allow more than the
  -- names that the registry issues itself.
  ADD CONSTRAINT module_subscriptions_schema_name_form CHECK (
    octet_length(schema_name) BETWEEN 1 AND 63 AND schema_name !~ '^pg_|[[:cntrl:]]' AND schema_name <> 'information_schema'),
  ADD CONSTRAINT module_subscriptions_public_is_own_database CHECK (schema_name <> 'public' OR isolation = 'database'),
  ADD CONSTRAINT module_subscriptions_database_name_form CHECK (
    octet_length(database_name) BETWEEN 1 AND 63
    AND (isolation = 'schema' OR (database_name !~ '^pg_|[[:cntrl:]]' AND database_name NOT IN ('postgres', 'template0', 'template1')))),
  ADD CONSTRAINT module_subscriptions_active_is_provisioned CHECK (status <> 'active' OR provisioned_at IS NOT NULL),
  ADD CONSTRAINT module_subscriptions_generation_positive CHECK (generation >= 1 AND version >= 1);

ALTER TABLE storage_names
  ADD CONSTRAINT storage_names_name_form CHECK (octet_length(name) BETWEEN 1 AND 63 AND name !~ '^pg_|[[:cntrl:]]');

ALTER TABLE tenant_settings
  ADD CONSTRAINT tenant_settings_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
  ADD CONSTRAINT tenant_settings_email_form CHECK (
    support_email ~ '^[^@\s]+@[^@\s]+$' AND email_from_email ~ '^[^@\s]+@[^@\s]+$');

ALTER TABLE tenant_branding
  ADD CONSTRAINT tenant_branding_color_form CHECK (
    primary_color ~ '^#[0-9A-Fa-f]{6}$' AND secondary_color ~ '^#[0-9A-Fa-f]{6}$' AND accent_color ~ '^#[0-9A-Fa-f]{6}$');

ALTER TABLE members
  ADD CONSTRAINT members_email_form CHECK (email ~ '^[^@\s]+@[^@\s]+$' AND email = lower(email));

ALTER TABLE invitations
  ADD CONSTRAINT invitations_token_is_hashed CHECK (octet_length(token_hash) = 32);

ALTER TABLE api_keys
  ADD CONSTRAINT api_keys_secret_is_hashed CHECK (octet_length(secret_hash) = 32),
  ADD CONSTRAINT api_keys_name_form CHECK (length(name) BETWEEN 1 AND 100 AND name !~ '[[:cntrl:]]'),
  ADD CONSTRAINT api_keys_has_scopes CHECK (cardinality(scopes) > 0);

ALTER TABLE operations
  ADD CONSTRAINT operations_end_has_date CHECK (
    (status IN ('succeeded', 'failed', 'compensated', 'cancelled')) = (finished_at IS NOT NULL)),
  ADD CONSTRAINT operations_attempt_positive CHECK (attempt >= 1);

ALTER TABLE operation_steps ADD CONSTRAINT operation_steps_facts_are_object CHECK (jsonb_typeof(facts) = 'object');

ALTER TABLE registry_head
  ADD CONSTRAINT registry_head_is_one_row CHECK (id),
  ADD CONSTRAINT registry_head_not_negative CHECK (revision >= 0 AND position >= 0);

ALTER TABLE registry_change
  ADD CONSTRAINT registry_change_counts_from_one CHECK (revision >= 1 AND position >= 0);

-- Triggers. They fill in the columns that follow from a status, refuse changes of identities, keep storage names taken for
-- ever, and refuse to delete rows that the history refers to.

CREATE FUNCTION tenants_maintain() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW IS NOT DISTINCT FROM OLD THEN
      RETURN NEW;
    END IF;
    IF NEW.id <> OLD.id OR NEW.slug <> OLD.slug THEN
      RAISE EXCEPTION 'Id and slug of tenant % never change', OLD.slug
        USING ERRCODE = 'check_violation', CONSTRAINT = 'tenants_identity', HINT = 'Register a new tenant instead.';
    END IF;
    IF OLD.status = 'purged' AND NEW.status <> 'purged' THEN
      RAISE EXCEPTION 'Tenant % is purged, which is final: register a new tenant', OLD.slug USING ERRCODE = 'check_violation', CONSTRAINT = 'tenants_purged';
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
CREATE TRIGGER tenants_maintain BEFORE INSERT OR UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION tenants_maintain();

-- The key is created at once, not deferred like the change log: creating it while the head row is locked could deadlock
-- with another transaction.
CREATE FUNCTION tenants_create_personal_data_key() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO personal_data_keys (tenant_id, key) VALUES (NEW.id, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
  RETURN NULL;
END
$$;
CREATE TRIGGER tenants_create_personal_data_key AFTER INSERT ON tenants
  FOR EACH ROW EXECUTE FUNCTION tenants_create_personal_data_key();

-- An INSERT by hand needs only tenant_id and module: the other columns follow from the module and the tenant.
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
      RAISE EXCEPTION 'Tenant and module of subscription % never change: cancel it and add another', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'module_subscriptions_identity';
    END IF;
    -- A generation is one binding of a tenant to a storage place. The guard rejects callers with an older generation.
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

-- A storage name has one owner over all databases, because two modules can refer to one physical database by two
-- environment variables.
CREATE FUNCTION module_subscriptions_claim_name() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  claimed text := CASE NEW.isolation WHEN 'schema' THEN NEW.schema_name ELSE NEW.database_name END;
  owner storage_names;
BEGIN
  INSERT INTO storage_names (kind, name, tenant_id) VALUES (NEW.isolation, claimed, NEW.tenant_id) ON CONFLICT DO NOTHING;
  SELECT * INTO STRICT owner FROM storage_names WHERE kind = NEW.isolation AND name = claimed;
  IF owner.tenant_id <> NEW.tenant_id THEN
    RAISE EXCEPTION '% name "%" is taken by tenant %', NEW.isolation, claimed, owner.tenant_id
      USING ERRCODE = 'unique_violation', CONSTRAINT = 'storage_names_pkey', HINT = 'Names are never reused: choose another name.';
  END IF;
  IF NEW.status = 'active' AND owner.resolved_at IS NULL THEN
    UPDATE storage_names SET resolved_at = now() WHERE kind = NEW.isolation AND name = claimed;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER module_subscriptions_claim_name AFTER INSERT OR UPDATE ON module_subscriptions
  FOR EACH ROW EXECUTE FUNCTION module_subscriptions_claim_name();

-- A name stays taken for ever from the moment a subscription under it was first active. Before that it may be released.
CREATE FUNCTION storage_names_keep() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.resolved_at IS NOT NULL AND (TG_OP = 'DELETE' OR (NEW.kind, NEW.name, NEW.tenant_id) <> (OLD.kind, OLD.name, OLD.tenant_id)
                                      OR NEW.resolved_at IS NULL) THEN
    RAISE EXCEPTION '% name "%" belongs to tenant % for ever, because the tenant has used it: choose another name', OLD.kind, OLD.name, OLD.tenant_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'storage_names_for_ever';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER storage_names_keep BEFORE UPDATE OR DELETE ON storage_names FOR EACH ROW EXECUTE FUNCTION storage_names_keep();

-- For tables that need nothing more than version and updated_at.
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

-- Refuses a statement. The argument of the trigger is the hint that the caller sees.
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

-- Configuration of a tenant. Secrets are refused for every writer, and columns repeat three fields that are read often.

-- The same rules as in src/profile/secret-detector.ts, for writers that bypass the application. A test compares the two.
CREATE FUNCTION registry_find_secret(key text, value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $secret$
  SELECT CASE
    WHEN value = '' OR value ~ '^\$\{[A-Za-z_][A-Za-z0-9_]*\}$' THEN NULL
    WHEN lower(regexp_replace(key, '([a-z0-9])([A-Z])', '\1_\2', 'g'))
      ~ '(^|[^a-z0-9])(secret|token|password|passwd|pwd|passphrase|credentials?|(api|anon|service|private|secret|access|auth|account|signing|encryption)[^a-z0-9]?key)$'
      THEN 'a secret'
    WHEN value ~ '-----BEGIN [A-Z0-9 ]+-----' THEN 'a PEM block'
    WHEN value ~ 'eyJ[A-Za-z0-9_-]{0,255}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+' THEN 'a JSON Web Token'
    WHEN value ~ '[A-Za-z][A-Za-z0-9+.-]{0,30}://[^/?#@\s]{0,200}:[^/?#@\s]{1,200}@' THEN 'a URL with a password'
    WHEN value ~* '[?&](access_token|token|api_?key|key|sig|signature|secret|password|code|x-amz-signature)=[^&#\s]{8}'
      THEN 'a URL with a key in it'
    WHEN value ~ 'hooks\.slack\.com/services/|discord(app)?\.com/api/webhooks/' THEN 'a webhook URL, which anyone who knows it can call'
    WHEN value ~ '(^|[^A-Za-z0-9_])(SG\.[A-Za-z0-9_-]{6}|sk-[A-Za-z0-9_-]{12}|(sk|pk|rk)_(live|test)_[A-Za-z0-9]{8}|(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12}|AIza[A-Za-z0-9_-]{20}|ya29\.|gh[pousr]_[A-Za-z0-9]{16}|github_pat_|glpat-|xox[abeoprs]-|xapp-|sb[ps]_[A-Za-z0-9_]{16}|sb_secret_|shp(at|ca|pa|ss)_|npm_[A-Za-z0-9]{16}|hf_[A-Za-z0-9]{16}|dop_v1_|whsec_|sq0[a-z]{3}-|EAAC[A-Za-z0-9]{10}|(SK|AC)[0-9a-f]{32}|key-[0-9a-f]{32}|re_[A-Za-z0-9]{16}|pat-[a-z]{2}[0-9]-|vault:v[0-9]|hvs\.|trk_[A-Za-z0-9_-]{16})'
      THEN 'a key of a known service'
    WHEN value ~ '(^|[^A-Za-z])(Bearer|Basic) +[A-Za-z0-9+/=._~-]{12}' THEN 'an Authorization header'
    WHEN value ~* $re$(password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|account ?key|shared ?access ?key)["']? *[:=] *["']?[^\s"'$]{6}$re$
      THEN 'a password or key in a text'
    WHEN EXISTS (
      SELECT FROM regexp_matches(
        regexp_replace(value, 'https?://[^\s?#]+|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}', ' ', 'g'),
        '[A-Za-z0-9+/_-]{16,}', 'g') AS run
      WHERE regexp_count(run[1], '[A-Za-z](?=[0-9])|[0-9](?=[A-Za-z])|[a-z](?=[A-Z]($|[^a-z]|[a-z]($|[^a-z])))') >= 5)
      THEN 'a random key'
  END
$secret$;

CREATE FUNCTION registry_find_config_secret(config jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
  WITH RECURSIVE node (key, value, path, named) AS (
    SELECT '', config, '', NULL
    UNION ALL
    SELECT below.key, below.value, node.path || CASE WHEN node.path = '' THEN '' ELSE '.' END || below.name, below.named
    FROM node
    CROSS JOIN LATERAL (
      SELECT item.key, item.value, CASE WHEN found.secret IS NULL THEN item.key ELSE '…' END AS name,
        CASE WHEN found.secret IS NOT NULL THEN 'a secret as the name of a key' END AS named
      FROM jsonb_each(CASE jsonb_typeof(node.value) WHEN 'object' THEN node.value ELSE '{}' END) AS item,
        LATERAL (SELECT registry_find_secret('', item.key)) AS found (secret)
      UNION ALL
      SELECT node.key, item.value, (item.place - 1)::text, NULL
      FROM jsonb_array_elements(CASE jsonb_typeof(node.value) WHEN 'array' THEN node.value ELSE '[]' END)
        WITH ORDINALITY AS item (value, place)
    ) AS below
  )
  SELECT path || ' looks like ' || coalesce(named, looks_like)
  FROM node, LATERAL (SELECT CASE WHEN jsonb_typeof(value) IN ('string', 'number') THEN registry_find_secret(key, value #>> '{}') END) AS found (looks_like)
  WHERE coalesce(named, looks_like) IS NOT NULL
  LIMIT 1
$$;

-- Where the configuration has the field, field and column are kept equal; where it does not, the column stands alone.
CREATE FUNCTION registry_keep_in_step(INOUT config jsonb, was jsonb, path text[], INOUT field text, field_was text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (config #> path) IS DISTINCT FROM (was #> path) THEN
    field := coalesce(config #>> path, field);
  ELSIF config #> path IS NOT NULL AND field IS DISTINCT FROM field_was THEN
    config := CASE WHEN field IS NULL THEN config #- path ELSE jsonb_set(config, path, to_jsonb(field)) END;
  END IF;
END
$$;

CREATE FUNCTION tenants_config_maintain() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  secret text;
  was jsonb := CASE TG_OP WHEN 'UPDATE' THEN OLD.tenant_config ELSE '{}' END;
BEGIN
  IF NEW.tenant_config IS DISTINCT FROM was THEN
    secret := registry_find_config_secret(NEW.tenant_config);
    IF secret IS NOT NULL THEN
      RAISE EXCEPTION 'The configuration of tenant %: %', NEW.slug, secret
        USING ERRCODE = 'check_violation', CONSTRAINT = 'tenants_config_without_secrets',
          HINT = 'Put the secret into the environment of the service that uses it and write a reference to the variable here, such as ${TENANT_SENDGRID_KEY}.';
    END IF;
  END IF;

  SELECT * INTO NEW.tenant_config, NEW.primary_email
    FROM registry_keep_in_step(NEW.tenant_config, was, '{email,primary}', NEW.primary_email, OLD.primary_email);
  SELECT * INTO NEW.tenant_config, NEW.gcp_project_id
    FROM registry_keep_in_step(NEW.tenant_config, was, '{infrastructure,gcp,project_id}', NEW.gcp_project_id, OLD.gcp_project_id);
  SELECT * INTO NEW.tenant_config, NEW.gcp_dataset
    FROM registry_keep_in_step(NEW.tenant_config, was, '{infrastructure,gcp,dataset}', NEW.gcp_dataset, OLD.gcp_dataset);
  RETURN NEW;
END
$$;
-- The name makes it run before tenants_maintain, which compares the old and the new row.
CREATE TRIGGER tenants_config_maintain BEFORE INSERT OR UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION tenants_config_maintain();

-- The modules that exist today. Modules are rows; registerModule adds more at run time.
SELECT set_config('registry.actor', 'migration', true);

INSERT INTO modules (name, description, database_ref, database_name, schema_prefix, isolation, migrations_folder) VALUES
  ('operations', 'Parties, bookings and their documents', 'OPERATIONS_DB_URL', 'operations', 'tenant_', 'schema', 'operations'),
  ('finance', 'Accounts receivable: customers, invoices, payments', 'FINANCE_DB_URL', 'finance', 'finance_', 'schema', 'finance'),
  ('inventory', 'Items, locations and stock movements', 'INVENTORY_DB_URL', 'inventory', 'inventory_', 'schema', 'inventory'),
  ('dbtools', 'A database of the tenant''s own', 'DBTOOLS_DB_URL', 'dbtools', 'dbtools_tenant_', 'database', 'dbtools');
