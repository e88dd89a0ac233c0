-- Filters of the list of tenants: module_tenants has the subscriptions in every status, so that the tenants of a module in
-- each of them are in the orders of the lists; and indexes of the conditions that few tenants meet.

DROP INDEX module_tenants_name_idx;
DROP INDEX module_tenants_slug_idx;
DROP INDEX module_tenants_created_at_idx;
DROP INDEX module_tenants_updated_at_idx;
ALTER TABLE module_tenants ADD COLUMN subscription_status subscription_status NOT NULL DEFAULT 'active';
ALTER TABLE module_tenants ALTER COLUMN subscription_status DROP DEFAULT;

-- Tenants that need attention, those with a migration of a module, and those whose configuration is a file.
CREATE INDEX module_subscriptions_failed_idx ON module_subscriptions (tenant_id) WHERE status = 'failed';
CREATE INDEX operations_attention_idx ON operations (tenant_id) WHERE status = 'needs_attention';
CREATE INDEX module_subscriptions_migration_idx ON module_subscriptions (module, migration_version COLLATE "C", tenant_id)
  WHERE status NOT IN ('cancelled', 'deprovisioning');
CREATE INDEX tenants_yaml_idx ON tenants (id) WHERE config_source = 'yaml';

-- As in 20261129000011_lists_at_scale, for subscriptions in every status. Only active ones are counted in tenant_counts.
CREATE OR REPLACE FUNCTION registry_list_tenant(changed uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  pair record;
  listed module_tenants;
  actual module_tenants;
BEGIN
  FOR pair IN
    SELECT was, became
    FROM (SELECT module_tenants AS was, tenant_id, module FROM module_tenants WHERE tenant_id = changed) AS of_list
    FULL JOIN (
      SELECT (tenant.id, subscription.module, tenant.status, tenant.plan, tenant.name, tenant.slug, tenant.created_at,
              tenant.updated_at, subscription.status)::module_tenants AS became, tenant.id AS tenant_id, subscription.module
      FROM tenants AS tenant JOIN module_subscriptions AS subscription ON subscription.tenant_id = tenant.id
      WHERE tenant.id = changed) AS of_tables USING (tenant_id, module)
    WHERE was IS DISTINCT FROM became
  LOOP
    listed := pair.was;
    actual := pair.became;
    IF actual.tenant_id IS NULL THEN
      DELETE FROM module_tenants WHERE tenant_id = changed AND module = listed.module;
    ELSIF listed.tenant_id IS NULL THEN
      INSERT INTO module_tenants SELECT actual.*;
    ELSE
      UPDATE module_tenants
        SET status = actual.status, plan = actual.plan, name = actual.name, slug = actual.slug,
            created_at = actual.created_at, updated_at = actual.updated_at, subscription_status = actual.subscription_status
        WHERE tenant_id = changed AND module = listed.module;
      CONTINUE WHEN (listed.status, listed.plan, listed.subscription_status)
                  = (actual.status, actual.plan, actual.subscription_status);
    END IF;
    IF listed.subscription_status = 'active' THEN
      PERFORM registry_count_tenant(listed.module, listed.status, listed.plan, -1);
    END IF;
    IF actual.subscription_status = 'active' THEN
      PERFORM registry_count_tenant(actual.module, actual.status, actual.plan, 1);
    END IF;
  END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION registry_count_problems() RETURNS TABLE (subject text, kept bigint, found bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  WITH listed AS (
    SELECT tenant.id AS tenant_id, subscription.module, tenant.status, tenant.plan, tenant.name, tenant.slug,
           tenant.created_at, tenant.updated_at, subscription.status AS subscription_status
    FROM tenants AS tenant JOIN module_subscriptions AS subscription ON subscription.tenant_id = tenant.id),
  counted AS (
    SELECT '' AS module, status, plan, count(*) AS found FROM tenants GROUP BY status, plan
    UNION ALL
    SELECT module, status, plan, count(*) FROM listed WHERE subscription_status = 'active' GROUP BY module, status, plan),
  subscribed AS (SELECT module, status, count(*) AS found FROM module_subscriptions GROUP BY module, status)
  SELECT concat_ws(' ', 'tenants', status, plan, 'of ' || nullif(module, '')), coalesce(tenants, 0), coalesce(counted.found, 0)
    FROM tenant_counts FULL JOIN counted USING (module, status, plan)
    WHERE coalesce(tenants, 0) <> coalesce(counted.found, 0)
  UNION ALL
  SELECT concat_ws(' ', 'subscriptions', status, 'of ' || module), coalesce(subscriptions, 0), coalesce(subscribed.found, 0)
    FROM subscription_counts FULL JOIN subscribed USING (module, status)
    WHERE coalesce(subscriptions, 0) <> coalesce(subscribed.found, 0)
  UNION ALL
  SELECT 'rows of module_tenants that are wrong', count(*), 0
    FROM module_tenants
      FULL JOIN listed USING (tenant_id, module, status, plan, name, slug, created_at, updated_at, subscription_status)
    WHERE module_tenants.ctid IS NULL OR listed.tenant_id IS NULL
    HAVING count(*) > 0
$$;

CREATE OR REPLACE FUNCTION registry_recount() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  -- With this lock no transaction can change lists or counts, or commit a change that they have to follow.
  PERFORM FROM registry_head FOR UPDATE;
  DELETE FROM module_tenants;
  DELETE FROM tenant_counts;
  DELETE FROM subscription_counts;
  INSERT INTO module_tenants
    SELECT tenant.id, subscription.module, tenant.status, tenant.plan, tenant.name, tenant.slug, tenant.created_at,
           tenant.updated_at, subscription.status
    FROM tenants AS tenant JOIN module_subscriptions AS subscription ON subscription.tenant_id = tenant.id;
  INSERT INTO tenant_counts
    SELECT '', status, plan, count(*) FROM tenants GROUP BY status, plan
    UNION ALL
    SELECT module, status, plan, count(*) FROM module_tenants WHERE subscription_status = 'active' GROUP BY module, status, plan;
  INSERT INTO subscription_counts SELECT module, status, count(*) FROM module_subscriptions GROUP BY module, status;
END
$$;
SELECT registry_recount();

CREATE INDEX module_tenants_name_idx ON module_tenants (module, subscription_status, status, plan, name, tenant_id);
CREATE INDEX module_tenants_slug_idx ON module_tenants (module, subscription_status, status, plan, slug COLLATE "C", tenant_id);
CREATE INDEX module_tenants_created_at_idx ON module_tenants (module, subscription_status, status, plan, created_at, tenant_id);
CREATE INDEX module_tenants_updated_at_idx ON module_tenants (module, subscription_status, status, plan, updated_at, tenant_id);

COMMENT ON TABLE module_tenants IS 'Tenants of the modules, one row per subscription in whatever status, with the columns by which lists are ordered and filtered. Written by trigger only; registry_recount() makes it again.';
COMMENT ON COLUMN module_tenants.tenant_id IS 'Tenant with the subscription; no foreign key.';
COMMENT ON COLUMN module_tenants.subscription_status IS 'Status of the subscription, as in module_subscriptions.status. tenant_counts has the row while it is active.';
