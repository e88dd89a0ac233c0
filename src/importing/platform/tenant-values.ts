/** Reads rows of tenants, settings and branding as values of a tenant's fields. Pure. */
import { color, defaultTheme, settingsFields, webAddress } from '../../profile/profile-fields.js';
import { findPrivateUrl } from '../../profile/web-address.js';
import { currency, email, prose, quota, text, timezone } from '../../registry/input.js';
import { plan } from '../../registry/tenants/tenant-fields.js';
import type { ConfigRules } from '../../registry/values/config-rules.js';
import { quote, type Read, readBy, readTime, readWhole } from './cell-values.js';
import {
  hasColumn,
  type PlacedRow,
  problemOf,
  type RowProblem,
  readCell,
  type TableRole,
} from './table-shape.js';

/** Values by the path of their field: name, settings.companyName, config.email.primary. */
export type FieldValues = Map<string, unknown>;

interface FieldRule {
  path: string;
  read(text: string, context: ReadContext): Read<unknown>;
}

export interface ReadContext {
  now: Date;
  rules: ConfigRules;
}

const trimmed = (schema: Parameters<typeof readBy>[0]) => (cell: string) => readBy(schema, cell);
const time = (cell: string, { now }: ReadContext) => readTime(cell, now);

function wholeNumber(cell: string): Read<number> {
  const read = readWhole(cell);
  return 'problem' in read ? read : readBy(quota, read.value);
}

function publicUrl(cell: string, { rules }: ReadContext): Read<string> {
  const read = readBy(webAddress, cell);
  const problem = 'problem' in read || rules.allowsPrivateUrls ? undefined : findPrivateUrl(read.value);
  return problem === undefined ? read : { problem };
}

/** #abc and abcdef are colours in style sheets, too. */
function readColor(cell: string): Read<string> {
  const digits = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(cell)?.[1];
  if (digits === undefined) return { problem: 'must be a colour such as #1f2a44' };
  return readBy(color, `#${digits.length === 3 ? digits.replace(/./g, '$&$&') : digits}`);
}

const rulesOf: Readonly<Record<'tenants' | 'settings' | 'branding', Readonly<Record<string, FieldRule>>>> = {
  tenants: {
    name: { path: 'name', read: trimmed(text(200)) },
    short_name: { path: 'shortName', read: trimmed(text(50)) },
    plan: { path: 'plan', read: (cell) => readBy(plan, cell.toUpperCase()) },
    timezone: { path: 'timezone', read: trimmed(timezone) },
    currency: { path: 'currency', read: (cell) => readBy(currency, cell.toUpperCase()) },
    primary_email: { path: 'primaryEmail', read: trimmed(email) },
    gcp_project_id: { path: 'gcpProjectId', read: trimmed(text(100)) },
    gcp_dataset: { path: 'gcpDataset', read: trimmed(text(1024)) },
    max_users: { path: 'maxUsers', read: wholeNumber },
    max_monthly_quotes: { path: 'maxMonthlyQuotes', read: wholeNumber },
    max_storage_gb: { path: 'maxStorageGb', read: wholeNumber },
    created_at: { path: 'createdAt', read: time },
    created_by: { path: 'createdBy', read: trimmed(text(200)) },
    suspended_at: { path: 'suspendedAt', read: time },
    suspended_reason: { path: 'suspendedReason', read: trimmed(prose(500)) },
    deleted_at: { path: 'deletedAt', read: time },
  },
  settings: {
    company_name: { path: 'settings.companyName', read: trimmed(text(200)) },
    support_email: { path: 'settings.supportEmail', read: trimmed(email) },
    support_phone: { path: 'settings.supportPhone', read: trimmed(settingsFields.supportPhone) },
    website: { path: 'settings.website', read: publicUrl },
    currency: { path: 'settings.currency', read: (cell) => readBy(currency, cell.toUpperCase()) },
    timezone: { path: 'settings.timezone', read: trimmed(timezone) },
    email_from_name: { path: 'settings.emailFromName', read: trimmed(text(200)) },
    email_from_email: { path: 'settings.emailFromEmail', read: trimmed(email) },
  },
  branding: {
    preset_theme: { path: 'branding.presetTheme', read: trimmed(text(100)) },
    logo_url: { path: 'branding.logoUrl', read: publicUrl },
    primary_color: { path: 'branding.primaryColor', read: readColor },
    secondary_color: { path: 'branding.secondaryColor', read: readColor },
    accent_color: { path: 'branding.accentColor', read: readColor },
  },
};

/** Reads the fields of a row. A value that the registry does not accept is left out and reported. */
export function readTenantValues(
  role: 'tenants' | 'settings' | 'branding',
  row: PlacedRow,
  context: ReadContext,
): { values: FieldValues; problems: RowProblem[]; unreadable: Set<string> } {
  const values: FieldValues = new Map();
  const problems: RowProblem[] = [];
  const unreadable = new Set<string>();
  for (const [meaning, { path, read }] of Object.entries(rulesOf[role])) {
    const cell = readCell(role, row, meaning, (problem) => problems.push(problem));
    if (!cell) {
      if (!hasColumn(role, row, meaning)) unreadable.add(path);
      continue;
    }
    const result = read(cell.text, context);
    if ('value' in result) {
      values.set(path, result.value);
      continue;
    }
    unreadable.add(path);
    problems.push(
      problemOf(row, cell.column, `${quote(cell.text)} was left out: it ${result.problem}${instead(path)}`),
    );
  }
  return { values, problems, unreadable };
}

/** What a tenant has in place of a value that was left out. */
function instead(path: string): string {
  if (path === 'plan') return ', so the plan is LITE';
  if (path === 'branding.presetTheme') return `, so the theme is ${defaultTheme}`;
  return path.startsWith('max') ? ', so the limit is that of the plan' : '';
}

export function isTenantRole(role: TableRole): role is 'tenants' | 'settings' | 'branding' {
  return role === 'tenants' || role === 'settings' || role === 'branding';
}
