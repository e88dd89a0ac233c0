/** A tenant as a file describes it, and the decision how an import changes the registered tenant. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { ConfigSource, Prisma, TenantStatus } from '../database/generated/prisma/client.js';
import { currency, email, slug, text, timezone } from '../registry/input.js';
import { color, webAddress } from './profile-fields.js';

/** A tenant as a file describes it; missing values are null. */
export const ImportedTenantShape = z.object({
  slug,
  tenant: z.object({
    name: text(200),
    shortName: text(50).nullable(),
    timezone,
    currency,
    primaryEmail: email.nullable(),
    gcpProjectId: text(100).nullable(),
    gcpDataset: text(1024).nullable(),
  }),
  settings: z.object({
    companyName: text(200),
    supportEmail: email.nullable(),
    currency,
    timezone,
    emailFromName: text(200).nullable(),
    emailFromEmail: email.nullable(),
  }),
  branding: z.object({
    presetTheme: text(100),
    logoUrl: webAddress.nullable(),
    primaryColor: color.nullable(),
    secondaryColor: color.nullable(),
    accentColor: color.nullable(),
  }),
  /** A configuration that readTenantConfig has validated. */
  config: z.record(z.string(), z.json()),
});

export type ImportedTenant = z.output<typeof ImportedTenantShape>;

/** The part of a registered tenant that an import compares. */
export type StoredTenant = Prisma.TenantGetPayload<{ include: { settings: true; branding: true } }>;

/** One field that would change. */
export interface Difference {
  path: string;
  before: unknown;
  after: unknown;
}

export type Verdict =
  | { action: 'create' }
  | { action: 'unchanged' }
  | { action: 'update'; differences: Difference[] }
  | { action: 'leaveAlone'; why: string; differences: Difference[] };

/** Why a tenant that is not active is left alone, with the way out. */
const waysOut: Record<Exclude<TenantStatus, 'ACTIVE'>, string> = {
  PENDING: 'is not provisioned yet: provision it first',
  PROVISIONING: 'is being provisioned: import it again afterwards',
  SUSPENDED: 'is suspended: resume it first',
  FAILED: 'could not be provisioned: provision it again first',
  DELETED: 'is deleted: restore it with restoreTenant first, or remove its folder',
  PURGED: 'is purged, and its slug stays taken: remove its folder',
};

/**
 * Decides what an import does with a tenant. A configuration in the registry takes precedence over the file, unless
 * `force` is set; an equal one is not written again.
 */
export function decideImport(
  stored: StoredTenant | undefined,
  wanted: ImportedTenant,
  { source, force }: { source: ConfigSource; force: boolean },
): Verdict {
  if (!stored) return { action: 'create' };
  const differences = compare(stored, wanted, source);
  const leaveAlone = (why: string): Verdict => ({ action: 'leaveAlone', why, differences });
  if (stored.status === 'PURGED') return leaveAlone(`the tenant ${waysOut.PURGED}`);
  if (differences.length === 0) return { action: 'unchanged' };
  if (stored.status !== 'ACTIVE') return leaveAlone(`the tenant ${waysOut[stored.status]}`);
  if (stored.configSource === 'DATABASE' && !force)
    return leaveAlone(
      'the registry has another configuration, which takes precedence: use --force to overwrite it',
    );
  return { action: 'update', differences };
}

function compare(stored: StoredTenant, wanted: ImportedTenant, source: ConfigSource): Difference[] {
  return [
    ...differ(stored.configSource, source, 'configSource'),
    ...differIn(stored, wanted.tenant, ''),
    ...differIn(stored.settings ?? {}, wanted.settings, 'settings.'),
    ...differIn(stored.branding ?? {}, wanted.branding, 'branding.'),
    ...differ(stored.config, wanted.config, 'config'),
  ];
}

/** Compares only the fields that the file has. */
function differIn(before: object, after: object, prefix: string): Difference[] {
  const had = new Map<string, unknown>(Object.entries(before));
  return Object.entries(after).flatMap(([key, value]) => differ(had.get(key), value, prefix + key));
}

function differ(before: unknown, after: unknown, path: string): Difference[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isObject(before) || !isObject(after)) return [{ path, before: before ?? null, after: after ?? null }];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  const had = new Map(Object.entries(before));
  const gets = new Map(Object.entries(after));
  return [...keys].flatMap((key) => differ(had.get(key), gets.get(key), `${path}.${key}`));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
