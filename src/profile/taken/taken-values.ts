/** The fields of a tenant by their path: name, settings.companyName, config.email.primary. Pure. */
import { createHash } from 'node:crypto';
import type { TakenState } from './taken-state.js';

const tenantPaths = [
  ...['name', 'shortName', 'plan', 'maxUsers', 'maxMonthlyQuotes', 'maxStorageGb', 'timezone', 'currency'],
  ...['primaryEmail', 'gcpProjectId', 'gcpDataset'],
] as const;

/** The values of a registered tenant that older platforms describe, too; members and status are not among them. */
export function tenantValues({ tenant }: TakenState): Map<string, unknown> {
  const values = new Map<string, unknown>(tenantPaths.map((path) => [path, Reflect.get(tenant, path)]));
  for (const part of ['settings', 'branding'] as const)
    for (const [key, value] of Object.entries(tenant[part] ?? {}))
      if (!['tenantId', 'updatedAt', 'version'].includes(key)) values.set(`${part}.${key}`, value);
  for (const [path, value] of flattenConfig(tenant.config)) values.set(path, value);
  return values;
}

/** The values of a configuration by their path below config; a list is one value. */
export function flattenConfig(config: unknown): Map<string, unknown> {
  const values = new Map<string, unknown>();
  const visit = (value: unknown, path: string) => {
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!isMap) values.set(path, value);
    else
      for (const [key, part] of Object.entries(value)) visit(part, `${path}.${key.replaceAll('.', '\\.')}`);
  };
  if (typeof config === 'object' && config !== null)
    for (const [key, part] of Object.entries(config)) visit(part, `config.${key.replaceAll('.', '\\.')}`);
  return values;
}

/** Parts of a member that are compared. */
export const memberParts = ['role', 'status', 'subject', 'fullName'] as const;
export type MemberPart = (typeof memberParts)[number];

/** The path of a member's field in the memory, which holds no addresses. */
export function memberPath(email: string, part: MemberPart): string {
  return `members.${digest(email)}.${part}`;
}

/** A member who was invited may have accepted since: both are present. */
export function presence(state: string): 'present' | 'REMOVED' {
  return state === 'REMOVED' ? 'REMOVED' : 'present';
}

/** The digest of a value, the same for any order of keys; undefined for null. */
export function digestOf(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : digest(JSON.stringify(sorted(value)));
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, part]) => [key, sorted(part)]);
}
