import pg from 'pg';
import type { TestDatabase } from '../../setup/database.js';
import { aLogin, urlAs } from './registry-roles.js';

/** A session of a service of an older platform, with schema legacy in its search_path. */
export async function openLegacyService(
  registry: Pick<TestDatabase, 'url'>,
  ...memberOf: string[]
): Promise<{ client: pg.Client; login: string }> {
  const login = await aLogin('registry_legacy', ...memberOf);
  const url = new URL(urlAs(login, registry as TestDatabase));
  url.searchParams.set('options', '-c search_path=legacy,public');
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  return { client, login };
}

/** The statement of the Python platform's repository that writes a tenant, with the parameters of its driver. */
export const upsertTenant = `
  INSERT INTO tenants (id, name, short_name, status, plan, timezone, currency, primary_email, gcp_project_id, gcp_dataset, tenant_config,
                       config_source, max_users, max_monthly_quotes, max_storage_gb, updated_at)
  VALUES ($1, $2, $3, 'active', $4, $5, $6, $7, $8, $9, $10, 'database', $11, $12, $13, NOW())
  ON CONFLICT (id) DO UPDATE SET
    name = EXCLUDED.name, short_name = EXCLUDED.short_name, status = EXCLUDED.status, plan = EXCLUDED.plan, timezone = EXCLUDED.timezone,
    currency = EXCLUDED.currency, primary_email = EXCLUDED.primary_email, gcp_project_id = EXCLUDED.gcp_project_id,
    gcp_dataset = EXCLUDED.gcp_dataset, tenant_config = EXCLUDED.tenant_config, config_source = EXCLUDED.config_source,
    max_users = EXCLUDED.max_users, max_monthly_quotes = EXCLUDED.max_monthly_quotes, max_storage_gb = EXCLUDED.max_storage_gb,
    updated_at = NOW()
  RETURNING *`;

export const upsertSettings = `
  INSERT INTO tenant_settings (tenant_id, company_name, support_email, support_phone, website, currency, timezone, email_from_name,
                               email_from_email, updated_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NOW())
  ON CONFLICT (tenant_id) DO UPDATE SET
    company_name = EXCLUDED.company_name, support_email = EXCLUDED.support_email, support_phone = EXCLUDED.support_phone,
    website = EXCLUDED.website, currency = EXCLUDED.currency, timezone = EXCLUDED.timezone, email_from_name = EXCLUDED.email_from_name,
    email_from_email = EXCLUDED.email_from_email, updated_at = NOW()`;

export const upsertBranding = `
  INSERT INTO tenant_branding (tenant_id, preset_theme, logo_url, color_primary, color_secondary, color_accent)
  VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (tenant_id) DO UPDATE SET
    preset_theme = EXCLUDED.preset_theme, logo_url = EXCLUDED.logo_url, color_primary = EXCLUDED.color_primary,
    color_secondary = EXCLUDED.color_secondary, color_accent = EXCLUDED.color_accent`;

/** The parameters of upsertTenant. */
export function tenantRow(id: string, changes: { name?: string; plan?: string; config?: object } = {}) {
  const { name = `Name of ${id}`, plan = 'pro', config = {} } = changes;
  return [
    ...[id, name, 'Short', plan, 'Africa/Nairobi', 'KES', `sales@${id.toLowerCase()}.example`],
    ...['analytics', 'quotes', JSON.stringify(config), 40, 900, 7],
  ];
}

/** What PostgREST sends for `supabase.table(table).upsert(rows)`: it takes the primary key of the table behind a view, unless on_conflict names columns. */
export function postgrestUpsert(table: string, columns: Record<string, string>, target: string): string {
  const names = Object.keys(columns).map((name) => `"${name}"`);
  const types = Object.entries(columns).map(([name, type]) => `"${name}" ${type}`);
  return `WITH pgrst_source AS (INSERT INTO "legacy"."${table}"(${names.join(', ')})
    SELECT ${names.map((name) => `"pgrst_body".${name}`).join(', ')} FROM (SELECT $1::json AS json_data) pgrst_payload,
    LATERAL (SELECT ${names.join(', ')} FROM json_to_recordset(pgrst_payload.json_data) AS _(${types.join(', ')})) pgrst_body
    ON CONFLICT("${target}") DO UPDATE SET ${names.map((name) => `${name} = EXCLUDED.${name}`).join(', ')}
    RETURNING "legacy"."${table}".*)
    SELECT coalesce(json_agg(_postgrest_t), '[]') AS body FROM (SELECT * FROM pgrst_source) _postgrest_t`;
}

/** The columns of the old tables. */
export const oldColumns: Record<string, string[]> = {
  tenants: [
    ...[
      'id',
      'name',
      'short_name',
      'status',
      'plan',
      'timezone',
      'currency',
      'primary_email',
      'gcp_project_id',
    ],
    ...['gcp_dataset', 'tenant_config', 'config_source', 'max_users', 'max_monthly_quotes', 'max_storage_gb'],
    ...['suspended_at', 'suspended_reason', 'deleted_at', 'created_at', 'created_by', 'updated_at'],
  ],
  tenant_settings: [
    ...['tenant_id', 'company_name', 'support_email', 'support_phone', 'website', 'currency', 'timezone'],
    ...['email_from_name', 'email_from_email', 'updated_at'],
  ],
  tenant_branding: [
    ...['tenant_id', 'preset_theme', 'logo_url', 'color_primary', 'color_secondary', 'color_accent'],
    ...['primary_color', 'secondary_color', 'accent_color'],
  ],
  organization_users: ['id', 'tenant_id', 'auth_user_id', 'email', 'name', 'role', 'is_active', 'created_at'],
  user_invitations: [
    ...['id', 'tenant_id', 'email', 'name', 'role', 'token', 'expires_at', 'accepted_at', 'created_at'],
  ],
};
