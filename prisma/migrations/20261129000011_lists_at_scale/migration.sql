-- Lists at scale: the indexes of every order and filter of the list of tenants and of the audit log, the search by text,
-- and the tables that hold the tenants of each module and the numbers of tenants and subscriptions.

-- A page begins after a pair (value, id), so each order is an index of its own. The partial indexes are those of the list
-- without conditions, which leaves purged tenants out. Slugs are in the order of their bytes: in the order of the database,
-- PostgreSQL would read tenants_slug_key and leave out every tenant of another status.
DROP INDEX tenants_name_id_idx;
DROP INDEX tenants_created_at_id_idx;
DROP INDEX tenants_status_idx;
CREATE INDEX tenants_shown_name_idx ON tenants (name, id) WHERE status <> 'purged';
CREATE INDEX tenants_shown_slug_idx ON tenants (slug COLLATE "C", id) WHERE status <> 'purged';
CREATE INDEX tenants_shown_created_at_idx ON tenants (created_at, id) WHERE status <> 'purged';
CREATE INDEX tenants_shown_updated_at_idx ON tenants (updated_at, id) WHERE status <> 'purged';
CREATE INDEX tenants_status_plan_name_id_idx ON tenants (status, plan, name, id);
CREATE INDEX tenants_status_plan_slug_id_idx ON tenants (status, plan, slug COLLATE "C", id);
CREATE INDEX tenants_status_plan_created_at_id_idx ON tenants (status, plan, created_at, id);
CREATE INDEX tenants_status_plan_updated_at_id_idx ON tenants (status, plan, updated_at, id);

-- One row per active subscription, with the columns by which its tenant is listed: no index over two tables could hold the
-- tenants of a module in the order of their names. The row also says under which status and plan the tenant was counted.
CREATE TABLE module_tenants (
    tenant_id UUID NOT NULL,
    module TEXT NOT NULL,
    status tenant_status NOT NULL,
    plan plan NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    created_at TIMESTAMPTZ(6) NOT NULL,
    updated_at TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT module_tenants_pkey PRIMARY KEY (tenant_id, module)
);
CREATE INDEX module_tenants_name_idx ON module_tenants (module, status, plan, name, tenant_id);
CREATE INDEX module_tenants_slug_idx ON module_tenants (module, status, plan, slug COLLATE "C", tenant_id);
CREATE INDEX module_tenants_created_at_idx ON module_tenants (module, status, plan, created_at, tenant_id);
CREATE INDEX module_tenants_updated_at_idx ON module_tenants (module, status, plan, updated_at, tenant_id);

CREATE TABLE tenant_counts (
    module TEXT NOT NULL,
    status tenant_status NOT NULL,
    plan plan NOT NULL,
    tenants INTEGER NOT NULL,

    CONSTRAINT tenant_counts_pkey PRIMARY KEY (module, status, plan)
);

CREATE TABLE subscription_counts (
    module TEXT NOT NULL,
    status subscription_status NOT NULL,
    subscriptions INTEGER NOT NULL,

    CONSTRAINT subscription_counts_pkey PRIMARY KEY (module, status)
);

-- Kept by the trigger with the rights of the owner; registry_admin reads them.
SELECT registry_protect_rows('module_tenants');
SELECT registry_protect_rows('tenant_counts');
SELECT registry_protect_rows('subscription_counts');

-- Every update of a count leaves a dead version of its row. Room in its page lets the next update remove them.
ALTER TABLE tenant_counts SET (fillfactor = 10, autovacuum_vacuum_threshold = 500);
ALTER TABLE subscription_counts SET (fillfactor = 10, autovacuum_vacuum_threshold = 500);

CREATE FUNCTION registry_count_tenant(of_module text, of_status tenant_status, of_plan plan, difference int) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
  INSERT INTO tenant_counts AS counted (module, status, plan, tenants) VALUES (of_module, of_status, of_plan, difference)
    ON CONFLICT (module, status, plan) DO UPDATE SET tenants = counted.tenants + excluded.tenants
$$;

CREATE FUNCTION registry_count_subscription(of_module text, of_status subscription_status, difference int) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
  INSERT INTO subscription_counts AS counted (module, status, subscriptions) VALUES (of_module, of_status, difference)
    ON CONFLICT (module, status) DO UPDATE SET subscriptions = counted.subscriptions + excluded.subscriptions
$$;

-- Brings the rows of a tenant in module_tenants up to date, and the counts with them. What a row says was counted before, so
-- the order in which a transaction changed tenant and subscriptions does not matter.
CREATE FUNCTION registry_list_tenant(changed uuid) RETURNS void
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
              tenant.updated_at)::module_tenants AS became, tenant.id AS tenant_id, subscription.module
      FROM tenants AS tenant JOIN module_subscriptions AS subscription ON subscription.tenant_id = tenant.id
      WHERE tenant.id = changed AND subscription.status = 'active') AS of_tables USING (tenant_id, module)
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
            created_at = actual.created_at, updated_at = actual.updated_at
        WHERE tenant_id = changed AND module = listed.module;
      CONTINUE WHEN (listed.status, listed.plan) = (actual.status, actual.plan);
    END IF;
    IF listed.tenant_id IS NOT NULL THEN
      PERFORM registry_count_tenant(listed.module, listed.status, listed.plan, -1);
    END IF;
    IF actual.tenant_id IS NOT NULL THEN
      PERFORM registry_count_tenant(actual.module, actual.status, actual.plan, 1);
    END IF;
  END LOOP;
END
$$;

-- Called by registry_record_change while it holds the head row, so no other transaction changes lists or counts meanwhile,
-- and they need no lock of their own.
CREATE FUNCTION registry_list_change(noun text, was jsonb, became jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF noun = 'tenant' THEN
    IF (was -> 'status', was -> 'plan') IS DISTINCT FROM (became -> 'status', became -> 'plan') THEN
      IF was IS NOT NULL THEN
        PERFORM registry_count_tenant('', (was ->> 'status')::tenant_status, (was ->> 'plan')::plan, -1);
      END IF;
      IF became IS NOT NULL THEN
        PERFORM registry_count_tenant('', (became ->> 'status')::tenant_status, (became ->> 'plan')::plan, 1);
      END IF;
    END IF;
    -- A new tenant has no subscription that does not record a change of its own.
    IF was IS NOT NULL THEN
      PERFORM registry_list_tenant((was ->> 'id')::uuid);
    END IF;
  ELSIF noun = 'subscription' AND was -> 'status' IS DISTINCT FROM became -> 'status' THEN
    IF was IS NOT NULL THEN
      PERFORM registry_count_subscription(was ->> 'module', (was ->> 'status')::subscription_status, -1);
    END IF;
    IF became IS NOT NULL THEN
      PERFORM registry_count_subscription(became ->> 'module', (became ->> 'status')::subscription_status, 1);
    END IF;
    PERFORM registry_list_tenant((coalesce(became, was) ->> 'tenant_id')::uuid);
  END IF;
END
$$;

-- As in 20261129000002_change_log, and it also keeps lists and counts. The time of an entry is never before that of the entry
-- before it, also where the clock was set back: so a condition on the time is one on the position in the log.
CREATE OR REPLACE FUNCTION registry_record_change() RETURNS trigger
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

-- Lists and counts as the tables say, for a comparison and for a new beginning.
CREATE FUNCTION registry_count_problems() RETURNS TABLE (subject text, kept bigint, found bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  WITH listed AS (
    SELECT tenant.id AS tenant_id, subscription.module, tenant.status, tenant.plan, tenant.name, tenant.slug,
           tenant.created_at, tenant.updated_at
    FROM tenants AS tenant JOIN module_subscriptions AS subscription ON subscription.tenant_id = tenant.id
    WHERE subscription.status = 'active'),
  counted AS (
    SELECT '' AS module, status, plan, count(*) AS found FROM tenants GROUP BY status, plan
    UNION ALL
    SELECT module, status, plan, count(*) FROM listed GROUP BY module, status, plan),
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
    FROM module_tenants FULL JOIN listed USING (tenant_id, module, status, plan, name, slug, created_at, updated_at)
    WHERE module_tenants.ctid IS NULL OR listed.tenant_id IS NULL
    HAVING count(*) > 0
$$;

CREATE FUNCTION registry_recount() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  -- With this lock no transaction can change lists or counts, or commit a change that they have to follow.
  PERFORM FROM registry_head FOR UPDATE;
  DELETE FROM module_tenants;
  DELETE FROM tenant_counts;
  DELETE FROM subscription_counts;
  INSERT INTO module_tenants
    SELECT tenant.id, subscription.module, tenant.status, tenant.plan, tenant.name, tenant.slug, tenant.created_at,
           tenant.updated_at
    FROM tenants AS tenant JOIN module_subscriptions AS subscription ON subscription.tenant_id = tenant.id
    WHERE subscription.status = 'active';
  INSERT INTO tenant_counts
    SELECT '', status, plan, count(*) FROM tenants GROUP BY status, plan
    UNION ALL
    SELECT module, status, plan, count(*) FROM module_tenants GROUP BY module, status, plan;
  INSERT INTO subscription_counts SELECT module, status, count(*) FROM module_subscriptions GROUP BY module, status;
END
$$;
SELECT registry_recount();

-- The search by text. pg_trgm is a trusted extension, so CREATE on the database is enough to create it; it gets a schema that
-- PUBLIC cannot use. Where it cannot be created, searches read the tenants one by one, and gateways say so when they start.
CREATE FUNCTION registry_index_text() RETURNS boolean
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
  RETURN true;
END
$$;
SELECT registry_index_text();

-- The audit log: pages of a tenant in whole order, and the changes of one kind by one actor.
DROP INDEX registry_change_tenant_id_revision_idx;
CREATE INDEX registry_change_tenant_id_revision_position_idx ON registry_change (tenant_id, revision, position);
CREATE INDEX registry_change_actor_kind_revision_position_idx ON registry_change (actor, kind, revision, position);

-- The history of a tenant without the updates of guards, of which each suspension makes one.
CREATE INDEX operations_history_idx ON operations (tenant_id, created_at, id) WHERE kind <> 'bind_storage';

REVOKE ALL ON ALL ROUTINES IN SCHEMA public FROM PUBLIC;

COMMENT ON TABLE module_tenants IS 'Tenants with an active subscription, one row per tenant and module, with the columns by which lists are ordered and filtered. Written by trigger only; registry_recount() makes it again.';
COMMENT ON COLUMN module_tenants.tenant_id IS 'Tenant with the active subscription; no foreign key.';
COMMENT ON COLUMN module_tenants.module IS 'Module of the subscription, as in modules.name.';
COMMENT ON COLUMN module_tenants.status IS 'Status of the tenant, as in tenants.status; the one under which tenant_counts has it.';
COMMENT ON COLUMN module_tenants.plan IS 'Plan of the tenant, as in tenants.plan; the one under which tenant_counts has it.';
COMMENT ON COLUMN module_tenants.name IS 'Name of the tenant, as in tenants.name.';
COMMENT ON COLUMN module_tenants.slug IS 'Slug of the tenant, as in tenants.slug.';
COMMENT ON COLUMN module_tenants.created_at IS 'Time of the registration, as in tenants.created_at.';
COMMENT ON COLUMN module_tenants.updated_at IS 'Time of the last change of the tenant, as in tenants.updated_at.';
COMMENT ON TABLE tenant_counts IS 'Number of tenants by status and plan, in all and with an active subscription to each module. Written by trigger only, within the transaction that changes a tenant; registry_recount() makes it again.';
COMMENT ON COLUMN tenant_counts.module IS 'Module to which the tenants have an active subscription; empty for all tenants, with and without subscriptions.';
COMMENT ON COLUMN tenant_counts.status IS 'Status of the counted tenants.';
COMMENT ON COLUMN tenant_counts.plan IS 'Plan of the counted tenants.';
COMMENT ON COLUMN tenant_counts.tenants IS 'Number of these tenants; may be 0.';
COMMENT ON TABLE subscription_counts IS 'Number of subscriptions by module and status. Written by trigger only, within the transaction that changes a subscription; registry_recount() makes it again.';
COMMENT ON COLUMN subscription_counts.module IS 'Module of the counted subscriptions.';
COMMENT ON COLUMN subscription_counts.status IS 'Status of the counted subscriptions.';
COMMENT ON COLUMN subscription_counts.subscriptions IS 'Number of these subscriptions; may be 0.';
COMMENT ON FUNCTION registry_count_tenant(text, tenant_status, plan, int) IS 'Adds to a row of tenant_counts. Called by triggers.';
COMMENT ON FUNCTION registry_count_subscription(text, subscription_status, int) IS 'Adds to a row of subscription_counts. Called by triggers.';
COMMENT ON FUNCTION registry_list_tenant(uuid) IS 'Makes the rows of a tenant in module_tenants, and their counts, equal to its subscriptions. Called by triggers.';
COMMENT ON FUNCTION registry_list_change(text, jsonb, jsonb) IS 'Keeps module_tenants and the counts when a tenant or subscription changes. Called by triggers.';
COMMENT ON FUNCTION registry_count_problems() IS 'Numbers in tenant_counts and subscription_counts that are not those of the tables, and the number of wrong rows in module_tenants; no row when all are right. Reads all tenants.';
COMMENT ON FUNCTION registry_recount() IS 'Makes module_tenants, tenant_counts and subscription_counts again. Changes of the registry wait meanwhile.';
COMMENT ON FUNCTION registry_index_text() IS 'Creates extension pg_trgm, unless it exists, and the index of the search by text; false when the extension cannot be created.';
