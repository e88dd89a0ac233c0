-- Row-level security: policies on every table, and two views that need no rights on the tables behind them.
-- An administrator creates the group roles registry_service, registry_reader and registry_admin with what
-- `tenant-registry grants` prints, before or after this migration. Policies look these roles up by name. A role in TO would have
-- to exist here and on every server that a backup is restored to.

-- The next two functions run with the rights of the caller. IMMUTABLE makes the planner put the value into the plan, so that
-- policies cost nothing per row and every index can be used. The value depends on the role alone, and PostgreSQL plans a query
-- on tables with policies again when the role changes. No function may call them: its plans would keep the value.

CREATE FUNCTION registry_sees_everything() RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN pg_has_role((SELECT relowner FROM pg_class WHERE oid = 'tenants'::regclass), 'USAGE')
    OR coalesce(pg_has_role(to_regrole('registry_admin'), 'USAGE'), false);
END
$$;

-- registry_reader may read whole rows of tables, so a member of both roles stays limited to its tenant.
CREATE FUNCTION registry_sees_routes() RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN coalesce(pg_has_role(to_regrole('registry_service'), 'USAGE'), false)
    AND NOT coalesce(pg_has_role(to_regrole('registry_reader'), 'USAGE'), false);
END
$$;

-- SECURITY DEFINER, because the policy of tenants calls it and would apply to its query as well. The setting is compared as
-- text: an id in capitals finds nothing. The cast makes the query use the index.
CREATE FUNCTION registry_visible_tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT id FROM tenants WHERE slug = current_setting('app.tenant_id', true)
  UNION ALL
  SELECT id FROM tenants
  WHERE id = CASE WHEN current_setting('app.tenant_id', true) ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
             THEN current_setting('app.tenant_id', true)::uuid END
$$;

-- For every migration that adds a table. tenant_rows selects the rows of the tenant in app.tenant_id.
CREATE FUNCTION registry_protect_rows(target regclass, tenant_rows text DEFAULT NULL, is_behind_view boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  policy record;
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', target);
  FOR policy IN
    -- Policies are combined by OR, beginning with the last name: after "true" the planner evaluates no other.
    SELECT * FROM (VALUES
      ('tables_owner', 'TO pg_database_owner USING (true) WITH CHECK (true)',
       'All rows, for the owner of the database. An owner of the tables alone is covered by registry_admin.'),
      ('registry_admin', 'USING (registry_sees_everything()) WITH CHECK (registry_sees_everything())',
       'All rows, for members of registry_admin and for the owner of the tables.'),
      ('registry_service', CASE WHEN is_behind_view THEN 'FOR SELECT USING (registry_sees_routes())' END,
       'All rows behind the views, for members of registry_service, which have no rights on the table.'),
      ('registry_reader', 'FOR SELECT USING (' || tenant_rows || ')',
       'Rows of the tenant in app.tenant_id, for members of registry_reader.')
    ) AS listed (name, rule, meaning) WHERE rule IS NOT NULL
  LOOP
    EXECUTE format('CREATE POLICY %I ON %s %s', policy.name, target, policy.rule);
    EXECUTE format('COMMENT ON POLICY %I ON %s IS %L', policy.name, target, policy.meaning);
  END LOOP;
END
$$;

-- (SELECT …) is evaluated once per query and not once per row.
SELECT registry_protect_rows('tenants', 'id = (SELECT registry_visible_tenant())', true);
SELECT registry_protect_rows('module_subscriptions', 'tenant_id = (SELECT registry_visible_tenant())', true);
SELECT registry_protect_rows('operations', 'tenant_id = (SELECT registry_visible_tenant())', true);
SELECT registry_protect_rows('operation_steps',
  'operation_id IN (SELECT id FROM operations WHERE tenant_id = (SELECT registry_visible_tenant()))', true);
SELECT registry_protect_rows('tenant_settings', 'tenant_id = (SELECT registry_visible_tenant())');
SELECT registry_protect_rows('tenant_branding', 'tenant_id = (SELECT registry_visible_tenant())');
SELECT registry_protect_rows('members', 'tenant_id = (SELECT registry_visible_tenant())');
SELECT registry_protect_rows('modules');
SELECT registry_protect_rows('storage_names');
SELECT registry_protect_rows('invitations');
SELECT registry_protect_rows('api_keys');
SELECT registry_protect_rows('idempotency_keys');
SELECT registry_protect_rows('registry_head');
SELECT registry_protect_rows('registry_change');
SELECT registry_protect_rows('personal_data_keys');
SELECT registry_protect_rows('cache_secret');
SELECT registry_protect_rows('replicas');
-- The databases in which Prisma only compares schemas do not have this table.
SELECT registry_protect_rows(to_regclass('public._prisma_migrations')) WHERE to_regclass('public._prisma_migrations') IS NOT NULL;

-- The views run with the rights of their owner, so that registry_service needs no right on a table. The last condition takes the
-- place of the policies, which do not limit an owner. security_barrier evaluates it before functions of the caller that
-- could tell what they are given.

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
WHERE tenant.status <> 'purged'
  AND (registry_sees_everything() OR registry_sees_routes() OR tenant.id = (SELECT registry_visible_tenant()));

CREATE OR REPLACE VIEW tenant_module_log WITH (security_invoker = false, security_barrier = true) AS
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
WHERE operation.kind <> 'bind_storage'
  AND (registry_sees_everything() OR registry_sees_routes() OR operation.tenant_id = (SELECT registry_visible_tenant()));

-- Rights that were granted for the views of before are taken back: with them a member of registry_service could read tables, and the
-- views would show names to a role that is granted all columns.
DO $$
DECLARE
  granted record;
BEGIN
  FOR granted IN
    SELECT DISTINCT relation.oid::regclass AS relation, acl.grantee
    FROM pg_class AS relation
    JOIN pg_attribute AS attribute ON attribute.attrelid = relation.oid
    CROSS JOIN LATERAL (
      SELECT grantee FROM aclexplode(relation.relacl) UNION SELECT grantee FROM aclexplode(attribute.attacl)
    ) AS acl
    WHERE relation.relnamespace = 'public'::regnamespace AND acl.grantee <> relation.relowner
      AND (relation.relforcerowsecurity OR relation.relname IN ('tenant_registry', 'tenant_module_log'))
  LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s CASCADE', granted.relation,
      CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE granted.grantee::regrole::text END);
  END LOOP;
END
$$;

REVOKE ALL ON FUNCTION registry_sees_everything(), registry_sees_routes(), registry_visible_tenant(),
  registry_protect_rows(regclass, text, boolean) FROM PUBLIC;

COMMENT ON FUNCTION registry_sees_everything() IS 'True for the owner of the tables and for members of the owner or of registry_admin: policies give these roles all rows.';
COMMENT ON FUNCTION registry_sees_routes() IS 'True for members of registry_service that are not members of registry_reader: the views show them the routes of all tenants.';
COMMENT ON FUNCTION registry_visible_tenant() IS 'Id of the tenant whose id or slug is the setting app.tenant_id, which registry_reader may read; null when there is none.';
COMMENT ON FUNCTION registry_protect_rows(regclass, text, boolean) IS 'Forces row-level security on a table and creates its policies. Called by each migration that adds a table.';
