/** Divides the content of a client.yaml into the fields of the client and a valid configuration, and collects the problems. Pure. */
import { RegistryError } from '../../errors.js';
import { type ConfigScope, readTenantConfig, type TenantConfig } from '../../profile/config/tenant-config.js';
import type { FileProblem } from './client-file.js';
import { type ReplacedSecret, SecretReplacer } from './client-secrets.js';
import { referencesIn, sortConfig } from './client-shape.js';
import { locate, type MapTree, showPath, type Tree } from './client-tree.js';

export const clientKeys = ['id', 'name', 'short_name', 'timezone', 'currency'];

/** The second pass finds the same secrets where their place alone does not show that they are secret. */
export function sortFile(tree: MapTree, scope: ConfigScope) {
  const taken = [...referencesIn(tree)];
  const first = sortOnce(tree, scope.slug, new SecretReplacer(scope, taken));
  const known = first.secrets.texts;
  return known.length === 0 ? first : sortOnce(tree, scope.slug, new SecretReplacer(scope, taken, known));
}

function sortOnce(tree: MapTree, folder: string, secrets: SecretReplacer) {
  const problems = new Problems(tree, secrets.found);
  const client = readClient(tree, folder, secrets, problems);
  return { secrets, problems, client, sorted: sortConfig(tree, client.rest, secrets) };
}

export class Problems {
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

export interface Client {
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

export function readConfig(
  config: unknown,
  scope: ConfigScope,
  problems: Problems,
): TenantConfig | undefined {
  try {
    // In the form in which the database returns it.
    return JSON.parse(JSON.stringify(readTenantConfig(config, scope))) as TenantConfig;
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    for (const { field, message } of error.fields) problems.add(field === 'config' ? '' : field, message);
    return undefined;
  }
}
