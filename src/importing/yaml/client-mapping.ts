/** Maps a client.yaml to a tenant with its settings, branding and configuration. Pure. */

import type { TenantConfig } from '../../profile/config/tenant-config.js';
import { defaultTheme } from '../../profile/profile-fields.js';
import { type ImportedTenant, ImportedTenantShape } from '../../profile/tenant-import.js';
import type { ConfigRules } from '../../registry/values/config-rules.js';
import { type FileProblem, readClientFile } from './client-file.js';
import type { ReplacedSecret } from './client-secrets.js';
import { type Client, type Problems, readConfig, sortFile } from './client-sorting.js';

/** The tenant that a file describes, with the findings about the file. */
export interface MappedClient {
  /** undefined when the file has problems. */
  wanted: ImportedTenant | undefined;
  problems: FileProblem[];
  /** What the file lacks without being invalid. */
  warnings: FileProblem[];
  secrets: ReplacedSecret[];
  /** Keys that the configuration does not know. They are kept under `extensions`. */
  unknownKeys: string[];
  /** Fields of `wanted` that the file does not state itself: defaults, and copies of other fields. */
  derived: string[];
}

/** The key of client.yaml from which each field of a tenant comes. */
const sources: Readonly<Record<string, string>> = {
  slug: 'client.id',
  'tenant.name': 'client.name',
  'tenant.shortName': 'client.short_name',
  'tenant.timezone': 'client.timezone',
  'tenant.currency': 'client.currency',
  'tenant.primaryEmail': 'email.primary',
  'tenant.gcpProjectId': 'infrastructure.gcp.project_id',
  'tenant.gcpDataset': 'infrastructure.gcp.dataset',
  'settings.companyName': 'branding.company_name',
  'settings.supportEmail': 'email.primary',
  'settings.timezone': 'client.timezone',
  'settings.currency': 'client.currency',
  'settings.emailFromName': 'email.sendgrid.from_name',
  'settings.emailFromEmail': 'email.sendgrid.from_email',
  'branding.presetTheme': 'branding.theme_id',
  'branding.logoUrl': 'branding.logo_url',
  'branding.primaryColor': 'branding.primary_color',
  'branding.secondaryColor': 'branding.secondary_color',
  'branding.accentColor': 'branding.accent_color',
};

/** Maps the text of the client.yaml in the folder of this name. */
export function mapClient(text: string, folder: string, rules: ConfigRules): MappedClient {
  const read = readClientFile(text);
  if ('problems' in read)
    return {
      ...{ wanted: undefined, problems: read.problems, warnings: [] },
      ...{ secrets: [], unknownKeys: [], derived: [] },
    };
  const scope = { slug: folder, ...rules };
  const { secrets, problems, client, sorted } = sortFile(read.tree, scope);
  const config = readConfig(sorted.config, scope, problems);
  const wanted = readTenant(client, config, problems);
  return {
    wanted: problems.all.length === 0 ? wanted : undefined,
    problems: problems.all.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)),
    warnings: config && config.email?.primary === undefined ? [withoutAddress] : [],
    secrets: secrets.found,
    unknownKeys: sorted.unknownKeys,
    derived: derivedFields(client, config),
  };
}

const withoutAddress: FileProblem = {
  ...{ path: 'email.primary', line: null, column: null },
  message: 'is missing: the tenant has no e-mail address until one is set',
};

/** The fields that readTenant fills without a statement of the file about them. */
function derivedFields({ fields }: Client, config: TenantConfig | undefined): string[] {
  const without = (value: unknown, ...paths: string[]) => (value === undefined ? paths : []);
  return [
    // Settings that repeat the tenant are overruled by settings that somebody has made.
    ...['settings.supportEmail', 'settings.timezone', 'settings.currency'],
    ...without(fields.name, 'tenant.name'),
    ...without(fields.timezone, 'tenant.timezone'),
    ...without(fields.currency, 'tenant.currency'),
    ...without(config?.branding?.company_name, 'settings.companyName'),
    ...without(config?.branding?.theme_id, 'branding.presetTheme'),
  ];
}

/** Reads the tenant. Without a valid configuration it only adds problems. */
function readTenant(
  { id, fields }: Client,
  config: TenantConfig | undefined,
  problems: Problems,
): ImportedTenant | undefined {
  const { branding = {}, email = {}, infrastructure = {} } = config ?? {};
  const name = fields.name ?? id;
  const timezone = fields.timezone ?? 'UTC';
  const currency = fields.currency ?? 'USD';
  const read = ImportedTenantShape.safeParse({
    slug: id,
    tenant: {
      name,
      shortName: fields.short_name ?? null,
      timezone,
      currency,
      primaryEmail: email.primary ?? null,
      gcpProjectId: infrastructure.gcp?.project_id ?? null,
      gcpDataset: infrastructure.gcp?.dataset ?? null,
    },
    settings: {
      companyName: branding.company_name ?? name,
      supportEmail: email.primary ?? null,
      timezone,
      currency,
      emailFromName: email.sendgrid?.from_name ?? null,
      emailFromEmail: email.sendgrid?.from_email ?? null,
    },
    branding: {
      presetTheme: branding.theme_id ?? defaultTheme,
      logoUrl: branding.logo_url ?? null,
      primaryColor: branding.primary_color ?? null,
      secondaryColor: branding.secondary_color ?? null,
      accentColor: branding.accent_color ?? null,
    },
    config,
  });
  if (read.success) return read.data;
  for (const { path, message } of read.error.issues) {
    const field = path.map(String).join('.');
    const source = sources[field] ?? field;
    if (config || source.startsWith('client.')) problems.add(source, message);
  }
  return undefined;
}
