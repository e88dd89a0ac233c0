-- The limits of each plan, and how those of its tenants follow them.

-- The columns max_users, max_monthly_quotes and max_storage_gb of tenants are the limits that count. A plan fills those that are
-- not the tenant's own: at the registration, at a change of the plan, and, tenant by tenant, when the plan's limits change.
CREATE TABLE plans (
    name plan NOT NULL,
    max_users INTEGER NOT NULL,
    max_monthly_quotes INTEGER NOT NULL,
    max_storage_gb INTEGER NOT NULL,
    updated_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    version INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT plans_pkey PRIMARY KEY (name),
    CONSTRAINT plans_limits_not_negative CHECK (max_users >= 0 AND max_monthly_quotes >= 0 AND max_storage_gb >= 0),
    CONSTRAINT plans_version_positive CHECK (version >= 1)
);
SELECT registry_protect_rows('plans');

-- A row for each plan whose tenants are being brought up to its limits.
CREATE TABLE plan_updates (
    plan plan NOT NULL,
    after_tenant UUID,
    has_skipped BOOLEAN NOT NULL DEFAULT false,
    actor TEXT NOT NULL,

    CONSTRAINT plan_updates_pkey PRIMARY KEY (plan)
);
SELECT registry_protect_rows('plan_updates');

-- Every plan begins with the limits that all new tenants had before.
INSERT INTO plans (name, max_users, max_monthly_quotes, max_storage_gb)
  SELECT name, 5, 100, 1 FROM unnest(enum_range(NULL::plan)) AS name;

ALTER TABLE tenants ADD COLUMN own_limits TEXT[] NOT NULL DEFAULT '{}';
ALTER TABLE tenants ADD CONSTRAINT tenants_own_limits_known CHECK (own_limits <@ '{users,monthly_quotes,storage_gb}'::text[]);

-- The column is new, so this changes no tenant: no version and no entry of the change log.
ALTER TABLE tenants DISABLE TRIGGER USER;
UPDATE tenants SET own_limits = array_remove(ARRAY[
    CASE WHEN max_users <> 5 THEN 'users' END,
    CASE WHEN max_monthly_quotes <> 100 THEN 'monthly_quotes' END,
    CASE WHEN max_storage_gb <> 1 THEN 'storage_gb' END], NULL)
  WHERE (max_users, max_monthly_quotes, max_storage_gb) <> (5, 100, 1);
ALTER TABLE tenants ENABLE TRIGGER USER;

-- A limit becomes the tenant's own when it is set to another value than the plan's, or when the writer names it in own_limits. It follows
-- the plan again when it is set to the plan's value or to null. A new tenant with the default of the column has not been given a limit.
CREATE FUNCTION registry_follow_limit(metric text, INOUT value int, was int, planned int, is_free boolean, INOUT own text[])
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF value IS NULL OR (is_free AND value = was AND NOT metric = ANY (own)) THEN
    value := planned;
  END IF;
  IF value = planned THEN
    own := array_remove(own, metric);
  ELSIF value IS DISTINCT FROM was AND NOT metric = ANY (own) THEN
    own := own || metric;
  END IF;
END
$$;

-- SECURITY DEFINER, because a lock needs more than the right to read, which is all that writers of tenants have on plans.
CREATE FUNCTION tenants_apply_plan() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  planned plans;
  is_other_plan constant boolean := NEW.plan IS DISTINCT FROM OLD.plan;
  own text[] := coalesce(NEW.own_limits, '{}');
BEGIN
  -- A change of the limits waits for this transaction, and then finds the tenant.
  SELECT * INTO planned FROM plans WHERE name = NEW.plan FOR SHARE;
  SELECT * INTO NEW.max_users, own
    FROM registry_follow_limit('users', NEW.max_users, coalesce(OLD.max_users, 5), planned.max_users,
      is_other_plan OR 'users' = ANY (OLD.own_limits), own);
  SELECT * INTO NEW.max_monthly_quotes, own
    FROM registry_follow_limit('monthly_quotes', NEW.max_monthly_quotes, coalesce(OLD.max_monthly_quotes, 100), planned.max_monthly_quotes,
      is_other_plan OR 'monthly_quotes' = ANY (OLD.own_limits), own);
  SELECT * INTO NEW.max_storage_gb, own
    FROM registry_follow_limit('storage_gb', NEW.max_storage_gb, coalesce(OLD.max_storage_gb, 1), planned.max_storage_gb,
      is_other_plan OR 'storage_gb' = ANY (OLD.own_limits), own);
  NEW.own_limits := own;
  RETURN NEW;
END
$$;
-- The name makes it run before tenants_maintain, which compares the old and the new row.
CREATE TRIGGER tenants_apply_plan BEFORE INSERT OR UPDATE OF plan, max_users, max_monthly_quotes, max_storage_gb, own_limits ON tenants
  FOR EACH ROW EXECUTE FUNCTION tenants_apply_plan();

CREATE FUNCTION plans_begin_update() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO plan_updates (plan, actor) VALUES (NEW.name, registry_actor())
    ON CONFLICT (plan) DO UPDATE SET after_tenant = NULL, has_skipped = false, actor = excluded.actor;
  RETURN NULL;
END
$$;
CREATE TRIGGER plans_begin_update AFTER UPDATE ON plans FOR EACH ROW
  WHEN ((OLD.max_users, OLD.max_monthly_quotes, OLD.max_storage_gb) IS DISTINCT FROM (NEW.max_users, NEW.max_monthly_quotes, NEW.max_storage_gb))
  EXECUTE FUNCTION plans_begin_update();
CREATE TRIGGER plans_touch BEFORE UPDATE ON plans FOR EACH ROW EXECUTE FUNCTION registry_touch();
CREATE TRIGGER plans_refuse_delete BEFORE DELETE ON plans
  FOR EACH ROW EXECUTE FUNCTION registry_refuse('Every plan has limits: change them instead.');
CREATE TRIGGER plans_refuse_truncate BEFORE TRUNCATE ON plans
  EXECUTE FUNCTION registry_refuse('Change rows one by one: TRUNCATE would leave no trace in the change log.');
CREATE CONSTRAINT TRIGGER plans_record_change AFTER INSERT OR UPDATE OR DELETE ON plans DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION registry_record_change('plan');

-- Brings the next tenants up to the limits of a changed plan, and returns whether there may be more at once. One call is one transaction of a
-- bounded size: the change log has an entry for each tenant that changes.
CREATE FUNCTION registry_apply_plans(portion int) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  pending plan_updates;
  portion_ids uuid[];
  differing_ids uuid[];
  changed int;
BEGIN
  -- Only one session works on a plan. A random one, so that a plan with locked tenants does not hold up the others. Nobody is waited for:
  -- a session that changes limits holds the plan and is about to lock the row of plan_updates.
  SELECT waiting.* INTO pending FROM plan_updates AS waiting JOIN plans ON plans.name = waiting.plan
    ORDER BY random() LIMIT 1 FOR SHARE OF plans SKIP LOCKED FOR UPDATE OF waiting SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  portion_ids := ARRAY(
    SELECT id FROM tenants WHERE id > coalesce(pending.after_tenant, '00000000-0000-0000-0000-000000000000') ORDER BY id LIMIT portion);
  IF cardinality(portion_ids) = 0 AND pending.has_skipped THEN
    -- All tenants again, in a later round: the sessions that have locked some need time.
    UPDATE plan_updates SET after_tenant = NULL, has_skipped = false WHERE plan = pending.plan;
    RETURN EXISTS (SELECT FROM plan_updates WHERE plan <> pending.plan);
  ELSIF cardinality(portion_ids) = 0 THEN
    DELETE FROM plan_updates WHERE plan = pending.plan;
    RETURN EXISTS (SELECT FROM plan_updates);
  END IF;
  differing_ids := ARRAY(
    SELECT id FROM tenants AS tenant JOIN plans AS planned ON planned.name = tenant.plan
    WHERE id = ANY (portion_ids) AND tenant.plan = pending.plan AND status <> 'purged'
      AND ((tenant.max_users <> planned.max_users AND NOT 'users' = ANY (own_limits))
        OR (tenant.max_monthly_quotes <> planned.max_monthly_quotes AND NOT 'monthly_quotes' = ANY (own_limits))
        OR (tenant.max_storage_gb <> planned.max_storage_gb AND NOT 'storage_gb' = ANY (own_limits))));
  PERFORM set_config('registry.actor', pending.actor, true);
  -- tenants_apply_plan puts the plan's limit in the place of null.
  WITH unlocked AS MATERIALIZED (SELECT id FROM tenants WHERE id = ANY (differing_ids) ORDER BY id FOR UPDATE SKIP LOCKED)
  UPDATE tenants AS tenant
    SET max_users = CASE WHEN 'users' = ANY (own_limits) THEN tenant.max_users END,
        max_monthly_quotes = CASE WHEN 'monthly_quotes' = ANY (own_limits) THEN tenant.max_monthly_quotes END,
        max_storage_gb = CASE WHEN 'storage_gb' = ANY (own_limits) THEN tenant.max_storage_gb END
    FROM unlocked WHERE tenant.id = unlocked.id;
  GET DIAGNOSTICS changed = ROW_COUNT;
  UPDATE plan_updates
    SET after_tenant = portion_ids[cardinality(portion_ids)], has_skipped = has_skipped OR changed < cardinality(differing_ids)
    WHERE plan = pending.plan;
  RETURN true;
END
$$;

REVOKE ALL ON ALL ROUTINES IN SCHEMA public FROM PUBLIC;

COMMENT ON TABLE plans IS 'Limits of each plan. They become those of its tenants, except where a tenant has a limit of its own (tenants.own_limits). Written by updatePlanLimits or by hand.';
COMMENT ON COLUMN plans.name IS 'Plan, as in tenants.plan.';
COMMENT ON COLUMN plans.max_users IS 'Limit of users, see tenants.max_users.';
COMMENT ON COLUMN plans.max_monthly_quotes IS 'Limit of quotes per month, see tenants.max_monthly_quotes.';
COMMENT ON COLUMN plans.max_storage_gb IS 'Limit of storage in gigabytes, see tenants.max_storage_gb.';
COMMENT ON COLUMN plans.updated_at IS 'Time of the last change of this row; set by trigger.';
COMMENT ON COLUMN plans.version IS 'Number that a mutation compares with expectedVersion; starts at 1, and a trigger adds 1 per change.';
COMMENT ON CONSTRAINT plans_limits_not_negative ON plans IS 'A limit of 0 allows nothing.';
COMMENT ON CONSTRAINT plans_version_positive ON plans IS 'Versions start at 1.';
COMMENT ON TABLE plan_updates IS 'Plans whose limits have changed and whose tenants do not all have them yet. Written by trigger and by registry_apply_plans.';
COMMENT ON COLUMN plan_updates.plan IS 'Plan whose tenants are being brought up to date.';
COMMENT ON COLUMN plan_updates.after_tenant IS 'Tenants up to this id are up to date, except skipped ones; null before the first.';
COMMENT ON COLUMN plan_updates.has_skipped IS 'True when tenants up to that id were left out because another session had locked them; then all tenants are looked at again.';
COMMENT ON COLUMN plan_updates.actor IS 'Actor who changed the limits, for the entries of the tenants in the change log.';
COMMENT ON COLUMN tenants.max_users IS 'Quota: number of users at the same time: members without removed ones, and those that services record. The limit of the plan unless own_limits names it.';
COMMENT ON COLUMN tenants.max_monthly_quotes IS 'Quota: number of quotes that the tenant may create in module operations per calendar month of its time zone. The limit of the plan unless own_limits names it.';
COMMENT ON COLUMN tenants.max_storage_gb IS 'Quota: gigabytes in all schemas and databases of the tenant together. The limit of the plan unless own_limits names it.';
COMMENT ON COLUMN tenants.own_limits IS 'Limits that do not follow the plan: users, monthly_quotes, storage_gb. Kept by trigger: a limit that is set to another value than the plan''s is added.';
COMMENT ON CONSTRAINT tenants_own_limits_known ON tenants IS 'Names of metrics, as in usage_metric.';
COMMENT ON FUNCTION registry_follow_limit(text, int, int, int, boolean, text[]) IS 'One limit of a tenant after a change of the tenant: the value, and whether it is the tenant''s own. Called by tenants_apply_plan.';
COMMENT ON FUNCTION tenants_apply_plan() IS 'Trigger function: fills the limits that follow the plan, and keeps own_limits.';
COMMENT ON TRIGGER tenants_apply_plan ON tenants IS 'Fills the limits that follow the plan, and keeps own_limits.';
COMMENT ON FUNCTION plans_begin_update() IS 'Trigger function: adds the plan to plan_updates.';
COMMENT ON TRIGGER plans_begin_update ON plans IS 'Queues the tenants of the plan when its limits change.';
COMMENT ON TRIGGER plans_touch ON plans IS 'Sets version and updated_at.';
COMMENT ON TRIGGER plans_refuse_delete ON plans IS 'Every plan has limits.';
COMMENT ON TRIGGER plans_refuse_truncate ON plans IS 'TRUNCATE would bypass the change log.';
COMMENT ON TRIGGER plans_record_change ON plans IS 'Records the change in registry_change.';
COMMENT ON FUNCTION registry_apply_plans(int) IS 'Brings the next tenants up to the limits of a changed plan, without those that another session has locked; true when there may be more at once. Called by gateways.';
