import pg from 'pg';
import type { ProfileAction } from '../../../src/importing/platform/profile-plan.js';

/** Values of a row of tenants by column. */
type Cells = Record<string, string | null>;

/** A kind of defect in a platform's tables. `id` is the tenant of a case. */
export interface Defect {
  what: string;
  /** Columns of the row of tenants that differ from a sound one; null for no row. */
  tenant?: (id: string) => Cells | null;
  /** Rows of other tables. */
  others?: (
    id: string,
  ) => Partial<
    Record<
      | 'tenant_settings'
      | 'tenant_branding'
      | 'organization_users'
      | 'user_invitations'
      | 'tenant_module_log'
      | 'tenants',
      Cells[]
    >
  >;
  /** What happens with the tenant; undefined when there is none. */
  action?: ProfileAction;
  /** The place and the message by which the row is named. */
  named: RegExp;
}

const columnNames = {
  tenants: [
    'id',
    'slug',
    'name',
    'status',
    'plan',
    'timezone',
    'currency',
    'primary_email',
    'tenant_config',
    'max_users',
    'suspended_at',
    'deleted_at',
    'created_at',
  ],
  tenant_settings: ['tenant_id', 'support_phone', 'website'],
  tenant_branding: ['tenant_id', 'primary_color', 'color_primary', 'logo_url'],
  organization_users: ['tenant_id', 'email', 'auth_user_id', 'role', 'status'],
  user_invitations: ['tenant_id', 'email', 'expires_at'],
  tenant_module_log: ['tenant_id', 'module', 'action', 'status', 'created_at'],
};

/** Tables as a platform without any constraint has them: every column is text. */
export const looseTables = Object.entries(columnNames)
  .map(
    ([table, columns]) => `CREATE TABLE ${table} (${columns.map((column) => `${column} text`).join(', ')});`,
  )
  .join('\n');

const user = (id: string, more: Cells) => ({
  tenant_id: id,
  email: `ann@${id}.example`,
  auth_user_id: `sub-${id}`,
  role: 'admin',
  status: 'active',
  ...more,
});

export const defects: Defect[] = [
  {
    what: 'a row without an id',
    tenant: () => ({ id: null, name: 'Nobody' }),
    named: /row \(\d+,\d+\), id: is empty/,
  },
  {
    what: 'an id that cannot be kept',
    tenant: (id) => ({ id: `${id} with blanks`, name: `Name of ${id}` }),
    action: 'create',
    named: /cannot be kept as an external id/,
  },
  {
    what: 'an id of which no slug can be made',
    tenant: (id) => ({ id: `9${id.length}${id.slice(-2)}0`, name: '???' }),
    action: 'refuse',
    named: /no slug can be made of id/,
  },
  {
    what: 'the same id twice with different names',
    others: (id) => ({ tenants: [{ id, name: 'Another name' }] }),
    action: 'refuse',
    named: /its sources disagree about name/,
  },
  {
    what: 'a slug that breaks the rules',
    tenant: (id) => ({ id, slug: 'Not A Slug!' }),
    action: 'create',
    named: /"Not A Slug!" cannot be kept as an external id/,
  },
  {
    what: 'an unknown status',
    tenant: (id) => ({ id, status: 'trialling' }),
    action: 'create',
    named: /^suspended$/,
  },
  {
    what: 'an unknown plan',
    tenant: (id) => ({ id, plan: 'platinum' }),
    action: 'create',
    named: /plan: "platinum" was left out: .*, so the plan is LITE/,
  },
  {
    what: 'an unknown time zone',
    tenant: (id) => ({ id, timezone: 'Mars/Olympus' }),
    action: 'create',
    named: /timezone: "Mars\/Olympus" was left out/,
  },
  {
    what: 'an unknown currency',
    tenant: (id) => ({ id, currency: 'GOLD' }),
    action: 'create',
    named: /currency: "GOLD" was left out/,
  },
  {
    what: 'an address that is none',
    tenant: (id) => ({ id, primary_email: 'not an address' }),
    action: 'create',
    named: /primary_email: "not an address" was left out/,
  },
  {
    what: 'a negative limit',
    tenant: (id) => ({ id, max_users: '-1' }),
    action: 'create',
    named: /max_users: "-1" was left out: .*the limit is that of the plan/,
  },
  {
    what: 'a limit that is no number',
    tenant: (id) => ({ id, max_users: 'many' }),
    action: 'create',
    named: /max_users: "many" was left out/,
  },
  {
    what: 'a date that is none',
    tenant: (id) => ({ id, created_at: 'yesterday' }),
    action: 'create',
    named: /created_at: "yesterday" was left out/,
  },
  {
    what: 'a date in the future',
    tenant: (id) => ({ id, created_at: '2999-01-01' }),
    action: 'create',
    named: /created_at: .* in the future/,
  },
  { what: 'a name that is empty', tenant: (id) => ({ id, name: '  ' }), action: 'create', named: /^named$/ },
  {
    what: 'a name with control characters',
    tenant: (id) => ({ id, name: 'Bell\u0007' }),
    action: 'create',
    named: /name: .* was left out: it must not hold control/,
  },
  {
    what: 'a configuration that is no JSON',
    tenant: (id) => ({ id, tenant_config: '{"email": ' }),
    action: 'create',
    named: /tenant_config: was left out/,
  },
  {
    what: 'a configuration with an invalid value',
    tenant: (id) => ({ id, tenant_config: '{"branding": {"primary_color": "red", "theme_id": "ocean"}}' }),
    action: 'create',
    named: /tenant_config.branding.primary_color: was left out: it must be a colour/,
  },
  {
    what: 'a configuration that contradicts its column',
    tenant: (id) => ({
      id,
      primary_email: `a@${id}.example`,
      tenant_config: `{"email": {"primary": "b@${id}.example"}}`,
    }),
    action: 'create',
    named: /tenant_config.email.primary: says something else than primary_email/,
  },
  {
    what: 'colours in both columns that differ',
    others: (id) => ({
      tenant_branding: [{ tenant_id: id, primary_color: '#111111', color_primary: '#222222' }],
    }),
    action: 'create',
    named: /color_primary: says something else than primary_color/,
  },
  {
    what: 'a colour that is none',
    others: (id) => ({ tenant_branding: [{ tenant_id: id, primary_color: 'red' }] }),
    action: 'create',
    named: /primary_color: "red" was left out/,
  },
  {
    what: 'a logo with a secret in its URL',
    others: (id) => ({
      tenant_branding: [{ tenant_id: id, logo_url: 'https://user:pa55word9@cdn.example.com/x' }],
    }),
    action: 'create',
    named: /logo_url: the value was left out/,
  },
  {
    what: 'two rows of settings that disagree',
    others: (id) => ({
      tenant_settings: [
        { tenant_id: id, website: 'https://a.example.com' },
        { tenant_id: id, website: 'https://b.example.com' },
      ],
    }),
    action: 'refuse',
    named: /its sources disagree about settings.website/,
  },
  {
    what: 'a telephone number that is none',
    others: (id) => ({ tenant_settings: [{ tenant_id: id, support_phone: 'call me' }] }),
    action: 'create',
    named: /support_phone: "call me" was left out/,
  },
  {
    what: 'settings of no tenant',
    others: () => ({ tenant_settings: [{ tenant_id: 'nobody-1', website: 'https://a.example.com' }] }),
    action: 'create',
    named: /names no known tenant \("nobody-1"\)/,
  },
  {
    what: 'a user without a tenant',
    others: () => ({ organization_users: [{ tenant_id: null, email: 'x@x.example' }] }),
    action: 'create',
    named: /tenant_id: is empty/,
  },
  {
    what: 'a user without an address',
    others: (id) => ({ organization_users: [user(id, { email: null })] }),
    action: 'create',
    named: /email: is empty, so the row was left out/,
  },
  {
    what: 'an address in two rows with two roles',
    others: (id) => ({ organization_users: [user(id, {}), user(id, { role: 'member' })] }),
    action: 'create',
    named: /role: is MEMBER, but ADMIN in/,
  },
  {
    what: 'one subject of two addresses',
    others: (id) => ({ organization_users: [user(id, {}), user(id, { email: `bob@${id}.example` })] }),
    action: 'create',
    named: /subject: is that of another member/,
  },
  {
    what: 'a subject that is none',
    others: (id) => ({ organization_users: [user(id, { auth_user_id: 'two words' })] }),
    action: 'create',
    named: /auth_user_id: "two words" was left out/,
  },
  {
    what: 'a state of a user that is unknown',
    others: (id) => ({ organization_users: [user(id, { status: 'sleeping' })] }),
    action: 'create',
    named: /status: "sleeping" is not known, so the member is REMOVED/,
  },
  {
    what: 'an invitation whose end is no date',
    others: (id) => ({
      user_invitations: [{ tenant_id: id, email: `new@${id}.example`, expires_at: 'soon' }],
    }),
    action: 'create',
    named: /expires_at: "soon" was left out/,
  },
  {
    what: 'an entry of the log without a time',
    others: (id) => ({
      tenant_module_log: [
        { tenant_id: id, module: 'finance', action: 'provision', status: 'ok', created_at: null },
      ],
    }),
    action: 'create',
    named: /created_at: is empty, so the row was left out/,
  },
  {
    what: 'an entry of the log about no module',
    others: (id) => ({
      tenant_module_log: [{ tenant_id: id, module: 'Not A Module', created_at: '2024-01-01' }],
    }),
    action: 'create',
    named: /module: "Not A Module" must be/,
  },
];

/** SQL that inserts the rows of a case, with a sound row of the tenant unless the case has its own. */
export function defectiveRows(defect: Defect, id: string): string {
  const own = defect.tenant?.(id);
  const sound = {
    id,
    name: `Name of ${id}`,
    status: 'active',
    plan: 'lite',
    created_at: '2024-01-01 10:00:00+00',
  };
  const tenants = own === null ? [] : [{ ...sound, ...own }];
  const others = defect.others?.(id) ?? {};
  const rows = { ...others, tenants: [...tenants, ...(others.tenants ?? [])] };
  return Object.entries(rows)
    .flatMap(([table, list]) => list.map((cells) => insert(table, cells)))
    .join('\n');
}

function insert(table: string, cells: Cells): string {
  const names = Object.keys(cells);
  const values = Object.values(cells).map((cell) => (cell === null ? 'NULL' : pg.escapeLiteral(cell)));
  return `INSERT INTO ${table} (${names.join(', ')}) VALUES (${values.join(', ')});`;
}
