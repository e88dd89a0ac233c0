-- Usage: what services record against the limits of tenants. It is no state of the registry: it raises no revision and is not in the
-- change log, because it changes thousands of times per second. docs/decisions/0023 has the reasons.

CREATE TYPE usage_metric AS ENUM ('users', 'monthly_quotes', 'storage_gb');

-- The lock on one of these rows is the only one that a record takes. There is no foreign key, whose check would wait for commands on
-- the tenant. Room in its page lets an update replace an older version of the same row.
CREATE TABLE tenant_usage (
    tenant_id UUID NOT NULL,
    metric usage_metric NOT NULL,
    period DATE NOT NULL,
    recorded DECIMAL(18,3) NOT NULL DEFAULT 0,
    updated_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT tenant_usage_pkey PRIMARY KEY (tenant_id, metric, period),
    CONSTRAINT tenant_usage_not_negative CHECK (recorded >= 0)
);
ALTER TABLE tenant_usage SET (fillfactor = 50, autovacuum_vacuum_threshold = 500);
SELECT registry_protect_rows('tenant_usage', 'tenant_id = (SELECT registry_visible_tenant())');

CREATE TABLE usage_keys (
    tenant_id UUID NOT NULL,
    metric usage_metric NOT NULL,
    key_hash BYTEA NOT NULL,
    amount DECIMAL(18,3) NOT NULL,
    recorded_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT usage_keys_pkey PRIMARY KEY (tenant_id, metric, key_hash)
);
CREATE INDEX usage_keys_recorded_at_idx ON usage_keys (recorded_at);
SELECT registry_protect_rows('usage_keys');

-- The period of a metric at a moment: the month that the tenant's clock shows, by its name. So a change of the time zone begins no
-- month again, and a day of 23 or 25 hours changes nothing. A metric without periods has one for ever.
-- A row that was written past the CHECK, or before the server's time zones changed, must not make the tenant unreadable.
CREATE FUNCTION registry_known_zone(timezone text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM now() AT TIME ZONE timezone;
  RETURN timezone;
EXCEPTION WHEN invalid_parameter_value THEN
  RETURN 'UTC';
END
$$;

CREATE FUNCTION registry_usage_period(metric usage_metric, timezone text, at timestamptz) RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT CASE metric WHEN 'monthly_quotes' THEN date_trunc('month', at AT TIME ZONE registry_known_zone(timezone))::date ELSE date '1970-01-01' END
$$;

-- Every rule about an amount.
CREATE FUNCTION registry_usage_problem(metric usage_metric, amount numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT CASE
    WHEN amount IS NULL OR amount = 'NaN' OR abs(amount) > 1000000000 THEN 'must be a number from -1000000000 to 1000000000'
    WHEN amount = 0 THEN 'must not be 0'
    WHEN metric = 'monthly_quotes' AND amount < 0 THEN 'must not be negative: quotes count even when they are withdrawn'
    WHEN metric <> 'storage_gb' AND amount <> trunc(amount) THEN 'must be a whole number'
    WHEN amount <> round(amount, 3) THEN 'must have at most 3 decimals (0.001 GB)'
  END
$$;

-- Usage and limits of a tenant, one row per metric, or only one. Members count as users from the table of members itself.
CREATE FUNCTION registry_usage(of_tenant uuid, of_metric usage_metric DEFAULT NULL)
RETURNS TABLE (metric usage_metric, used numeric, max numeric, starts_at timestamptz, ends_at timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT each.metric,
         coalesce((SELECT recorded FROM tenant_usage AS counter
                   WHERE counter.tenant_id = of_tenant AND counter.metric = each.metric AND counter.period = each.period), 0)
           + CASE each.metric WHEN 'users' THEN (SELECT count(*) FROM members WHERE tenant_id = of_tenant AND status <> 'removed') ELSE 0 END,
         CASE each.metric WHEN 'users' THEN max_users WHEN 'monthly_quotes' THEN max_monthly_quotes ELSE max_storage_gb END,
         CASE each.metric WHEN 'monthly_quotes' THEN each.period::timestamp AT TIME ZONE registry_known_zone(timezone) END,
         CASE each.metric WHEN 'monthly_quotes' THEN (each.period + interval '1 month') AT TIME ZONE registry_known_zone(timezone) END
  FROM tenants CROSS JOIN LATERAL (
    SELECT named AS metric, registry_usage_period(named, timezone, now()) AS period FROM unnest(enum_range(of_metric, of_metric)) AS named
  ) AS each
  WHERE id = of_tenant
  ORDER BY each.metric
$$;

-- Locks the counter of a metric in its present period until the end of the transaction, and returns the period.
CREATE FUNCTION registry_lock_usage(of_tenant uuid, of_metric usage_metric) RETURNS date
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  present constant date := (SELECT registry_usage_period(of_metric, timezone, now()) FROM tenants WHERE id = of_tenant);
BEGIN
  LOOP
    PERFORM FROM tenant_usage WHERE tenant_id = of_tenant AND metric = of_metric AND period = present FOR UPDATE;
    EXIT WHEN FOUND;
    INSERT INTO tenant_usage (tenant_id, metric, period) VALUES (of_tenant, of_metric, present) ON CONFLICT DO NOTHING;
    -- Once per month: the counters of the last two years are kept.
    DELETE FROM tenant_usage
      WHERE tenant_id = of_tenant AND metric = of_metric AND period < present - interval '24 months' AND of_metric = 'monthly_quotes';
  END LOOP;
  RETURN present;
END
$$;

-- Records any number of amounts, or only says what would happen. A record that is refused leaves the others standing. Every counter is
-- locked before its limit is read, so that a limit holds whatever runs at the same time; all in one order, so that calls do not deadlock.
CREATE FUNCTION registry_record_usage(tenants text[], metrics text[], amounts numeric[], keys text[], callers text[], only_asks boolean DEFAULT false)
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
      message := format('No tenant has the id or slug "%s"', left(wanted.reference, 100));
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

-- Deletes some of the keys that nobody can repeat any more.
CREATE FUNCTION registry_forget_usage(portion int) RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
  WITH old AS (
    SELECT tenant_id, metric, key_hash FROM usage_keys WHERE recorded_at <= now() - interval '24 hours'
    ORDER BY recorded_at LIMIT portion FOR UPDATE SKIP LOCKED),
  forgotten AS (DELETE FROM usage_keys USING old WHERE (usage_keys.tenant_id, usage_keys.metric, usage_keys.key_hash) = (old.tenant_id, old.metric, old.key_hash) RETURNING 1)
  SELECT count(*) FROM forgotten
$$;

-- A purged tenant leaves no usage.
CREATE FUNCTION tenants_drop_usage() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  DELETE FROM tenant_usage WHERE tenant_id = NEW.id;
  DELETE FROM usage_keys WHERE tenant_id = NEW.id;
  RETURN NULL;
END
$$;
CREATE TRIGGER tenants_drop_usage AFTER UPDATE ON tenants FOR EACH ROW
  WHEN (NEW.status = 'purged' AND OLD.status <> 'purged') EXECUTE FUNCTION tenants_drop_usage();

-- For services that use SQL. SECURITY DEFINER, as the other procedures.
CREATE FUNCTION registry_read_metric(metric text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM registry_require_given('metric', metric);
  IF NOT lower(metric) = ANY (enum_range(NULL::usage_metric)::text[]) THEN
    PERFORM registry_refuse_call('VALIDATION_ERROR', format('metric: must be one of %s', array_to_string(enum_range(NULL::usage_metric), ', ')),
      'An example is monthly_quotes.');
  END IF;
  RETURN lower(metric);
END
$$;

CREATE FUNCTION registry_refuse_usage(code text, message text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM registry_refuse_call(code, message, 'check_quota(tenant_id, metric, amount) tells what is left.',
    CASE code WHEN 'QUOTA_EXCEEDED' THEN 'TR010' WHEN 'IDEMPOTENCY_KEY_REUSED' THEN 'TR011' END);
END
$$;

CREATE PROCEDURE record_usage(tenant_id text, metric text, amount numeric, idempotency_key text DEFAULT NULL)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  answer record;
BEGIN
  PERFORM registry_require_given('tenant_id', tenant_id);
  SELECT * INTO answer FROM registry_record_usage(ARRAY[tenant_id], ARRAY[registry_read_metric(metric)], ARRAY[amount],
    ARRAY[registry_read_text('idempotency_key', idempotency_key, 200)], ARRAY[registry_actor()]);
  IF answer.code IS NOT NULL THEN
    PERFORM registry_refuse_usage(answer.code, answer.message);
  END IF;
END
$$;

CREATE PROCEDURE record_usage(tenant_id uuid, metric text, amount numeric, idempotency_key text DEFAULT NULL)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  CALL record_usage(tenant_id::text, metric, amount, idempotency_key);
END
$$;

CREATE FUNCTION check_quota(tenant_id text, metric text, amount numeric DEFAULT 1)
RETURNS TABLE (allowed boolean, used numeric, "limit" numeric, remaining numeric)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  answer record;
BEGIN
  PERFORM registry_require_given('tenant_id', tenant_id);
  SELECT * INTO answer
    FROM registry_record_usage(ARRAY[tenant_id], ARRAY[registry_read_metric(metric)], ARRAY[amount], ARRAY[NULL], ARRAY[NULL], true);
  IF answer.code <> 'QUOTA_EXCEEDED' THEN
    PERFORM registry_refuse_usage(answer.code, answer.message);
  END IF;
  RETURN QUERY SELECT answer.code IS NULL, answer.used, answer.max, greatest(answer.max - answer.used, 0);
END
$$;

CREATE FUNCTION check_quota(tenant_id uuid, metric text, amount numeric DEFAULT 1)
RETURNS TABLE (allowed boolean, used numeric, "limit" numeric, remaining numeric)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT * FROM check_quota(tenant_id::text, metric, amount)
$$;

REVOKE ALL ON ALL ROUTINES IN SCHEMA public FROM PUBLIC;

COMMENT ON TYPE usage_metric IS 'Quantity that has a limit per tenant: users (members and users that services record), monthly_quotes (per calendar month in the time zone of the tenant), storage_gb.';
COMMENT ON TABLE tenant_usage IS 'Usage that services have recorded, one counter per tenant, metric and period. Members are not in it: they count from members. Written by record_usage and by gateways.';
COMMENT ON COLUMN tenant_usage.tenant_id IS 'Tenant that uses; no foreign key.';
COMMENT ON COLUMN tenant_usage.metric IS 'Metric that is used.';
COMMENT ON COLUMN tenant_usage.period IS 'First day of the month for monthly_quotes, by the calendar of the tenant; 1970-01-01 for a metric without periods.';
COMMENT ON COLUMN tenant_usage.recorded IS 'Sum of the recorded amounts.';
COMMENT ON COLUMN tenant_usage.updated_at IS 'Time of the newest record.';
COMMENT ON TABLE usage_keys IS 'Records of usage that carried an idempotencyKey within the last 24 hours, so that a repeated one is not counted again. Gateways delete older rows.';
COMMENT ON COLUMN usage_keys.tenant_id IS 'Tenant of the record; no foreign key.';
COMMENT ON COLUMN usage_keys.metric IS 'Metric of the record; the same key of another metric is a different one.';
COMMENT ON COLUMN usage_keys.key_hash IS 'First 16 bytes of SHA-256 of the caller, a line feed and the key.';
COMMENT ON COLUMN usage_keys.amount IS 'Amount of the record; the same key with another amount is refused as IDEMPOTENCY_KEY_REUSED.';
COMMENT ON COLUMN usage_keys.recorded_at IS 'Time of the record, by which old rows are deleted.';
COMMENT ON CONSTRAINT tenant_usage_not_negative ON tenant_usage IS 'Only what was recorded can be given back.';
COMMENT ON FUNCTION registry_known_zone(text) IS 'The time zone, or UTC where the server does not know it.';
COMMENT ON FUNCTION registry_usage_period(usage_metric, text, timestamptz) IS 'First day of the period of a metric at a moment, by the clock of a time zone.';
COMMENT ON FUNCTION registry_usage_problem(usage_metric, numeric) IS 'Problem of an amount; null when there is none.';
COMMENT ON FUNCTION registry_usage(uuid, usage_metric) IS 'Usage and limit of a tenant, one row per metric or only one, with the start and end of its period.';
COMMENT ON FUNCTION registry_lock_usage(uuid, usage_metric) IS 'Locks the counter of a metric in its present period, and returns the period. Called by everything that compares usage with a limit.';
COMMENT ON FUNCTION registry_record_usage(text[], text[], numeric[], text[], text[], boolean) IS 'Records amounts, or only tells what would happen: one row per amount, with the refusal or the usage.';
COMMENT ON FUNCTION registry_forget_usage(int) IS 'Deletes at most this number of expired keys, and returns how many. Called by gateways.';
COMMENT ON FUNCTION tenants_drop_usage() IS 'Trigger function: deletes the usage of a purged tenant.';
COMMENT ON TRIGGER tenants_drop_usage ON tenants IS 'Deletes the usage of a tenant that is purged.';
COMMENT ON FUNCTION registry_read_metric(text) IS 'Validates the name of a metric and returns it in small letters.';
COMMENT ON FUNCTION registry_refuse_usage(text, text) IS 'Raises a refusal of registry_record_usage as an error.';
COMMENT ON PROCEDURE record_usage(text, text, numeric, text) IS 'Records usage of a tenant, given by id or slug: metric is users, monthly_quotes or storage_gb. A repeated call with the same idempotency_key within 24 hours is not counted again. Refused with QUOTA_EXCEEDED beyond the limit.';
COMMENT ON PROCEDURE record_usage(uuid, text, numeric, text) IS 'As record_usage with a text, for callers whose id has type uuid.';
COMMENT ON FUNCTION check_quota(text, text, numeric) IS 'Tells whether a tenant, given by id or slug, may use this amount more of a metric, and what it uses. It reserves nothing.';
COMMENT ON FUNCTION check_quota(uuid, text, numeric) IS 'As check_quota with a text, for callers whose id has type uuid.';
COMMENT ON COLUMN api_keys.scopes IS 'Permissions of the key, at least one: resolve:<module>, resolve:*, registry:read, registry:write, provision, audit:read, keys:manage, schema:read, documents:any, usage:record.';
