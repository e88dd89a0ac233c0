/**
 * Loads a million tenants in minutes. The rows are those that the triggers would have written: tenants and their subscriptions to
 * finance, their storage names and keys, a member and an operation each, the change log with its chain of hashes, the lists and
 * the counts. Indexes are built after the load. Updates of guards are left out: no storage exists. So are the entries of the
 * change log for members and operations.
 */
import type pg from 'pg';

const tables = [
  'tenants',
  'module_subscriptions',
  'storage_names',
  'personal_data_keys',
  'module_tenants',
  'tenant_usage',
  'members',
  'operations',
  'operation_steps',
  'operation_modules',
  'operation_attempts',
  'registry_change',
];

/** Adds the tenants with these numbers, in one transaction; each tenant is a revision of its own. */
export async function loadTenants(pool: pg.Pool, from: number, to: number): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const { rows: indexes } = await client.query<{ name: string; definition: string }>(
      `SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
       WHERE indrelid = ANY ($1::regclass[]) AND NOT indisprimary AND NOT indisunique`,
      [tables],
    );
    for (const { name } of indexes) await client.query(`DROP INDEX ${name}`);
    await client.query(
      `SET LOCAL session_replication_role = replica; SET LOCAL maintenance_work_mem = '512MB'`,
    );
    await client.query(loadSql(from, to));
    for (const { definition } of indexes) await client.query(definition);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

const loadSql = (from: number, to: number) => `
  CREATE TEMPORARY TABLE loaded ON COMMIT DROP AS
    SELECT at, gen_random_uuid() AS id, gen_random_uuid() AS subscription, 'tenant-' || lpad(at::text, 8, '0') AS slug,
      clock_timestamp() + at * interval '100 microseconds' AS moment
    FROM generate_series(${from}, ${to}) AS at;

  INSERT INTO tenants (id, slug, name, plan, status, suspended_at, created_at, updated_at)
    SELECT id, slug, 'Company ' || md5(at::text), (ARRAY['lite', 'pro', 'enterprise'])[1 + at % 3]::plan,
      CASE WHEN at % 100 = 99 THEN 'suspended' ELSE 'active' END::tenant_status,
      CASE WHEN at % 100 = 99 THEN moment END, moment, moment
    FROM loaded;
  INSERT INTO module_subscriptions
      (id, tenant_id, module, status, isolation, database_name, schema_name, provisioned_at, created_at, updated_at)
    SELECT subscription, id, 'finance', 'active', 'schema', 'finance', 'finance_' || replace(slug, '-', '_'), moment, moment, moment
    FROM loaded;
  INSERT INTO storage_names (kind, name, tenant_id, claimed_at, resolved_at)
    SELECT 'schema', schema_name, tenant_id, provisioned_at, provisioned_at FROM module_subscriptions
    JOIN loaded ON subscription = module_subscriptions.id;
  INSERT INTO personal_data_keys (tenant_id, key)
    SELECT id, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) FROM loaded;

  INSERT INTO tenant_usage (tenant_id, metric, period, recorded)
    SELECT id, metric, registry_usage_period(metric, timezone, now()), at % 100
    FROM loaded JOIN tenants USING (id) CROSS JOIN unnest('{monthly_quotes,storage_gb}'::usage_metric[]) AS metric;

  INSERT INTO members (tenant_id, email, status) SELECT id, 'member-' || at || '@example.com', 'active' FROM loaded;
  CREATE TEMPORARY TABLE done ON COMMIT DROP AS
    SELECT gen_random_uuid() AS operation, id AS tenant, moment,
      CASE WHEN at % 5000 = 1 THEN 'needs_attention' WHEN at % 1000 = 2 THEN 'failed' ELSE 'succeeded' END::operation_status AS status
    FROM loaded;
  INSERT INTO operations (id, kind, tenant_id, status, actor, created_at, run_after, started_at, finished_at)
    SELECT operation, 'subscribe_tenant', tenant, status, 'somebody', moment, moment, moment,
      CASE status WHEN 'needs_attention' THEN NULL ELSE moment + interval '700 ms' END
    FROM done;
  INSERT INTO operation_steps (operation_id, position, name, module, status, started_at, finished_at)
    SELECT operation, 0, 'create_schema', 'finance', status, moment, moment + interval '600 ms' FROM done;
  INSERT INTO operation_modules (operation_id, module, status, kind, created_at)
    SELECT operation, 'finance', status, 'subscribe_tenant', moment FROM done;
  INSERT INTO operation_attempts (operation_id, number, tenant_id, kind, status, actor, runs, created_at, started_at, finished_at)
    SELECT id, 1, tenant_id, kind, operations.status, actor, 1, created_at, started_at, finished_at FROM operations JOIN done ON operation = id;

  CREATE OR REPLACE FUNCTION pg_temp.chain() RETURNS SETOF registry_change LANGUAGE plpgsql AS $$
  DECLARE
    head registry_head := (SELECT registry_head FROM registry_head);
    entry registry_change;
    made record;
  BEGIN
    FOR made IN
      SELECT loaded.*, to_jsonb(tenants) - '{updated_at}'::text[] AS tenant, to_jsonb(kept) - '{updated_at}'::text[] AS subscribed
      FROM loaded JOIN tenants USING (id) JOIN module_subscriptions AS kept ON kept.id = loaded.subscription ORDER BY at
    LOOP
      head.revision := head.revision + 1;
      FOR position IN 0 .. 1 LOOP
        entry := (head.revision, position, made.id, made.slug, CASE position WHEN 1 THEN 'finance' END,
          (ARRAY['tenant.registered', 'subscription.created'])[position + 1], (ARRAY[made.id, made.subscription])[position + 1]::text,
          'role:' || session_user, session_user, NULL, CASE position WHEN 0 THEN made.tenant ELSE made.subscribed END,
          made.moment, head.hash, NULL);
        entry.hash := registry_change_hash(entry);
        head.hash := entry.hash;
        RETURN NEXT entry;
      END LOOP;
    END LOOP;
  END $$;
  INSERT INTO registry_change SELECT * FROM pg_temp.chain();
  UPDATE registry_head SET (revision, position, hash) =
    (SELECT revision, position, hash FROM registry_change ORDER BY revision DESC, position DESC LIMIT 1);
  SELECT registry_recount(), registry_recount_growth()`;
