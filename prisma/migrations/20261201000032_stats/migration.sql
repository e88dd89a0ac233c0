-- Numbers for dashboards, each at a cost that does not grow with the registry: docs/decisions/0023 has the reasons.

-- How many tenants were registered, deleted, restored and purged in each quarter of an hour in which any was. Every time zone in use is
-- ahead of UTC by a multiple of it, so days of each zone are sums of these rows.
CREATE TABLE tenant_growth (
    starts_at TIMESTAMPTZ(6) NOT NULL,
    registered INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0,
    restored INTEGER NOT NULL DEFAULT 0,
    purged INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT tenant_growth_pkey PRIMARY KEY (starts_at)
);
ALTER TABLE tenant_growth SET (fillfactor = 50);
SELECT registry_protect_rows('tenant_growth');

CREATE FUNCTION registry_quarter(at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT date_bin('15 minutes', at, timestamptz '2000-01-01 00:00:00+00')
$$;

-- Fires while registry_record_change holds the head row, so the counts need no lock of their own. The time of a registration is that
-- of the tenant, which a take-over keeps; the other times are those of the log.
CREATE FUNCTION registry_count_growth() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.kind <> 'tenant.registered' AND NEW.before ? 'created_at' THEN
    UPDATE tenant_growth SET registered = registered - 1 WHERE starts_at = registry_quarter((NEW.before ->> 'created_at')::timestamptz);
  END IF;
  IF NEW.after ? 'created_at' THEN
    INSERT INTO tenant_growth AS known (starts_at, registered) VALUES (registry_quarter((NEW.after ->> 'created_at')::timestamptz), 1)
      ON CONFLICT (starts_at) DO UPDATE SET registered = known.registered + 1;
  END IF;
  IF NEW.kind IN ('tenant.deleted', 'tenant.restored', 'tenant.purged') THEN
    INSERT INTO tenant_growth AS known (starts_at, deleted, restored, purged)
      VALUES (registry_quarter(NEW.changed_at), (NEW.kind = 'tenant.deleted')::int, (NEW.kind = 'tenant.restored')::int, (NEW.kind = 'tenant.purged')::int)
      ON CONFLICT (starts_at) DO UPDATE
        SET deleted = known.deleted + excluded.deleted, restored = known.restored + excluded.restored, purged = known.purged + excluded.purged;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER registry_change_growth AFTER INSERT ON registry_change FOR EACH ROW
  WHEN (NEW.kind IN ('tenant.registered', 'tenant.deleted', 'tenant.restored', 'tenant.purged')
    OR (NEW.kind LIKE 'tenant.%' AND NEW.after ? 'created_at'))
  EXECUTE FUNCTION registry_count_growth();

-- Growth as tenants and change log have it.
CREATE FUNCTION registry_find_growth() RETURNS SETOF tenant_growth
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT starts_at, sum(registered)::int, sum(deleted)::int, sum(restored)::int, sum(purged)::int
  FROM (
    SELECT registry_quarter(created_at) AS starts_at, count(*) AS registered, 0 AS deleted, 0 AS restored, 0 AS purged FROM tenants GROUP BY 1
    UNION ALL
    SELECT registry_quarter(changed_at), 0, count(*) FILTER (WHERE kind = 'tenant.deleted'),
           count(*) FILTER (WHERE kind = 'tenant.restored'), count(*) FILTER (WHERE kind = 'tenant.purged')
    FROM registry_change WHERE kind IN ('tenant.deleted', 'tenant.restored', 'tenant.purged') GROUP BY 1
  ) AS found
  GROUP BY starts_at
$$;

CREATE FUNCTION registry_growth_problems() RETURNS TABLE (subject text, kept bigint, found bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
  SELECT concat_ws(' ', each.what, 'in the quarter of an hour from', to_char(starts_at, 'YYYY-MM-DD"T"HH24:MI"Z"')), each.kept, each.found
  FROM tenant_growth AS counted FULL JOIN registry_find_growth() AS actual USING (starts_at)
  CROSS JOIN LATERAL (VALUES
    ('registered', coalesce(counted.registered, 0), coalesce(actual.registered, 0)),
    ('deleted', coalesce(counted.deleted, 0), coalesce(actual.deleted, 0)),
    ('restored', coalesce(counted.restored, 0), coalesce(actual.restored, 0)),
    ('purged', coalesce(counted.purged, 0), coalesce(actual.purged, 0))) AS each (what, kept, found)
  WHERE each.kept <> each.found
$$;

CREATE FUNCTION registry_recount_growth() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  -- With this lock no transaction can commit a change that is to be counted.
  PERFORM FROM registry_head FOR UPDATE;
  DELETE FROM tenant_growth;
  INSERT INTO tenant_growth SELECT * FROM registry_find_growth();
END
$$;
SELECT registry_recount_growth();

-- How tenants use their quotas. A counter of all tenants would be a row for which every record of usage waits, so a large registry
-- is measured in the background, and a small one when it is asked.
CREATE TABLE quota_use (
    metric usage_metric NOT NULL,
    tenants_above_80 INTEGER NOT NULL,
    tenants_at_limit INTEGER NOT NULL,
    used DECIMAL(24,3) NOT NULL,
    measured_at TIMESTAMPTZ(6) NOT NULL,
    took_ms INTEGER NOT NULL,

    CONSTRAINT quota_use_pkey PRIMARY KEY (metric)
);
SELECT registry_protect_rows('quota_use');

CREATE FUNCTION registry_quota_use() RETURNS TABLE (metric usage_metric, tenants_above_80 int, tenants_at_limit int, used numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  -- There are few time zones, and their clocks cost more than the rest.
  WITH present AS MATERIALIZED (
    SELECT timezone, named AS metric, registry_usage_period(named, timezone, now()) AS period
    FROM (SELECT DISTINCT timezone FROM tenants) AS used_zone CROSS JOIN unnest(enum_range(NULL::usage_metric)) AS named),
  part AS (
    SELECT tenant_id, metric, recorded AS used
    FROM tenant_usage JOIN tenants ON id = tenant_id JOIN present USING (timezone, metric, period)
    WHERE recorded > 0
    UNION ALL
    SELECT tenant_id, 'users', count(*) FROM members WHERE status <> 'removed' GROUP BY tenant_id),
  whole AS (
    SELECT part.metric, sum(part.used) AS used,
           CASE part.metric WHEN 'users' THEN max_users WHEN 'monthly_quotes' THEN max_monthly_quotes ELSE max_storage_gb END AS max
    FROM part JOIN tenants ON id = tenant_id
    WHERE status NOT IN ('deleted', 'purged')
    GROUP BY id, part.metric)
  SELECT named, (count(*) FILTER (WHERE whole.used > 0.8 * max))::int, (count(*) FILTER (WHERE whole.used >= max))::int, coalesce(sum(whole.used), 0)
  FROM unnest(enum_range(NULL::usage_metric)) AS named LEFT JOIN whole ON whole.metric = named
  GROUP BY named
$$;

-- Whether the registry is too large to be measured when somebody asks. By the estimate that autovacuum keeps.
CREATE FUNCTION registry_measures_ahead() RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT sum(greatest(reltuples, 0)) > 20000 FROM pg_class WHERE oid IN ('tenant_usage'::regclass, 'members'::regclass)
$$;

-- Measures a large registry, again after thirty times what the last measurement took.
CREATE FUNCTION registry_measure_quotas() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  begun constant timestamptz := clock_timestamp();
BEGIN
  IF NOT registry_measures_ahead() OR NOT pg_try_advisory_xact_lock(hashtextextended('tenant-registry/quota-use', 0))
     OR EXISTS (SELECT FROM quota_use WHERE measured_at + make_interval(secs => 1 + took_ms * 0.03) > begun) THEN
    RETURN;
  END IF;
  INSERT INTO quota_use AS known (metric, tenants_above_80, tenants_at_limit, used, measured_at, took_ms)
    SELECT metric, tenants_above_80, tenants_at_limit, used, begun, 0 FROM registry_quota_use()
    ON CONFLICT (metric) DO UPDATE
      SET tenants_above_80 = excluded.tenants_above_80, tenants_at_limit = excluded.tenants_at_limit, used = excluded.used,
          measured_at = excluded.measured_at;
  UPDATE quota_use SET took_ms = extract(epoch FROM clock_timestamp() - begun) * 1000;
END
$$;

-- Operations that have ended, newest first, and those of them that failed.
CREATE INDEX operations_ended_idx ON operations (finished_at) INCLUDE (started_at, status)
  WHERE finished_at IS NOT NULL AND kind <> 'bind_storage';
CREATE INDEX operations_failed_idx ON operations (finished_at) WHERE status IN ('failed', 'compensated') AND kind <> 'bind_storage';

REVOKE ALL ON ALL ROUTINES IN SCHEMA public FROM PUBLIC;

COMMENT ON TABLE tenant_growth IS 'Number of tenants that were registered, deleted, restored and purged, by quarters of an hour. Written by trigger only; registry_recount_growth() makes it again.';
COMMENT ON COLUMN tenant_growth.starts_at IS 'Start of the quarter of an hour.';
COMMENT ON COLUMN tenant_growth.registered IS 'Number of tenants whose created_at is in it.';
COMMENT ON COLUMN tenant_growth.deleted IS 'Number of deletions in the change log.';
COMMENT ON COLUMN tenant_growth.restored IS 'Number of restores in the change log.';
COMMENT ON COLUMN tenant_growth.purged IS 'Number of purges in the change log.';
COMMENT ON TABLE quota_use IS 'Last measurement of how tenants use their quotas, one row per metric; empty while the registry is small enough to be measured when somebody asks. Written by gateways.';
COMMENT ON COLUMN quota_use.metric IS 'Metric that is used.';
COMMENT ON COLUMN quota_use.tenants_above_80 IS 'Number of tenants that use more than 80 % of their limit, those at the limit included; without deleted tenants.';
COMMENT ON COLUMN quota_use.tenants_at_limit IS 'Number of tenants that use all of their limit, or more.';
COMMENT ON COLUMN quota_use.used IS 'Sum of the usage of all tenants, without deleted ones.';
COMMENT ON COLUMN quota_use.measured_at IS 'Time of the measurement.';
COMMENT ON COLUMN quota_use.took_ms IS 'Time that the measurement took, in milliseconds; the next one waits thirty times as long.';
COMMENT ON FUNCTION registry_quarter(timestamptz) IS 'Start of the quarter of an hour of a moment.';
COMMENT ON FUNCTION registry_count_growth() IS 'Trigger function: keeps tenant_growth.';
COMMENT ON TRIGGER registry_change_growth ON registry_change IS 'Counts registrations, deletions, restores and purges in tenant_growth.';
COMMENT ON FUNCTION registry_find_growth() IS 'Growth as tenants and the change log say. Reads all tenants.';
COMMENT ON FUNCTION registry_growth_problems() IS 'Numbers in tenant_growth that are not those of tenants and the change log; no row when all are right. Reads all tenants.';
COMMENT ON FUNCTION registry_recount_growth() IS 'Makes tenant_growth again. Changes of the registry wait meanwhile.';
COMMENT ON FUNCTION registry_quota_use() IS 'Use of quotas by all tenants at this moment, one row per metric. Reads all usage and all members.';
COMMENT ON FUNCTION registry_measures_ahead() IS 'True when the registry is too large to be measured when somebody asks.';
COMMENT ON FUNCTION registry_measure_quotas() IS 'Renews quota_use in a large registry, when it is due. Called by gateways.';
