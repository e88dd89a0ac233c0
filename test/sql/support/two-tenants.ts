import { queryOnce } from '../../database/support/temporary-databases.js';

export interface TwoTenants {
  mine: { id: string; slug: string };
  other: { id: string; slug: string };
}

/** Two tenants with rows in every table of the registry, and a purged one that no view shows. */
export async function createTwoTenants(url: string): Promise<TwoTenants> {
  for (const slug of ['mine', 'other', 'gone'])
    await queryOnce(
      url,
      `CALL register_tenant('${slug}', 'Name of ${slug}');
       CALL subscribe_tenant_to_module('${slug}', 'finance', 'finance_${slug}');
       CALL mark_module_provisioned('${slug}', 'finance', 'success');
       INSERT INTO members (tenant_id, email) SELECT id, '${slug}@example.com' FROM tenants WHERE slug = '${slug}';
       INSERT INTO invitations (tenant_id, member_id, token_hash, expires_at)
         SELECT tenant_id, id, sha256('${slug}'), now() FROM members WHERE email = '${slug}@example.com';
       INSERT INTO api_keys (name, secret_hash, scopes) VALUES ('${slug}', sha256('${slug}'), '{registry:read}');
       INSERT INTO idempotency_keys (caller, key, command, request_hash) VALUES ('${slug}', 'k', 'c', sha256('${slug}'));
       INSERT INTO trusted_documents (id, body) VALUES (encode(sha256('{ ${slug} }'), 'hex'), '{ ${slug} }');
       INSERT INTO compared_guards (module, epoch) VALUES ('finance', '${slug}') ON CONFLICT DO NOTHING;
       INSERT INTO operation_tenants (operation_id, position, reference, tenant_id, created_at)
         SELECT id, 0, '${slug}', tenant_id, created_at FROM operations WHERE tenant_id = (SELECT id FROM tenants WHERE slug = '${slug}') LIMIT 1;
       INSERT INTO rollouts (module, status, target_version, files, lock_timeout_ms, statement_timeout_ms, created_by, finished_at)
         VALUES ('finance', 'succeeded', 'finance/0001_a.sql', '[]', 1, 1, '${slug}', now());
       INSERT INTO rollout_tenants (rollout_id, tenant_id, wave, generation)
         SELECT rollouts.id, tenants.id, 1, 1 FROM rollouts, tenants WHERE rollouts.created_by = '${slug}' AND slug = '${slug}';
       INSERT INTO drift_findings (id, code, severity, problem, remedy, content) VALUES (gen_random_uuid(), 'X', 'error', '${slug}', 'x', 'x');
       CALL record_usage('${slug}', 'monthly_quotes', 1, 'k');
       INSERT INTO tenant_external_ids (external_id, tenant_id) SELECT 'tn_${slug}', id FROM tenants WHERE slug = '${slug}';
       INSERT INTO takeovers (tenant_id, memory) SELECT id, '{}' FROM tenants WHERE slug = '${slug}';
       INSERT INTO plan_updates (plan, actor) VALUES ('lite', '${slug}') ON CONFLICT DO NOTHING;
       INSERT INTO quota_use SELECT *, now(), 0 FROM registry_quota_use() ON CONFLICT DO NOTHING;
       INSERT INTO replicas (id, hostname, staleness_ms) VALUES (gen_random_uuid(), '${slug}', 1)`,
    );
  // Of a log that is too young to be pruned.
  await queryOnce(
    url,
    `SET session_replication_role = replica;
     INSERT INTO registry_checkpoints (revision, position, hash, changed_at, signature)
       VALUES (0, 0, '', now(), '')`,
  );
  await queryOnce(url, `UPDATE tenants SET status = 'purged' WHERE slug = 'gone'`);
  const rows = await queryOnce<{ id: string; slug: string }>(url, `SELECT id, slug FROM tenants`);
  const find = (slug: string) => rows.find((row) => row.slug === slug) ?? { id: '', slug };
  return { mine: find('mine'), other: find('other') };
}
