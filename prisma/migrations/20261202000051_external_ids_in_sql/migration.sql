-- External ids in SQL: the procedures, the view and the policies take them wherever they take a slug, and the search by text finds them.

-- As in 20261129000007_row_level_security, with external_ids. A query that does not select the column does not read the table.
CREATE OR REPLACE VIEW tenant_registry WITH (security_invoker = false, security_barrier = true) AS
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
       greatest(tenant.updated_at, routes.updated_at) AS updated_at,
       ARRAY(SELECT named.external_id FROM tenant_external_ids AS named
             WHERE named.tenant_id = tenant.id AND named.status = 'active' ORDER BY named.external_id) AS external_ids
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
WHERE tenant.status <> 'purged'
  AND (registry_sees_everything() OR registry_sees_routes() OR tenant.id = (SELECT registry_visible_tenant()));

-- As in 20261129000007_row_level_security, with external ids.
CREATE OR REPLACE FUNCTION registry_visible_tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT id FROM tenants WHERE slug = current_setting('app.tenant_id', true)
  UNION ALL
  SELECT id FROM tenants
  WHERE id = CASE WHEN current_setting('app.tenant_id', true) ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
             THEN current_setting('app.tenant_id', true)::uuid END
  UNION ALL
  SELECT tenant_id FROM tenant_external_ids WHERE external_id = current_setting('app.tenant_id', true) AND status = 'active'
$$;

-- As in 20261129000004_sql_compatibility, with external ids.
CREATE OR REPLACE FUNCTION registry_require_active_tenant(reference text) RETURNS tenants
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  tenant tenants;
  subject text;
BEGIN
  PERFORM registry_require_given('tenant_id', reference);
  IF reference ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
    SELECT * INTO tenant FROM tenants WHERE id = reference::uuid FOR UPDATE;
  ELSE
    SELECT * INTO tenant FROM tenants WHERE slug = reference FOR UPDATE;
    IF NOT FOUND THEN
      SELECT tenants.* INTO tenant FROM tenants JOIN tenant_external_ids AS named ON named.tenant_id = tenants.id
        WHERE named.external_id = reference AND named.status = 'active' FOR UPDATE OF tenants;
    END IF;
  END IF;
  IF tenant.id IS NULL OR tenant.status = 'purged' THEN
    PERFORM registry_refuse_call('TENANT_NOT_FOUND', format('No tenant has the id, slug or external id "%s"', left(reference, 100)),
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

-- As in 20261201000031_usage, with external ids.
CREATE OR REPLACE FUNCTION registry_record_usage(tenants text[], metrics text[], amounts numeric[], keys text[], callers text[], only_asks boolean DEFAULT false)
RETURNS TABLE (ordinal int, code text, message text, field text, is_repeated boolean, tenant_id uuid, metric usage_metric, used numeric,
               max numeric, starts_at timestamptz, ends_at timestamptz)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  wanted record;
  tenant tenants;
  hash bytea;
  present date;
  before_it usage_keys;
BEGIN
  FOR wanted IN
    SELECT given.ordinal, given.reference, given.metric::usage_metric AS metric, given.amount, given.key, given.caller, found.id
    FROM unnest(registry_record_usage.tenants, metrics, amounts, keys, callers) WITH ORDINALITY
      AS given (reference, metric, amount, key, caller, ordinal)
    LEFT JOIN LATERAL (
      SELECT id FROM tenants
      WHERE status <> 'purged' AND id = CASE WHEN given.reference ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN given.reference::uuid END
      UNION ALL
      SELECT id FROM tenants WHERE status <> 'purged' AND slug = given.reference
      UNION ALL
      SELECT id FROM tenants WHERE status <> 'purged' AND id = (
        SELECT named.tenant_id FROM tenant_external_ids AS named WHERE named.external_id = given.reference AND named.status = 'active')
      LIMIT 1
    ) AS found ON true
    ORDER BY found.id, given.metric::usage_metric, given.ordinal
  LOOP
    ordinal := wanted.ordinal;
    tenant_id := wanted.id;
    metric := wanted.metric;
    is_repeated := false;
    code := NULL;
    message := NULL;
    used := NULL;
    field := CASE WHEN registry_usage_problem(wanted.metric, wanted.amount) IS NOT NULL THEN 'amount' END;
    IF field IS NOT NULL THEN
      code := 'VALIDATION_ERROR';
      message := field || ': ' || registry_usage_problem(wanted.metric, wanted.amount);
      RETURN NEXT;
      CONTINUE;
    END IF;
    IF wanted.id IS NOT NULL AND NOT only_asks THEN
      present := registry_lock_usage(wanted.id, wanted.metric);
    END IF;
    -- A statement of its own, so that it sees what has committed while the lock was waited for.
    SELECT * INTO tenant FROM tenants WHERE id = wanted.id;
    IF tenant.id IS NULL OR tenant.status = 'purged' THEN
      code := 'TENANT_NOT_FOUND';
      message := format('No tenant has the id, slug or external id "%s"', left(wanted.reference, 100));
      RETURN NEXT;
      CONTINUE;
    END IF;
    SELECT now_used.used, now_used.max, now_used.starts_at, now_used.ends_at INTO used, max, starts_at, ends_at
      FROM registry_usage(tenant.id, wanted.metric) AS now_used;

    IF wanted.key IS NOT NULL THEN
      hash := substring(sha256(convert_to(wanted.caller || E'\n' || wanted.key, 'UTF8')), 1, 16);
      SELECT * INTO before_it FROM usage_keys AS known
        WHERE known.tenant_id = tenant.id AND known.metric = wanted.metric AND known.key_hash = hash AND known.recorded_at > now() - interval '24 hours';
      IF FOUND THEN
        is_repeated := true;
        IF before_it.amount <> wanted.amount THEN
          code := 'IDEMPOTENCY_KEY_REUSED';
          message := format('idempotencyKey "%s" was used for another amount: use a new key for a new record', left(wanted.key, 200));
        END IF;
        RETURN NEXT;
        CONTINUE;
      END IF;
    END IF;

    -- Amounts that are given back are accepted in every status.
    IF wanted.amount > 0 AND tenant.status <> 'active' THEN
      code := CASE tenant.status WHEN 'suspended' THEN 'TENANT_SUSPENDED' WHEN 'deleted' THEN 'TENANT_DELETED' ELSE 'TENANT_NOT_READY' END;
      message := format('Tenant %s is %s: it cannot use more', tenant.slug, tenant.status);
    ELSIF wanted.amount > 0 AND used + wanted.amount > max THEN
      code := 'QUOTA_EXCEEDED';
      message := format('Tenant %s uses %s of %s %s: %s more would exceed the limit', tenant.slug, trim_scale(used), trim_scale(max),
        CASE wanted.metric WHEN 'users' THEN 'users' WHEN 'monthly_quotes' THEN 'quotes this month' ELSE 'GB of storage' END, trim_scale(wanted.amount));
    ELSIF wanted.amount < 0 AND wanted.amount + coalesce((SELECT recorded FROM tenant_usage AS counter WHERE counter.tenant_id = tenant.id
        AND counter.metric = wanted.metric AND counter.period = registry_usage_period(wanted.metric, tenant.timezone, now())), 0) < 0 THEN
      code := 'VALIDATION_ERROR';
      field := 'amount';
      message := 'amount: more cannot be given back than was recorded';
    ELSIF NOT only_asks THEN
      IF wanted.key IS NOT NULL THEN
        -- Without a row the same record was counted meanwhile in the period before.
        INSERT INTO usage_keys AS known (tenant_id, metric, key_hash, amount) VALUES (tenant.id, wanted.metric, hash, wanted.amount)
          ON CONFLICT (tenant_id, metric, key_hash) DO UPDATE SET amount = excluded.amount, recorded_at = now()
            WHERE known.recorded_at <= now() - interval '24 hours';
        is_repeated := NOT FOUND;
      END IF;
      IF NOT is_repeated THEN
        UPDATE tenant_usage AS counter SET recorded = recorded + wanted.amount, updated_at = now()
          WHERE counter.tenant_id = tenant.id AND counter.metric = wanted.metric AND counter.period = present;
        used := used + wanted.amount;
      END IF;
    END IF;
    RETURN NEXT;
  END LOOP;
END
$$;

-- As in 20261129000011_lists_at_scale, with the index of external ids.
CREATE OR REPLACE FUNCTION registry_index_text() RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN
    BEGIN
      CREATE SCHEMA IF NOT EXISTS registry_text_search;
      CREATE EXTENSION pg_trgm SCHEMA registry_text_search;
    EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_file THEN
      RAISE NOTICE 'pg_trgm cannot be created (%), so a search by text reads all tenants', SQLERRM;
      RETURN false;
    END;
  END IF;
  -- Name and slug as one text; a line feed, which neither of them can contain, keeps them apart.
  EXECUTE (
    SELECT format($sql$CREATE INDEX IF NOT EXISTS tenants_text_idx ON public.tenants
                       USING gin (lower(name || E'\n' || slug) %I.gin_trgm_ops)$sql$, nspname)
    FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm');
  EXECUTE (
    SELECT format($sql$CREATE INDEX IF NOT EXISTS tenant_external_ids_text_idx ON public.tenant_external_ids
                       USING gin (lower(external_id) %I.gin_trgm_ops)$sql$, nspname)
    FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm');
  RETURN true;
END
$$;
SELECT registry_index_text();

-- For services that have only a name. Names of purged tenants stay taken and mean nobody.
CREATE VIEW tenant_names WITH (security_invoker = false, security_barrier = true) AS
SELECT named.name, named.tenant_id, named.is_external
FROM (
  SELECT slug AS name, id AS tenant_id, false AS is_external FROM tenants WHERE status <> 'purged'
  UNION ALL
  SELECT known.external_id, known.tenant_id, true
  FROM tenant_external_ids AS known JOIN tenants ON tenants.id = known.tenant_id
  WHERE known.status = 'active' AND tenants.status <> 'purged'
) AS named
WHERE registry_sees_everything() OR registry_sees_routes() OR named.tenant_id = (SELECT registry_visible_tenant());

CREATE PROCEDURE add_tenant_external_id(tenant_id text, external_id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  tenant tenants := registry_require_active_tenant(add_tenant_external_id.tenant_id);
  known tenant_external_ids;
BEGIN
  PERFORM registry_require_given('external_id', add_tenant_external_id.external_id);
  IF add_tenant_external_id.external_id !~ '^[A-Za-z0-9_][A-Za-z0-9._~:@=|+-]{0,99}$'
     OR replace(lower(add_tenant_external_id.external_id), '-', '') ~ '^[0-9a-f]{32}$' THEN
    PERFORM registry_refuse_call('VALIDATION_ERROR',
      'external_id: must be 1 to 100 letters, digits and . _ ~ : @ = | + -, begin with a letter, a digit or _, and not look like a UUID',
      'An example is tn_acme.');
  END IF;
  INSERT INTO tenant_external_ids (external_id, tenant_id) VALUES (add_tenant_external_id.external_id, tenant.id)
    ON CONFLICT ON CONSTRAINT tenant_external_ids_pkey DO NOTHING;
  SELECT * INTO STRICT known FROM tenant_external_ids AS named WHERE named.external_id = add_tenant_external_id.external_id;
  IF known.tenant_id <> tenant.id THEN
    PERFORM registry_refuse_call('CONFLICT', format('External id "%s" belongs to tenant %s', known.external_id, known.tenant_id),
      'Names stay with their tenant: choose another id.');
  END IF;
  UPDATE tenant_external_ids AS named SET status = 'active' WHERE named.external_id = known.external_id AND named.status = 'removed';
END
$$;

CREATE PROCEDURE remove_tenant_external_id(tenant_id text, external_id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  tenant tenants := registry_require_active_tenant(remove_tenant_external_id.tenant_id);
BEGIN
  PERFORM registry_require_given('external_id', remove_tenant_external_id.external_id);
  UPDATE tenant_external_ids AS named SET status = 'removed'
    WHERE named.external_id = remove_tenant_external_id.external_id AND named.tenant_id = tenant.id AND named.status = 'active';
END
$$;

REVOKE ALL ON ALL ROUTINES IN SCHEMA public FROM PUBLIC;

COMMENT ON FUNCTION registry_require_active_tenant(text) IS 'The active tenant with this id, slug or external id, locked until the end of the transaction; refuses every other reference.';
COMMENT ON FUNCTION registry_visible_tenant() IS 'Id of the tenant whose id, slug or external id is the setting app.tenant_id, which registry_reader may read; null when there is none.';
COMMENT ON FUNCTION registry_index_text() IS 'Creates extension pg_trgm, unless it exists, and the indexes of the search by text; false when the extension cannot be created.';
COMMENT ON PROCEDURE subscribe_tenant_to_module(text, text, text) IS 'Subscribes an active tenant, by id, slug or external id, to a module with its data in this schema (or in this database, if the module has a database per tenant). The caller then creates the storage with ensure_<module>_tenant_schema in the module''s database and calls mark_module_provisioned.';
COMMENT ON PROCEDURE record_usage(text, text, numeric, text) IS 'Records usage of a tenant, given by id, slug or external id: metric is users, monthly_quotes or storage_gb. A repeated call with the same idempotency_key within 24 hours is not counted again. Refused with QUOTA_EXCEEDED beyond the limit.';
COMMENT ON FUNCTION check_quota(text, text, numeric) IS 'Tells whether a tenant, given by id, slug or external id, may use this amount more of a metric, and what it uses. It reserves nothing.';
COMMENT ON COLUMN tenant_registry.external_ids IS 'Ids under which older platforms know the tenant, in alphabetical order; removed ones are not among them.';
COMMENT ON VIEW tenant_names IS 'Names by which tenants resolve, one row per slug and external id: SELECT finance_schema FROM tenant_registry WHERE tenant_id = (SELECT tenant_id FROM tenant_names WHERE name = $1).';
COMMENT ON COLUMN tenant_names.name IS 'Slug or external id; upper and lower case differ.';
COMMENT ON COLUMN tenant_names.tenant_id IS 'Tenant that the name means.';
COMMENT ON COLUMN tenant_names.is_external IS 'False for a slug, true for an external id.';
COMMENT ON PROCEDURE add_tenant_external_id(text, text) IS 'Gives an active tenant, by id, slug or external id, an external id, or gives it back; without a change when the tenant has it.';
COMMENT ON PROCEDURE remove_tenant_external_id(text, text) IS 'Removes an external id of an active tenant, which is given by id, slug or external id; without a change when the tenant does not have it.';
