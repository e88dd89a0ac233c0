/** A registry in which every text that others can write is hostile: markup, right-to-left, emoji, URLs that are scripts, much of it. */
import type { TestGateway } from '../../setup/gateway.js';

export const markup = `<img src=x onerror=alert(1)> "><script>alert(2)</script>`;
/** At most 100 characters, as many columns allow. */
export const hostile = `${markup} שלום 🦁`;
export const script = 'javascript:alert(3)';

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
export const hostileIds = {
  tenant: id(1),
  suspended: id(2),
  operation: id(10),
  bulk: id(11),
  rollout: id(20),
};

/** Fills every table whose rows a screen shows. By SQL, because the API refuses some of it. */
export async function fillWithHostileValues({ psql }: Pick<TestGateway, 'psql'>): Promise<void> {
  const { tenant, suspended, operation, bulk, rollout } = hostileIds;
  // A configuration of more than 10,000 characters.
  const config = { notes: { [markup]: `${hostile} ${script} ${'x'.repeat(10_000)}` } };
  const run = (sql: string, ...parameters: unknown[]) => psql(sql, parameters);
  await run(
    `INSERT INTO tenants (id, slug, name, short_name, status, internal_note, tenant_config, gcp_project_id)
       VALUES ($1, 'hostile', $2, $3::text, 'active', $4, $5, $3::text)`,
    ...[tenant, hostile, markup.slice(0, 50), `${hostile} ${'y'.repeat(800)}`, config],
  );
  await run(
    `INSERT INTO tenants (id, slug, name, status, suspended_at, suspended_reason) VALUES ($1, 'barred', $2::text, 'suspended', now(), $2::text)`,
    ...[suspended, hostile],
  );
  await run(
    `UPDATE tenant_settings SET company_name = $2::text, website = $3, support_phone = $2::text WHERE tenant_id = $1`,
    ...[tenant, hostile, script],
  );
  await run(`UPDATE tenant_branding SET logo_url = $2 WHERE tenant_id = $1`, tenant, script);
  await run(
    `INSERT INTO members (tenant_id, email, full_name, status) VALUES ($1::uuid, 'ada@example.com', $2::text, 'active'), ($1::uuid, $3, $2::text, 'invited')`,
    ...[tenant, hostile, '<b>bob</b>@example.com'],
  );
  await run(`UPDATE modules SET description = $1 WHERE name = 'finance'`, hostile);
  await run(
    `INSERT INTO module_subscriptions (tenant_id, module, status, suspended_reason) SELECT $1, name, 'active', NULL FROM modules`,
    tenant,
  );
  await run(`INSERT INTO tenant_external_ids (tenant_id, external_id) VALUES ($1, 'tn_hostile')`, tenant);
  await run(
    `INSERT INTO operations (id, kind, tenant_id, actor, status, error, created_at)
       VALUES ($1, 'subscribe_tenant', $2, $3, 'needs_attention', $4, now())`,
    ...[operation, tenant, hostile, `${hostile} ${script}`],
  );
  await run(
    `INSERT INTO operation_steps (operation_id, position, name, module, status, error) VALUES ($1, 0, 'create_schema', 'finance', 'failed', $2)`,
    ...[operation, hostile],
  );
  await run(
    `INSERT INTO operations (id, kind, actor, input, status, finished_at, tenants_total, tenants_succeeded, tenants_failed, tenants_cancelled)
       VALUES ($1, 'suspend_tenants', $2, $3, 'failed', now(), 1, 0, 1, 0)`,
    ...[bulk, hostile, { reason: `${hostile} ${script}` }],
  );
  await run(
    `INSERT INTO operation_tenants (operation_id, position, reference, tenant_id, status, code, message, created_at)
       VALUES ($1, 1, 'hostile', $2, 'failed', 'CONFLICT', $3, now())`,
    ...[bulk, tenant, hostile],
  );
  await run(
    `INSERT INTO rollouts (id, module, status, pause_reason, target_version, files, lock_timeout_ms, statement_timeout_ms, created_by)
       VALUES ($1, 'finance', 'paused', $2::text, 'finance/0003.sql', '[{"name": "finance/0003.sql", "checksum": "x"}]', 1000, 1000, $2::text)`,
    ...[rollout, hostile],
  );
  await run(
    `INSERT INTO rollout_tenants (rollout_id, tenant_id, wave, status, generation, error_code, error)
       VALUES ($1, $2, 0, 'failed', 1, '42P01', $3)`,
    ...[rollout, tenant, hostile],
  );
  await run(
    `INSERT INTO drift_findings (id, code, severity, problem, remedy, content, tenant_id, module, object_kind, object_name)
       VALUES (gen_random_uuid(), 'STRUCTURE_MISSING', 'error', $1::text, $1::text, 'x', $2, 'finance', 'table', $1::text)`,
    ...[hostile, tenant],
  );
  await run(
    `INSERT INTO api_keys (name, secret_hash, scopes, created_by) VALUES ($1::text, sha256('hostile'), '{registry:read}', $1::text)`,
    hostile,
  );
  await run(
    `INSERT INTO replicas (id, hostname, staleness_ms, reported_at) VALUES (gen_random_uuid(), $1, 5000, now())`,
    hostile,
  );
}
