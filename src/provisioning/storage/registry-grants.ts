import { identifier } from '../../database/identifier.js';
import { createRole, type DatabaseGrants } from './grants.js';

/** Columns of the views that say where a tenant's data is. Names of tenants and of actors, and errors, are not among them. */
const routingColumns = {
  tenant_registry: [
    ...['tenant_id', 'tenant_slug', 'status', 'modules_subscribed', 'operations_schema', 'finance_schema'],
    ...['inventory_schema', 'module_schemas', 'module_databases', 'created_at', 'updated_at', 'external_ids'],
  ],
  tenant_names: ['name', 'tenant_id', 'is_external'],
  tenant_module_log: [
    ...['operation_id', 'tenant_id', 'tenant_slug', 'module', 'action', 'status', 'attempt'],
    ...['created_at', 'started_at', 'finished_at'],
  ],
};

/** Tables and views whose rows belong to one tenant and hold no secret. */
const tenantRelations = [
  ...['module_subscriptions', 'tenant_settings', 'tenant_branding', 'members'],
  ...['operations', 'operation_attempts', 'operation_steps', 'tenant_registry', 'tenant_module_log'],
  ...['tenant_usage', 'tenant_external_ids', 'tenant_names'],
];

/** The columns of tenants that a tenant may read: all but the note of operators. A test compares them with the table. */
const tenantColumns = [
  ...[
    'id',
    'slug',
    'legacy_id',
    'name',
    'short_name',
    'status',
    'plan',
    'max_users',
    'max_monthly_quotes',
    'max_storage_gb',
    'own_limits',
  ],
  ...[
    'timezone',
    'currency',
    'primary_email',
    'gcp_project_id',
    'gcp_dataset',
    'tenant_config',
    'config_source',
  ],
  ...['created_at', 'created_by', 'updated_at', 'suspended_at', 'suspended_reason', 'suspend_until'],
  ...['deleted_at', 'purge_after', 'status_before_deletion', 'is_protected', 'version'],
];

/** All but cache_secret and personal_data_keys, with which routes can be forged and pseudonyms undone. */
const administeredRelations = [
  ...tenantRelations,
  ...['tenants', 'modules', 'storage_names', 'invitations', 'api_keys', 'idempotency_keys', 'registry_head'],
  ...['registry_change', 'registry_checkpoints', 'replicas', '_prisma_migrations'],
  ...['module_tenants', 'tenant_counts', 'subscription_counts', 'trusted_documents', 'compared_guards'],
  ...['operation_modules', 'operation_tenants', 'rollouts', 'rollout_tenants'],
  ...['drift_findings', 'drift_scans', 'takeovers'],
  ...['plans', 'plan_updates', 'usage_keys', 'tenant_growth', 'quota_use'],
];

const writtenByHand = [
  ...['tenants', 'modules', 'module_subscriptions', 'tenant_settings', 'tenant_branding', 'members'],
  ...['plans', 'tenant_external_ids'],
];

/** Views of schema legacy, with the columns that services of older platforms write. The others follow, or are fixed. */
const legacyColumns = {
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
    ...['primary_color', 'secondary_color', 'accent_color', 'updated_at'],
  ],
  organization_users: [
    ...['id', 'tenant_id', 'auth_user_id', 'email', 'name', 'full_name', 'role', 'is_active', 'status'],
    ...['created_at', 'updated_at'],
  ],
  user_invitations: [
    'id',
    'tenant_id',
    'email',
    'name',
    'full_name',
    'role',
    'token',
    'status',
    'expires_at',
  ],
};

const usageRoutines = [
  ...['record_usage(text, text, numeric, text)', 'record_usage(uuid, text, numeric, text)'],
  ...['check_quota(text, text, numeric)', 'check_quota(uuid, text, numeric)'],
];

/** Functions that triggers, with the rights of the writer, and conditions of triggers call. */
const calledByTriggers = [
  'registry_guard_state(subscription_status)',
  'registry_keep_in_step(jsonb, jsonb, text[], text, text)',
  'registry_find_secret(text, text)',
  'registry_find_config_secret(jsonb)',
  'registry_follow_limit(text, integer, integer, integer, boolean, text[])',
];

const calledByPolicies = [
  'registry_sees_everything()',
  'registry_sees_routes()',
  'registry_visible_tenant()',
];

/** An application may have tables of its own in a schema of this name. */
const hasLegacyViews = `EXISTS (
  SELECT FROM pg_class WHERE relnamespace = to_regnamespace('legacy') AND relname = 'tenants' AND relkind = 'v'
    AND relowner = (SELECT relowner FROM pg_class WHERE oid = to_regclass('public.tenants')))`;

/**
 * The group roles of the registry's own database, with the rights that its policies limit to rows. Services, readers and
 * administrators are members; none of these roles may log in.
 */
export function planRegistryGrants({
  server,
  database,
}: {
  server: string;
  database: string;
}): DatabaseGrants {
  const roles = 'registry_service, registry_reader, registry_admin';
  return {
    server,
    database,
    modules: [],
    statements: [
      '-- Group roles for SQL in the registry. A login role becomes a member: GRANT registry_service TO finance_service;',
      ...['registry_service', 'registry_reader', 'registry_admin'].map((role) => createRole(role, 'NOLOGIN')),
      `GRANT CONNECT ON DATABASE ${identifier(database)} TO ${roles};`,
      `GRANT USAGE ON SCHEMA public TO ${roles};`,
      '-- Policies and views call these functions with the rights of the caller.',
      `GRANT EXECUTE ON FUNCTION public.registry_sees_everything(), public.registry_sees_routes() TO ${roles};`,
      '-- registry_service reads where the data of every tenant is.',
      ...Object.entries(routingColumns).map(
        ([view, columns]) => `GRANT SELECT (${columns.join(', ')}) ON public.${view} TO registry_service;`,
      ),
      '-- It records what tenants use, and may ask what is left.',
      ...['registry_service', 'registry_admin'].map(
        (role) => `GRANT EXECUTE ON ROUTINE ${inPublic(usageRoutines)} TO ${role};`,
      ),
      `-- registry_reader reads the rows of one tenant: SET app.tenant_id = '<id, slug or external id>'`,
      'GRANT EXECUTE ON FUNCTION public.registry_visible_tenant() TO registry_reader;',
      `GRANT SELECT ON ${inPublic(tenantRelations)} TO registry_reader;`,
      // Of a registry whose rights were granted before there were notes.
      'REVOKE SELECT ON public.tenants FROM registry_reader;',
      `GRANT SELECT (${tenantColumns.join(', ')}) ON public.tenants TO registry_reader;`,
      '-- registry_admin reads everything but two tables of secrets, and writes what an administrator changes in psql.',
      `GRANT SELECT ON ${inPublic(administeredRelations)} TO registry_admin;`,
      `GRANT INSERT, UPDATE ON ${inPublic(writtenByHand)} TO registry_admin;`,
      'GRANT DELETE ON public.members, public.invitations TO registry_admin;',
      'GRANT UPDATE (name, expires_at, revoked_at) ON public.api_keys TO registry_admin;',
      'GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA public TO registry_admin;',
      `GRANT EXECUTE ON FUNCTION ${inPublic(calledByTriggers)} TO registry_admin;`,
      ...planLegacyGrants(database),
    ],
  };
}

/** The rights of services of older platforms, on the views of schema legacy alone. A database may be without that schema. */
function planLegacyGrants(database: string): string[] {
  const views = Object.keys(legacyColumns).map((view) => `legacy.${view}`);
  const rights = [
    'GRANT USAGE ON SCHEMA legacy TO registry_legacy, registry_reader, registry_admin;',
    `GRANT SELECT ON ${views.join(', ')} TO registry_legacy, registry_reader, registry_admin;`,
    `GRANT DELETE ON ${views.join(', ')} TO registry_legacy, registry_admin;`,
    ...Object.entries(legacyColumns).map(([view, names]) => {
      const columns = names.join(', ');
      return `GRANT INSERT (${columns}), UPDATE (${columns}) ON legacy.${view} TO registry_legacy, registry_admin;`;
    }),
  ];
  return [
    '-- registry_legacy reads and writes all tenants through the views of schema legacy, and as a member of registry_reader its own.',
    createRole('registry_legacy', 'NOLOGIN'),
    `GRANT CONNECT ON DATABASE ${identifier(database)} TO registry_legacy;`,
    'GRANT USAGE ON SCHEMA public TO registry_legacy;',
    `GRANT EXECUTE ON FUNCTION ${inPublic([...calledByPolicies, ...calledByTriggers])} TO registry_legacy;`,
    'GRANT EXECUTE ON FUNCTION public.registry_sees_legacy() TO registry_legacy, registry_reader, registry_admin;',
    `DO $$ BEGIN\nIF ${hasLegacyViews} THEN\n${rights.join('\n')}\nEND IF;\nEND $$;`,
  ];
}

function inPublic(names: readonly string[]): string {
  return names.map((name) => `public.${name}`).join(', ');
}
