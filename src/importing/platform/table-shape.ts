/** The tables in which platforms kept their tenants before the registry, and the columns that are read from each. */

/** The part of a platform that a table holds. */
export type TableRole = 'tenants' | 'settings' | 'branding' | 'users' | 'invitations' | 'log';

/** Names of columns by what they mean, each with its names in the known platforms, the usual one first. */
type Columns = Readonly<Record<string, readonly string[]>>;

export interface TableShape {
  /** Names of the table in the known platforms. */
  tables: readonly string[];
  columns: Columns;
}

/** The column that says to which tenant a row belongs. */
const ofTenant = { tenant: ['tenant_id', 'tenant', 'tenant_slug', 'organization_id', 'org_id', 'client_id'] };

export const shapes: Readonly<Record<TableRole, TableShape>> = {
  tenants: {
    tables: ['tenant_registry', 'tenants'],
    columns: {
      id: ['tenant_id', 'id'],
      slug: ['tenant_slug', 'slug'],
      name: ['tenant_name', 'name'],
      short_name: ['short_name'],
      modules: ['modules_subscribed', 'modules'],
      status: ['status', 'state'],
      is_active: ['active', 'is_active', 'enabled'],
      plan: ['plan', 'subscription_plan', 'tier'],
      timezone: ['timezone', 'time_zone'],
      currency: ['currency'],
      primary_email: ['primary_email', 'contact_email', 'email'],
      gcp_project_id: ['gcp_project_id'],
      gcp_dataset: ['gcp_dataset'],
      config: ['tenant_config', 'config'],
      max_users: ['max_users'],
      max_monthly_quotes: ['max_monthly_quotes'],
      max_storage_gb: ['max_storage_gb'],
      suspended_at: ['suspended_at'],
      suspended_reason: ['suspended_reason', 'suspension_reason'],
      deleted_at: ['deleted_at'],
      created_at: ['created_at'],
      created_by: ['created_by'],
    },
  },
  settings: {
    tables: ['tenant_settings'],
    columns: {
      ...ofTenant,
      company_name: ['company_name'],
      support_email: ['support_email'],
      support_phone: ['support_phone'],
      website: ['website', 'website_url'],
      currency: ['currency'],
      timezone: ['timezone', 'time_zone'],
      email_from_name: ['email_from_name', 'from_name'],
      email_from_email: ['email_from_email', 'from_email', 'email_from_address'],
    },
  },
  branding: {
    tables: ['tenant_branding'],
    columns: {
      ...ofTenant,
      preset_theme: ['preset_theme', 'theme_id'],
      logo_url: ['logo_url'],
      primary_color: ['primary_color', 'color_primary'],
      secondary_color: ['secondary_color', 'color_secondary'],
      accent_color: ['accent_color', 'color_accent'],
    },
  },
  users: {
    tables: ['organization_users'],
    columns: {
      ...ofTenant,
      id: ['id'],
      email: ['email', 'user_email'],
      full_name: ['full_name', 'name', 'display_name'],
      role: ['role', 'user_role'],
      subject: ['auth_user_id', 'subject', 'sub', 'supabase_user_id', 'user_id'],
      status: ['status', 'state'],
      is_active: ['is_active', 'active', 'enabled'],
      deleted_at: ['deleted_at', 'removed_at'],
      created_at: ['created_at', 'joined_at', 'invited_at'],
    },
  },
  invitations: {
    tables: ['user_invitations'],
    columns: {
      ...ofTenant,
      id: ['id'],
      email: ['email', 'invited_email'],
      full_name: ['full_name', 'name', 'display_name'],
      role: ['role', 'user_role'],
      status: ['status', 'state'],
      expires_at: ['expires_at'],
      accepted_at: ['accepted_at', 'used_at'],
      revoked_at: ['revoked_at', 'cancelled_at'],
      created_at: ['created_at', 'invited_at'],
    },
  },
  log: {
    tables: ['tenant_module_log'],
    columns: {
      ...ofTenant,
      id: ['id', 'log_id', 'operation_id'],
      module: ['module', 'module_name'],
      action: ['action', 'event', 'operation'],
      status: ['status', 'result'],
      actor: ['performed_by', 'actor', 'created_by'],
      error: ['error', 'error_message', 'message'],
      created_at: ['created_at', 'performed_at', 'timestamp', 'logged_at'],
      finished_at: ['finished_at', 'completed_at'],
    },
  },
};

export const tableRoles = Object.keys(shapes) as TableRole[];

/** A row by its columns; null for NULL. All values are the texts that PostgreSQL prints. */
export type Row = Readonly<Record<string, string | null>>;

/** A row with the place by which a report names it. */
export interface PlacedRow {
  /** "tenants in crm" */
  source: string;
  /** "id africastay", or the row's place in its table where it has no id. */
  place: string;
  cells: Row;
}

/** Something about a row that was not taken over as it is. */
export interface RowProblem {
  source: string;
  place: string;
  column: string;
  message: string;
}

/** The value of one meaning in a row; undefined when no column of it has one. Reports columns that contradict each other. */
export function readCell(
  role: TableRole,
  row: PlacedRow,
  meaning: string,
  onProblem: (problem: RowProblem) => void = () => undefined,
): { text: string; column: string } | undefined {
  const names = shapes[role].columns[meaning] ?? [];
  const given = names.flatMap((column) => {
    const text = row.cells[column]?.trim();
    return text ? [{ column, text }] : [];
  });
  const [first, ...others] = given;
  const other = first && others.find(({ text }) => text !== first.text);
  // A user may have an id of the identity provider besides the one of the platform.
  if (other && meaning !== 'subject' && meaning !== 'tenant' && meaning !== 'id')
    onProblem(problemOf(row, other.column, `says something else than ${first.column}, which was taken over`));
  return first;
}

/** Whether the table has a column for the meaning: an empty cell says something, a missing column does not. */
export function hasColumn(role: TableRole, { cells }: PlacedRow, meaning: string): boolean {
  return (shapes[role].columns[meaning] ?? []).some((column) => cells[column] !== undefined);
}

export function problemOf({ source, place }: PlacedRow, column: string, message: string): RowProblem {
  return { source, place, column, message };
}
