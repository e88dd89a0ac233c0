import type { ImportReport } from '../../../src/importing/databases/database-import.js';
import type { TenantEntry } from '../../../src/importing/databases/take-over.js';

/** SQL of the Python platform's tables, as its documents describe them, and as it creates them: with partial indexes. */
export const pythonTables = `
  CREATE TABLE tenants (
    id varchar(50) PRIMARY KEY, name varchar(255) NOT NULL, short_name varchar(50), status varchar(20) DEFAULT 'active',
    plan varchar(50) DEFAULT 'lite', timezone varchar(50), currency varchar(10), primary_email varchar(255), gcp_project_id varchar(100),
    gcp_dataset varchar(100), tenant_config jsonb DEFAULT '{}', config_source varchar(20) DEFAULT 'yaml', max_users int DEFAULT 5,
    max_monthly_quotes int DEFAULT 100, max_storage_gb int DEFAULT 1, suspended_at timestamptz, suspended_reason text, deleted_at timestamptz,
    created_at timestamptz DEFAULT now(), created_by varchar(255), updated_at timestamptz DEFAULT now());
  CREATE INDEX tenants_live_idx ON tenants (status) WHERE deleted_at IS NULL;
  CREATE TABLE tenant_settings (
    id serial PRIMARY KEY, tenant_id varchar(50) REFERENCES tenants, company_name text, support_email text, support_phone text, website text,
    currency varchar(10), timezone varchar(50), email_from_name text, email_from_email text, updated_at timestamptz DEFAULT now());
  CREATE TABLE tenant_branding (
    id serial PRIMARY KEY, tenant_id varchar(50) REFERENCES tenants, preset_theme text, logo_url text, color_primary text, color_secondary text,
    color_accent text);
  CREATE TABLE organization_users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id varchar(50) REFERENCES tenants, auth_user_id uuid, email text NOT NULL, name text,
    role text DEFAULT 'consultant', is_active boolean DEFAULT true, created_at timestamptz DEFAULT now());
  CREATE INDEX organization_users_email_idx ON organization_users (lower(email));
  CREATE TABLE user_invitations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id varchar(50) REFERENCES tenants, email text NOT NULL, name text, role text,
    token text, expires_at timestamptz, accepted_at timestamptz, created_at timestamptz DEFAULT now());`;

/** Tenants of that platform with everything that it knows about them. */
export const pythonRows = `
  INSERT INTO tenants (id, name, short_name, status, plan, timezone, currency, primary_email, tenant_config, max_users, created_at, created_by,
                       suspended_at, suspended_reason, deleted_at) VALUES
    ('africastay', 'AfricaStay', 'AS', 'active', 'pro', 'Africa/Johannesburg', 'ZAR', 'sales@africastay.example',
     '{"email": {"primary": "sales@africastay.example", "smtp": {"host": "mail.africastay.example", "port": 465, "password": "Zx9#kQ2!vv81"}},
       "destinations": [{"name": "Zanzibar", "code": "ZNZ", "enabled": true}], "loyalty": {"tier": "gold"}}',
     40, '2023-02-01 10:00:00+02', 'thandi', NULL, NULL, NULL),
    ('tn_2f1a_9c0', 'Test 2f1a', NULL, 'active', 'lite', NULL, NULL, NULL, '{}', 5, '2024-01-01', NULL, NULL, NULL, NULL),
    ('SafariRun', 'Safari Run', NULL, 'suspended', 'lite', 'Africa/Nairobi', 'KES', 'ops@safarirun.example', '{}', 5, '2023-05-05', NULL,
     '2024-03-01 08:00:00+00', 'Invoice unpaid', NULL),
    ('oldcamp', 'Old Camp', NULL, 'deleted', 'lite', NULL, NULL, NULL, '{}', 5, '2022-05-05', NULL, NULL, NULL, '2023-11-30 12:00:00+00');
  INSERT INTO tenant_settings (tenant_id, company_name, support_email, support_phone, website, currency, timezone, email_from_name, email_from_email)
    VALUES ('africastay', 'AfricaStay Travel', 'help@africastay.example', '+27 21 555 0100', 'https://africastay.example', 'ZAR',
            'Africa/Johannesburg', 'AfricaStay Quotes', 'quotes@africastay.example');
  INSERT INTO tenant_branding (tenant_id, preset_theme, logo_url, color_primary, color_secondary, color_accent)
    VALUES ('africastay', 'safari_gold', 'https://cdn.africastay.example/logo.svg', '#C8102E', '#1F2A44', 'F2A900');
  INSERT INTO organization_users (tenant_id, auth_user_id, email, name, role, is_active) VALUES
    ('africastay', '0198f000-0000-4000-8000-0000000000a1', 'Thandi@AfricaStay.example', 'Thandi Mokoena', 'admin', true),
    ('africastay', NULL, 'pieter@africastay.example', 'Pieter van Wyk', 'consultant', true),
    ('africastay', '0198f000-0000-4000-8000-0000000000a3', 'gone@africastay.example', 'Gone Person', 'consultant', false);
  INSERT INTO user_invitations (tenant_id, email, role, token, expires_at, accepted_at) VALUES
    ('africastay', 'new@africastay.example', 'admin', 'old-token-1', now() + interval '3 days', NULL),
    ('africastay', 'late@africastay.example', 'consultant', 'old-token-2', now() - interval '1 day', NULL),
    ('africastay', 'thandi@africastay.example', 'admin', 'old-token-3', now() - interval '90 days', now() - interval '89 days');`;

/** The tables of the Go services: a registry with UUIDs, and the log of provisioning. */
export function goTables(rows: { id: string; slug: string; finance: string }[]): string {
  const values = rows.map(
    ({ id, slug, finance }) => `('${id}', '${slug}', '${slug}', ARRAY['finance'], '${finance}', 'active')`,
  );
  return `
    CREATE TABLE tenant_registry (tenant_id uuid PRIMARY KEY, tenant_slug text UNIQUE, tenant_name text, modules_subscribed text[],
      finance_schema text, status text);
    INSERT INTO tenant_registry VALUES ${values.join(',')};
    CREATE TABLE tenant_module_log (id serial PRIMARY KEY, tenant_id uuid, module text, action text, status text, performed_by text,
      error text, created_at timestamptz);
    INSERT INTO tenant_module_log (tenant_id, module, action, status, performed_by, error, created_at)
      SELECT tenant_id, 'finance', action, log.status, 'ops', error, at::timestamptz FROM tenant_registry, (VALUES
        ('provision', 'failed', 'disk full', '2024-05-01 10:00:00+00'), ('provision', 'success', NULL, '2024-05-01 11:00:00+00')
      ) AS log (action, status, error, at);`;
}

/** The provisioning service's table, with a database per tenant. */
export function provisioningTable(rows: { id: string; slug: string; status?: string }[]): string {
  const values = rows.map(
    ({ id, slug, status = 'active' }) =>
      `('${id}', 'Name of ${slug}', '${slug}', '${status}', '2024-02-03 04:05:06+00')`,
  );
  return `CREATE TABLE tenants (id uuid PRIMARY KEY, name text, slug text UNIQUE, status text, created_at timestamptz);
    INSERT INTO tenants VALUES ${values.join(',')};`;
}

export function tenantOf({ tenants }: Pick<ImportReport, 'tenants'>, slug: string): TenantEntry {
  const entry = tenants.find((one) => one.slug === slug);
  if (!entry)
    throw new Error(`the report has no tenant ${slug}: ${JSON.stringify(tenants.map((one) => one.slug))}`);
  return entry;
}

/** The outcome for each tenant, such as "acme: create". */
export function outcomesOf({ tenants }: Pick<ImportReport, 'tenants'>): string[] {
  return tenants.map(({ slug, action }) => `${slug}: ${action}`);
}

/** The problems of a tenant or of the report, such as "id acme, plan: …". */
export function problemsOf({ problems }: Pick<ImportReport, 'problems'>): string[] {
  return problems.map(({ place, column, message }) => `${place}, ${column}: ${message}`);
}
