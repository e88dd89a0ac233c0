-- SQL compatibility: two views and three procedures for services that use the registry through SQL alone.
-- The procedures follow the same rules as the mutations, and the same triggers record their changes, so every cache learns of
-- them.

-- The views are security_invoker, so that a row-level security policy on the tables limits what a reader sees here as well.

CREATE VIEW tenant_registry WITH (security_invoker = true) AS
SELECT tenant.id AS tenant_id,
       tenant.slug AS tenant_slug,
       tenant.name AS tenant_name,
       tenant.status::text AS status,
       coalesce(routes.modules, '{}') AS modules_subscribed,
       routes.schemas ->> 'operations' AS operations_schema,
       routes.schemas ->> 'finance' AS finance_schema,
       routes.schemas ->> 'inventory' AS inventory_schema,
       coalesce(routes.schemas, '{}') AS module_schemas,
       coalesce(routes.databases, '{}') AS module_databases,
       tenant.created_at,
       greatest(tenant.updated_at, routes.updated_at) AS updated_at
FROM tenants AS tenant
-- LATERAL uses the index on tenant_id once for each requested tenant, instead of reading all subscriptions.
CROSS JOIN LATERAL (
  SELECT array_agg(module ORDER BY module) FILTER (WHERE resolves) AS modules,
         -- The schema of a tenant's own database is public, and looking for it in the module's database would be wrong.
         jsonb_object_agg(module, schema_name) FILTER (WHERE resolves AND isolation = 'schema') AS schemas,
         jsonb_object_agg(module, database_name) FILTER (WHERE resolves) AS databases,
         max(subscription.updated_at) AS updated_at
  FROM module_subscriptions AS subscription
  CROSS JOIN LATERAL (SELECT tenant.status = 'active' AND subscription.status = 'active' AS resolves) AS route
  WHERE subscription.tenant_id = tenant.id
) AS routes
WHERE tenant.status <> 'purged';

CREATE VIEW tenant_module_log WITH (security_invoker = true) AS
SELECT operation.id AS operation_id,
       operation.tenant_id,
       tenant.slug AS tenant_slug,
       step.module,
       operation.kind::text AS action,
       operation.status::text AS status,
       operation.actor AS performed_by,
       operation.attempt,
       -- A successful operation has no error, even if a step failed and was repeated.
       CASE WHEN operation.status <> 'succeeded' THEN coalesce(step.error, operation.error) END AS error,
       operation.created_at,
       operation.started_at,
       operation.finished_at
FROM operations AS operation
JOIN tenants AS tenant ON tenant.id = operation.tenant_id
CROSS JOIN LATERAL (
  SELECT module, string_agg(error, '; ' ORDER BY position) AS error
  FROM operation_steps WHERE operation_id = operation.id AND module IS NOT NULL GROUP BY module
) AS step
-- Operations that update the guards after a change of status are not part of the provisioning history.
WHERE operation.kind <> 'bind_storage';

-- The procedures are SECURITY DEFINER with a fixed search_path, and nobody may call them until EXECUTE is granted. With
-- SECURITY INVOKER the callers would need write access to six tables and could bypass these rules.

CREATE FUNCTION registry_refuse_call(code text, message text, hint text, condition text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING MESSAGE = code || ': ' || message, HINT = hint, ERRCODE = coalesce(condition, CASE code
    WHEN 'VALIDATION_ERROR' THEN '22023'
    WHEN 'CONFLICT' THEN '23505'
    WHEN 'TENANT_SUSPENDED' THEN 'TR002'
    WHEN 'MODULE_NOT_SUBSCRIBED' THEN 'TR003'
    WHEN 'TENANT_NOT_READY' THEN 'TR004'
    WHEN 'TENANT_NOT_FOUND' THEN 'TR006'
    WHEN 'TENANT_DELETED' THEN 'TR007'
    WHEN 'MODULE_NOT_FOUND' THEN 'TR008'
    WHEN 'OPERATION_IN_PROGRESS' THEN 'TR009'
  END);
END
$$;

CREATE FUNCTION registry_require_given(field text, given text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF given IS NULL THEN
    PERFORM registry_refuse_call('VALIDATION_ERROR', field || ': must not be null', 'Every argument is required.', '22004');
  END IF;
END
$$;

-- The same rule and the same messages as in src/registry/slug.ts; a test compares the two.
CREATE FUNCTION registry_slug_problem(slug text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN length(slug) NOT BETWEEN 2 AND 40 THEN 'must have 2 to 40 characters'
    WHEN slug ~ '^pg_' THEN 'must not start with pg_, which PostgreSQL keeps for itself'
    WHEN slug !~ '^[a-z][a-z0-9]*([-_][a-z0-9]+)*$' THEN
      'must be lower-case letters and digits, in words joined by single - or _, and start with a letter'
    WHEN replace(slug, '-', '') ~ '^[0-9a-f]{32}$' THEN 'must not look like a UUID'
  END
$$;

-- The same rule as text() in src/registry/input.ts; a test compares the two. PostgreSQL has no regular expression classes for
-- Unicode categories, so the ranges of blanks and of invisible or unassigned characters are listed here.
CREATE FUNCTION registry_read_text(field text, given text, longest int) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET standard_conforming_strings = on AS $$
DECLARE
  blank constant text := '[ \t\n\u000b\f\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+';
  hidden constant text := '[\u0001-\u001f\u007f-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f'
    '\u2028-\u202e\u2060-\u206f\ue000-\uf8ff\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f'
    '\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U0010ffff]';
  trimmed text := regexp_replace(regexp_replace(given, '^' || blank, ''), blank || '$', '');
  problem text := CASE
    WHEN trimmed = '' THEN 'must not be empty'
    WHEN length(trimmed) > longest THEN format('must have at most %s characters', longest)
    WHEN trimmed ~ hidden THEN 'must not hold control or invisible characters'
  END;
BEGIN
  IF problem IS NOT NULL THEN
    PERFORM registry_refuse_call('VALIDATION_ERROR', field || ': ' || problem, 'Blanks at both ends are removed automatically.');
  END IF;
  RETURN trimmed;
END
$$;

-- Locks the tenant first, like every command: changes of one tenant run one after the other and cannot deadlock.
CREATE FUNCTION registry_require_active_tenant(reference text) RETURNS tenants
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  tenant tenants;
  subject text;
BEGIN
  PERFORM registry_require_given('tenant_id', reference);
  IF reference ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
    SELECT * INTO tenant FROM tenants WHERE id = reference::uuid FOR UPDATE;
  ELSIF registry_slug_problem(reference) IS NULL THEN
    SELECT * INTO tenant FROM tenants WHERE slug = reference FOR UPDATE;
  END IF;
  IF tenant.id IS NULL OR tenant.status = 'purged' THEN
    PERFORM registry_refuse_call('TENANT_NOT_FOUND', format('No tenant has the id or slug "%s"', left(reference, 100)),
      'CALL register_tenant(slug, name) registers a tenant; the view tenant_registry lists the existing ones.');
  END IF;
  subject := format('Tenant %s is %s', tenant.slug, tenant.status);
  CASE tenant.status
    WHEN 'active' THEN
      NULL;
    WHEN 'deleted' THEN
      PERFORM registry_refuse_call('TENANT_DELETED', subject || ': restore it first', 'restoreTenant brings it back until its purge date.');
    WHEN 'suspended' THEN
      PERFORM registry_refuse_call('TENANT_SUSPENDED', subject || ': resume it first', 'resumeTenant makes it active again.');
    ELSE
      PERFORM registry_refuse_call('TENANT_NOT_READY', subject || ': provision it first', 'provisionTenant or retryOperation makes it active.');
  END CASE;
  RETURN tenant;
END
$$;

CREATE FUNCTION registry_require_module(wanted text) RETURNS modules
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  module modules;
BEGIN
  PERFORM registry_require_given('module', wanted);
  -- The lock keeps the module in its database until the new subscription is committed.
  SELECT * INTO module FROM modules WHERE name = wanted FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM registry_refuse_call('MODULE_NOT_FOUND', format('No module is named "%s"; registerModule adds one', left(wanted, 100)),
      format('Existing modules: %s.', (SELECT string_agg(name, ', ' ORDER BY name) FROM modules)));
  END IF;
  RETURN module;
END
$$;

-- The advisory lock makes transactions that issue names run one after the other. The same rule as
-- src/registry/storage-name.ts; a test compares the two.
CREATE FUNCTION registry_require_free_name(tenant uuid, kind isolation, database text, wanted text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  problem text := CASE
    WHEN wanted !~ '^[a-z][a-z0-9_]{0,62}$' THEN 'must be 1 to 63 lower-case letters, digits and _, starting with a letter'
    WHEN wanted ~ '^pg_' THEN 'must not start with pg_, which PostgreSQL keeps for itself'
    WHEN wanted IN ('public', 'information_schema', 'tenant_guard') THEN 'is a schema of PostgreSQL, or of the guard, itself'
    WHEN EXISTS (SELECT FROM pg_get_keywords() WHERE word = wanted AND catcode IN ('R', 'T')) THEN
      format('"%s" is a reserved word of SQL: choose another name', wanted)
  END;
  taker text;
BEGIN
  IF problem IS NOT NULL THEN
    PERFORM registry_refuse_call('VALIDATION_ERROR', 'schema: ' || problem, 'An example is finance_acme.');
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('tenant-registry/storage-names', 0));
  SELECT 'tenant ' || claim.tenant_id INTO taker FROM storage_names AS claim
    WHERE claim.kind = registry_require_free_name.kind AND claim.name = wanted AND claim.tenant_id <> tenant;
  IF taker IS NULL THEN
    SELECT format('module %s of tenant %s', used.module, used.tenant_id) INTO taker FROM module_subscriptions AS used
      WHERE (used.database_name, used.schema_name) = (CASE kind WHEN 'schema' THEN database ELSE wanted END,
                                                      CASE kind WHEN 'schema' THEN wanted ELSE 'public' END);
  END IF;
  IF taker IS NULL AND kind = 'database' THEN
    SELECT 'module ' || name INTO taker FROM modules WHERE database_name = wanted;
    IF wanted IN ('postgres', 'template0', 'template1', 'registry') THEN
      taker := 'the server itself';
    END IF;
  END IF;
  IF taker IS NOT NULL THEN
    PERFORM registry_refuse_call('CONFLICT', format('Name "%s" is taken by %s', wanted, taker), 'Names are never reused: choose another name.');
  END IF;
END
$$;

CREATE PROCEDURE register_tenant(slug text, name text, INOUT tenant_id uuid DEFAULT NULL)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  problem text := registry_slug_problem(register_tenant.slug);
  clean_name text;
  made tenants;
  taker tenants;
BEGIN
  PERFORM registry_require_given('slug', register_tenant.slug);
  PERFORM registry_require_given('name', register_tenant.name);
  IF problem IS NOT NULL THEN
    PERFORM registry_refuse_call('VALIDATION_ERROR', 'slug: ' || problem, 'An example is acme-corp.');
  END IF;
  clean_name := registry_read_text('name', register_tenant.name, 200);

  -- Waits for a concurrent registration of the same slug. Ids and slugs of purged tenants stay taken.
  INSERT INTO tenants (id, slug, name, created_by)
    VALUES (coalesce(register_tenant.tenant_id, gen_random_uuid()), register_tenant.slug, clean_name, registry_actor())
    ON CONFLICT DO NOTHING RETURNING * INTO made;
  IF made.id IS NULL THEN
    SELECT * INTO taker FROM tenants WHERE slug = register_tenant.slug;
    IF FOUND THEN
      PERFORM registry_refuse_call('CONFLICT', format('Slug "%s" is taken by tenant %s', taker.slug, taker.id), 'Use that tenant, or choose another slug.');
    END IF;
    SELECT * INTO taker FROM tenants WHERE id = register_tenant.tenant_id;
    PERFORM registry_refuse_call('CONFLICT', format('Id %s is taken by tenant %s', register_tenant.tenant_id, taker.slug), 'Omit the id, or use that tenant.');
  END IF;
  INSERT INTO tenant_settings (tenant_id, company_name, support_email, currency, timezone)
    VALUES (made.id, made.name, made.primary_email, made.currency, made.timezone);
  INSERT INTO tenant_branding (tenant_id) VALUES (made.id);
  register_tenant.tenant_id := made.id;
END
$$;

CREATE PROCEDURE subscribe_tenant_to_module(tenant_id text, module text, schema text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  wanted constant text := subscribe_tenant_to_module.schema;
  tenant tenants := registry_require_active_tenant(subscribe_tenant_to_module.tenant_id);
  wanted_module modules := registry_require_module(subscribe_tenant_to_module.module);
  existing module_subscriptions;
  present text;
  kind isolation;
BEGIN
  PERFORM registry_require_given('schema', wanted);
  SELECT * INTO existing FROM module_subscriptions WHERE tenant_id = tenant.id AND module = wanted_module.name;
  IF NOT FOUND THEN
    kind := wanted_module.isolation;
    PERFORM registry_require_free_name(tenant.id, kind, wanted_module.database_name, wanted);
    INSERT INTO module_subscriptions (tenant_id, module, isolation, database_name, schema_name, created_by)
      VALUES (tenant.id, wanted_module.name, kind, CASE kind WHEN 'schema' THEN wanted_module.database_name ELSE wanted END,
              CASE kind WHEN 'schema' THEN wanted ELSE 'public' END, registry_actor());
    RETURN;
  END IF;

  IF existing.status IN ('provisioning', 'deprovisioning', 'migrating') THEN
    PERFORM registry_refuse_call('OPERATION_IN_PROGRESS',
      format('The %s storage of tenant %s is %s: wait for that operation''s end', existing.module, tenant.slug, existing.status),
      'tenant_module_log shows the operation.');
  ELSIF existing.status NOT IN ('failed', 'cancelled') THEN
    PERFORM registry_refuse_call('CONFLICT', format('Tenant %s is subscribed to %s already (%s)', tenant.slug, existing.module, existing.status),
      CASE existing.status WHEN 'pending' THEN 'It waits for its storage: create it, then CALL mark_module_provisioned(tenant_id, module, ''success'').'
                           ELSE 'There is nothing left to do.' END);
  END IF;

  -- A failed or cancelled subscription is used again. Existing data stays where it is, whatever form its name has and
  -- whatever isolation new subscriptions of the module get.
  kind := existing.isolation;
  present := CASE kind WHEN 'schema' THEN existing.schema_name ELSE existing.database_name END;
  IF present = wanted THEN
    UPDATE module_subscriptions SET status = 'pending' WHERE id = existing.id;
    RETURN;
  ELSIF existing.provisioned_at IS NOT NULL OR existing.migration_version IS NOT NULL THEN
    PERFORM registry_refuse_call('CONFLICT', format('The %s data of tenant %s is in %s', existing.module, tenant.slug, present),
      format('Subscribe with schema %s.', present));
  END IF;
  -- There is no data yet, so the old name is released unless another subscription of the tenant uses it.
  PERFORM registry_require_free_name(tenant.id, kind, wanted_module.database_name, wanted);
  UPDATE module_subscriptions
    SET status = 'pending', database_name = CASE kind WHEN 'schema' THEN wanted_module.database_name ELSE wanted END,
        schema_name = CASE kind WHEN 'schema' THEN wanted ELSE 'public' END
    WHERE id = existing.id;
  DELETE FROM storage_names AS claim
    WHERE claim.kind = existing.isolation AND claim.name = present AND claim.tenant_id = tenant.id AND claim.resolved_at IS NULL
      AND NOT EXISTS (SELECT FROM module_subscriptions AS other WHERE other.tenant_id = tenant.id AND other.isolation = existing.isolation
                        AND CASE other.isolation WHEN 'schema' THEN other.schema_name ELSE other.database_name END = present);
END
$$;

CREATE PROCEDURE subscribe_tenant_to_module(tenant_id uuid, module text, schema text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  CALL subscribe_tenant_to_module(tenant_id::text, module, schema);
END
$$;

CREATE PROCEDURE mark_module_provisioned(tenant_id text, module text, status text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  tenant tenants := registry_require_active_tenant(mark_module_provisioned.tenant_id);
  wanted_module modules := registry_require_module(mark_module_provisioned.module);
  subscription module_subscriptions;
  running uuid;
  ended operation_status;
  problem text;
  marked uuid;
BEGIN
  PERFORM registry_require_given('status', mark_module_provisioned.status);
  ended := CASE lower(mark_module_provisioned.status)
    WHEN 'success' THEN 'succeeded' WHEN 'succeeded' THEN 'succeeded' WHEN 'failed' THEN 'failed' END;
  IF ended IS NULL THEN
    PERFORM registry_refuse_call('VALIDATION_ERROR', format('status: must be success or failed, not "%s"', left(mark_module_provisioned.status, 40)),
      'With success the module resolves; with failed it does not.');
  END IF;
  SELECT * INTO subscription FROM module_subscriptions WHERE tenant_id = tenant.id AND module = wanted_module.name;
  IF NOT FOUND OR subscription.status = 'cancelled' THEN
    PERFORM registry_refuse_call('MODULE_NOT_SUBSCRIBED', format('Tenant %s is not subscribed to module %s', tenant.slug, wanted_module.name),
      'CALL subscribe_tenant_to_module(tenant_id, module, schema) first.');
  END IF;
  SELECT operation.id INTO running FROM operations AS operation
    WHERE operation.tenant_id = tenant.id AND operation.kind <> 'bind_storage'
      AND operation.status IN ('queued', 'running', 'compensating')
      AND EXISTS (SELECT FROM operation_steps AS step WHERE step.operation_id = operation.id AND step.module = wanted_module.name)
    LIMIT 1;
  IF FOUND THEN
    PERFORM registry_refuse_call('OPERATION_IN_PROGRESS',
      format('Operation %s works on the %s storage of tenant %s: wait for its end', running, wanted_module.name, tenant.slug),
      'tenant_module_log shows the operation.');
  END IF;
  IF subscription.status NOT IN ('pending', 'provisioning', 'failed') THEN
    PERFORM registry_refuse_call('CONFLICT', format('The %s subscription of tenant %s is %s, not waiting for its storage',
      wanted_module.name, tenant.slug, subscription.status), 'There is nothing left to mark.', '55000');
  END IF;

  UPDATE module_subscriptions SET status = CASE ended WHEN 'succeeded' THEN 'active' ELSE 'failed' END::subscription_status
    WHERE id = subscription.id;
  problem := CASE ended WHEN 'failed' THEN 'marked as failed' END;
  INSERT INTO operations (kind, tenant_id, actor, status, error, started_at, finished_at)
    VALUES ('mark_module_provisioned', tenant.id, registry_actor(), ended, problem, now(), now()) RETURNING id INTO marked;
  INSERT INTO operation_steps (operation_id, position, name, module, status, error, started_at, finished_at)
    VALUES (marked, 0, 'activate_route', wanted_module.name, ended, problem, now(), now());
END
$$;

CREATE PROCEDURE mark_module_provisioned(tenant_id uuid, module text, status text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  CALL mark_module_provisioned(tenant_id::text, module, status);
END
$$;

-- PUBLIC may execute new functions by default.
REVOKE ALL ON PROCEDURE register_tenant(text, text, uuid), subscribe_tenant_to_module(text, text, text),
  subscribe_tenant_to_module(uuid, text, text), mark_module_provisioned(text, text, text),
  mark_module_provisioned(uuid, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION registry_refuse_call(text, text, text, text), registry_require_given(text, text), registry_slug_problem(text),
  registry_read_text(text, text, int), registry_require_active_tenant(text), registry_require_module(text),
  registry_require_free_name(uuid, isolation, text, text) FROM PUBLIC;
