/** Maps a client.yaml to a tenant with its settings, branding and configuration. Pure. */
import { RegistryError } from '../../errors.js';
import { defaultTheme } from '../../profile/profile-fields.js';
import { type ConfigScope, readTenantConfig, type TenantConfig } from '../../profile/tenant-config.js';
import { type ImportedTenant, ImportedTenantShape } from '../../profile/tenant-import.js';
import type { ConfigRules } from '../../registry/config-rules.js';
import { type FileProblem, readClientFile } from './client-file.js';
import { type ReplacedSecret, SecretReplacer } from './client-secrets.js';
import { referencesIn, sortConfig } from './client-shape.js';
import { locate, type MapTree, showPath, type Tree } from './client-tree.js';

/** The tenant that a file describes, with the findings about the file. */
export interface MappedClient {
  /** undefined when the file has problems. */
  wanted: ImportedTenant | undefined;
  problems: FileProblem[];
  secrets: ReplacedSecret[];
  /** Keys that the configuration does not know. They are kept under `extensions`. */
  unknownKeys: string[];
}

const clientKeys = ['id', 'name', 'short_name', 'timezone', 'currency'];

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
  if ('problems' in read) return { wanted: undefined, problems: read.problems, secrets: [], unknownKeys: [] };
  const { tree } = read;
  const scope = { slug: folder, ...rules };
  const taken = [...referencesIn(tree)];
  const first = sortFile(tree, folder, new SecretReplacer(scope, taken));
  // The second pass finds the same secrets where their place alone does not show that they are secret.
  const known = first.secrets.texts;
  const { secrets, problems, client, sorted } =
    known.length === 0 ? first : sortFile(tree, folder, new SecretReplacer(scope, taken, known));
  const config = readConfig(sorted.config, scope, problems);
  const wanted = readTenant(client, config, problems);
  return {
    wanted: problems.all.length === 0 ? wanted : undefined,
    problems: problems.all.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)),
    secrets: secrets.found,
    unknownKeys: sorted.unknownKeys,
  };
}

function sortFile(tree: MapTree, folder: string, secrets: SecretReplacer) {
  const problems = new Problems(tree, secrets.found);
  const client = readClient(tree, folder, secrets, problems);
  return { secrets, problems, client, sorted: sortConfig(tree, client.rest, secrets) };
}

class Problems {
  readonly all: FileProblem[] = [];
  readonly #tree: MapTree;
  readonly #secrets: readonly ReplacedSecret[];

  constructor(tree: MapTree, secrets: readonly ReplacedSecret[]) {
    this.#tree = tree;
    this.#secrets = secrets;
  }

  /** Adds at most one problem per place, because one value may be used for several fields. */
  add(place: string, message: string): void {
    const keys = place.split('.');
    const path = showPath(keys);
    if (this.all.some((problem) => problem.path === path)) return;
    const secret = this.#secrets.find((one) => one.path === path && one.reference === null);
    const why = secret && `is required, but was left out because it ${secret.why}`;
    this.all.push({ path: path || null, ...locate(this.#tree, keys), message: why ?? message });
  }
}

interface Client {
  id: string;
  fields: Partial<Record<string, string>>;
  /** Keys without a meaning for the mapping. */
  rest: ReadonlyMap<string, Tree>;
}

function readClient(tree: MapTree, folder: string, secrets: SecretReplacer, problems: Problems): Client {
  const client = tree.entries.get('client');
  const entries = client?.kind === 'map' ? client.entries : new Map<string, Tree>();
  if (client && client.kind !== 'map') problems.add('client', 'must be a map of keys and values');
  const fields: Client['fields'] = {};
  for (const key of clientKeys) {
    const part = entries.get(key);
    if (!part) continue;
    if (part.kind !== 'scalar') problems.add(`client.${key}`, 'must be a single value');
    else {
      const text = part.text.trim();
      const looksLike = secrets.findReference(['client', key], text) ?? secrets.find('', text);
      if (looksLike !== undefined && key !== 'id')
        secrets.leaveOut(['client', key], part.at, `looks like ${looksLike}`);
      else if (part.text.trim() !== '' && part.value !== null) fields[key] = part.text.trim();
    }
  }
  // A served file is found by the name of its folder, so a different id would make two clients of it.
  if (fields.id !== undefined && fields.id !== folder)
    problems.add('client.id', 'is not the name of its folder: rename the folder, or correct the id');
  return {
    id: folder,
    fields,
    rest: new Map([...entries].filter(([key]) => !clientKeys.includes(key))),
  };
}

function readConfig(config: unknown, scope: ConfigScope, problems: Problems): TenantConfig | undefined {
  try {
    // In the form in which the database returns it.
    return JSON.parse(JSON.stringify(readTenantConfig(config, scope))) as TenantConfig;
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    for (const { field, message } of error.fields) problems.add(field === 'config' ? '' : field, message);
    return undefined;
  }
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
  if (config && email.primary === undefined)
    problems.add('email.primary', 'is missing: every tenant needs an e-mail address');
  const read = ImportedTenantShape.safeParse({
    slug: id,
    tenant: {
      name,
      shortName: fields.short_name ?? null,
      timezone,
      currency,
      primaryEmail: email.primary,
      gcpProjectId: infrastructure.gcp?.project_id ?? null,
      gcpDataset: infrastructure.gcp?.dataset ?? null,
    },
    settings: {
      companyName: branding.company_name ?? name,
      supportEmail: email.primary,
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
