/** Sorts the content of a client.yaml into known configuration, unknown keys and secrets. Pure. */

import { tenantConfigJsonSchema } from '../../profile/config/tenant-config.js';
import { secretReference } from '../../registry/values/secret-detector.js';
import { isServiceKey, type SecretReplacer, serviceKey } from './client-secrets.js';
import { type ListTree, type MapTree, type ScalarTree, showPath, type Tree } from './client-tree.js';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** The part of JSON Schema that the shape uses. */
interface Shape {
  type?: string;
  properties?: Record<string, Shape>;
  items?: Shape;
  anyOf?: Shape[];
  pattern?: string;
  format?: string;
}

const configShape: Shape = tenantConfigJsonSchema();

/** The sections in which services replace references by values. */
const technicalParts = ['infrastructure', 'email'];

export interface SortedConfig {
  config: Json;
  /** Paths of unknown keys in the file. */
  unknownKeys: string[];
}

/**
 * Returns the configuration in the file, without secrets, and with unknown keys under `extensions` at their place.
 * `client` is not configuration; `clientRest` has its keys without another place.
 */
export function sortConfig(
  tree: MapTree,
  clientRest: ReadonlyMap<string, Tree>,
  secrets: SecretReplacer,
): SortedConfig {
  const sorter = new Sorter(secrets);
  const config = sorter.sort(tree, clientRest);
  return { config, unknownKeys: sorter.unknownKeys };
}

/** Names of the references that the file already contains. */
export function* referencesIn(tree: Tree): Generator<string> {
  if (tree.kind === 'map') for (const part of tree.entries.values()) yield* referencesIn(part);
  else if (tree.kind === 'list') for (const part of tree.items) yield* referencesIn(part);
  else if (secretReference.test(tree.text.trim())) yield tree.text.trim().slice(2, -1);
}

class Sorter {
  readonly unknownKeys: string[] = [];
  readonly #secrets: SecretReplacer;
  readonly #extensions = new Map<string, unknown>();

  constructor(secrets: SecretReplacer) {
    this.#secrets = secrets;
  }

  sort(tree: MapTree, clientRest: ReadonlyMap<string, Tree>): Json {
    const { extensions: known, ...others } = configShape.properties ?? {};
    const own = known && tree.entries.get('extensions');
    const rest: MapTree = { ...tree, entries: new Map(tree.entries) };
    for (const key of ['extensions', 'client']) rest.entries.delete(key);
    if (own?.kind === 'map')
      for (const [key, part] of own.entries) this.#extend(['extensions', key], part, [key]);
    else if (own && !isEmpty(own)) this.#keepUnknown(['extensions'], own);
    const config = this.#sortMap(rest, { properties: others }, []);
    for (const [key, part] of clientRest) this.#keepUnknown(['client', key], part);
    if (this.#extensions.size > 0) config.extensions = toObject(this.#extensions);
    return config;
  }

  #sortMap(tree: MapTree, { properties = {} }: Shape, path: readonly string[]): { [key: string]: Json } {
    const sorted: { [key: string]: Json } = {};
    for (const [key, part] of tree.entries) {
      const place = [...path, key];
      const shape = Object.hasOwn(properties, key) ? properties[key] : undefined;
      const value = shape ? this.#sortValue(part, shape, place) : this.#keepUnknown(place, part);
      if (value !== undefined) sorted[key] = value;
    }
    return sorted;
  }

  /**
   * Returns undefined for a value that is left out. A value of the wrong type is passed on, and the validation of the
   * shape refuses it.
   */
  #sortValue(tree: Tree, shape: Shape, path: readonly string[]): Json | undefined {
    if (tree.kind === 'scalar') return this.#sortScalar(tree, shape, path);
    if (tree.kind === 'map' && shape.properties) return this.#sortMap(tree, shape, path);
    if (tree.kind === 'list' && shape.items) return this.#sortList(tree, shape.items, path);
    return tree.kind === 'map' ? {} : [];
  }

  #sortList(tree: ListTree, shape: Shape, path: readonly string[]): Json[] {
    const items = tree.items.map((item, at) => this.#sortValue(item, shape, [...path, `${at}`]));
    // A left-out text leaves no gap. An item with keys keeps its index, by which problems find its line.
    return shape.properties ? items.map((item) => item ?? null) : items.filter((item) => item !== undefined);
  }

  #sortScalar(tree: ScalarTree, shape: Shape, path: readonly string[]): Json | undefined {
    const variants = shape.anyOf ?? [shape];
    const takes = (type: string) => variants.some((variant) => variant.type === type);
    if (isEmpty(tree)) return takes('null') ? null : undefined;
    if (takes('boolean')) return readBoolean(tree);
    if (takes('integer') && typeof tree.value === 'string' && /^\d{1,9}$/.test(tree.value.trim()))
      return Number(tree.value);
    if (!takes('string')) return tree.value;
    const text = tree.text.trim();
    const looksLike =
      this.#secrets.findReference(path, text) ??
      this.#secrets.find(path.findLast((key) => !/^\d+$/.test(key)) ?? '', text);
    if (looksLike === undefined) return secretReference.test(text) ? text : tree.text;
    const isLookedUp =
      technicalParts.includes(path[0] ?? '') &&
      variants.some(({ pattern, format, type }) =>
        pattern === undefined ? type === 'string' && !format : new RegExp(pattern).test(`\${A}`),
      );
    if (isLookedUp && looksLike !== serviceKey)
      return this.#secrets.replace(path, tree.at, { text, looksLike });
    this.#secrets.leaveOut(path, tree.at, `looks like ${looksLike}`);
    return undefined;
  }

  /** Keeps an unknown value under `extensions` at its place. */
  #keepUnknown(path: readonly string[], tree: Tree): undefined {
    if (this.#extend(path, tree, path)) this.unknownKeys.push(showPath(path));
  }

  /** Returns whether any part of the value could be kept. */
  #extend(path: readonly string[], tree: Tree, place: readonly string[]): boolean {
    const value = this.#extendValue(tree, path);
    if (value === undefined) return false;
    let here = this.#extensions;
    for (const key of place.slice(0, -1)) {
      const next = here.get(key);
      const child = next instanceof Map ? next : new Map<string, unknown>();
      here.set(key, child);
      here = child;
    }
    const last = place.at(-1) ?? '';
    here.set(last, merge(here.get(last), value));
    return true;
  }

  #extendValue(tree: Tree, path: readonly string[]): unknown {
    const key = path.at(-1) ?? '';
    const looksLike =
      this.#secrets.findReference([], key.includes(`\${`) ? key : '') ?? this.#secrets.find('', key);
    if (looksLike !== undefined) {
      const place = [...path.slice(0, -1), '…'];
      this.#secrets.leaveOut(place, tree.at, `has a name that looks like ${looksLike}`);
      return undefined;
    }
    if (isServiceKey(path)) {
      this.#secrets.leaveOut(path, tree.at, `is ${serviceKey}`);
      return undefined;
    }
    if (tree.kind === 'map') {
      const entries = [...tree.entries].map(([name, part]) => [
        name,
        this.#extendValue(part, [...path, name]),
      ]);
      return new Map(entries.filter(([, value]) => value !== undefined) as [string, unknown][]);
    }
    if (tree.kind === 'list')
      return tree.items.map((item, at) => this.#extendValue(item, [...path, `${at}`]) ?? null);
    return this.#extendScalar(tree, path);
  }

  #extendScalar(tree: ScalarTree, path: readonly string[]): Json | undefined {
    if (tree.value === null || typeof tree.value === 'boolean') return tree.value;
    const text = tree.text.trim();
    const looksLike =
      this.#secrets.findReference(['extensions', ...path], text) ??
      this.#secrets.findBelow(
        path.filter((key) => !/^\d+$/.test(key)),
        text,
      );
    if (looksLike === undefined) return tree.value;
    if (looksLike !== serviceKey) return this.#secrets.replace(path, tree.at, { text, looksLike });
    this.#secrets.leaveOut(path, tree.at, `is ${serviceKey}`);
    return undefined;
  }
}

function isEmpty(tree: Tree): boolean {
  return tree.kind === 'scalar' && (tree.value === null || tree.text.trim() === '');
}

/** The services read these files as YAML 1.1, in which yes and on are true. */
function readBoolean({ value, text }: ScalarTree): Json {
  if (/^(true|yes|on)$/i.test(text)) return true;
  return /^(false|no|off)$/i.test(text) ? false : value;
}

/** Maps become objects only here, so that no key can collide with a property of Object.prototype. */
function toObject(value: unknown): Json {
  if (Array.isArray(value)) return value.map(toObject);
  if (!(value instanceof Map)) return value as Json;
  return Object.fromEntries([...value].map(([key, part]) => [key, toObject(part)]));
}

/** Merges, because the file's own `extensions` may use the same keys as unknown parts elsewhere. */
function merge(before: unknown, after: unknown): unknown {
  if (!(before instanceof Map) || !(after instanceof Map)) return after;
  const merged = new Map<string, unknown>(before);
  for (const [key, value] of after) merged.set(key, merge(merged.get(key), value));
  return merged;
}
