/** Decides on the value of each field of a tenant that several sources describe. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Observation } from '../../profile/taken/taken-memory.js';
import type { FieldValues } from './tenant-values.js';

export const sourceKinds = ['table', 'yaml', 'registry'] as const;
export type SourceKind = (typeof sourceKinds)[number];

export interface Source {
  kind: SourceKind;
  /** "tenants in crm", "clients/acme/client.yaml", "registry" */
  label: string;
  values: FieldValues;
  /** Fields that only repeat others or defaults: any other source is right. */
  derived?: ReadonlySet<string>;
  /** Whether nobody has written the row of the field since it was created, so that an empty field may be filled. */
  isUntouched?: (path: string) => boolean;
  /** Fields whose values are not accepted, and parts of the configuration that are not. */
  unreadable?: ReadonlySet<string>;
}

/** A field about which the sources disagree. */
export interface FieldConflict {
  path: string;
  values: { source: string; value: unknown }[];
  /** The source whose value was taken; null when none was preferred. */
  taken: string | null;
}

/** A field about which a source and the registry differ without a conflict, with the reason. */
export interface FieldDifference {
  path: string;
  values: { source: string; value: unknown }[];
  why: string;
}

export interface Merged extends Pick<Observation, 'seen'> {
  /** undefined for a key that is removed. */
  values: FieldValues;
  conflicts: FieldConflict[];
  differences: FieldDifference[];
  /** Fields at which the registry differs from what was last taken over. */
  kept: string[];
}

/** Facts about the past of a tenant, which are taken over with it. The first source is right, and the registry is not compared. */
export const factPaths: readonly string[] = [
  'createdAt',
  'createdBy',
  'suspendedAt',
  'suspendedReason',
  'deletedAt',
];

/** Columns that the configuration repeats: the database keeps both equal. */
export const repeated = [
  ['primaryEmail', 'config.email.primary'],
  ['gcpProjectId', 'config.infrastructure.gcp.project_id'],
  ['gcpDataset', 'config.infrastructure.gcp.dataset'],
] as const;

export function mergeFields(sources: readonly Source[], prefer: SourceKind | undefined): Merged {
  const completed = repeatColumns(sources);
  const paths = new Set(completed.flatMap(({ values }) => [...values.keys()]));
  const merged: Merged = { values: new Map(), conflicts: [], differences: [], kept: [], seen: {} };
  for (const path of paths) {
    const { value, conflict } = mergeField(path, completed, prefer);
    if (value !== undefined) merged.values.set(path, value);
    if (conflict) merged.conflicts.push(conflict);
  }
  return merged;
}

function mergeField(path: string, sources: readonly Source[], prefer: SourceKind | undefined) {
  const registry = factPaths.includes(path) ? undefined : sources.find(({ kind }) => kind === 'registry');
  const stored = registry?.values.get(path) ?? null;
  const others = sources.filter(
    ({ kind, values, derived }) =>
      kind !== 'registry' && isGiven(values.get(path)) && derived?.has(path) !== true,
  );
  const [first] = others;
  if (!first) return { value: stored ?? findAny(path, sources) };
  const counts = registry && (stored !== null || registry.isUntouched?.(path) !== true);
  const candidates = counts ? [...others, registry] : others;
  const value = first.values.get(path);
  const isAgreed = candidates.every(({ values }) => isSame(values.get(path) ?? null, value));
  if (isAgreed || factPaths.includes(path)) return { value };
  const preferred = candidates.find(({ kind }) => kind === prefer);
  const conflict: FieldConflict = {
    path,
    values: candidates.map(({ label, values }) => ({ source: label, value: values.get(path) ?? null })),
    taken: preferred?.label ?? null,
  };
  return { value: preferred ? (preferred.values.get(path) ?? null) : stored, conflict };
}

/** The value that only repeats another field, or an explicit null. */
function findAny(path: string, sources: readonly Source[]): unknown {
  const found = sources.find(({ values }) => isGiven(values.get(path)));
  return found ? found.values.get(path) : null;
}

/** Lets a source that gives only the column of a field state the field of the configuration as well, if any source has that. */
function repeatColumns(sources: readonly Source[]): Source[] {
  const extra = repeated.filter(([, field]) => sources.some(({ values }) => isGiven(values.get(field))));
  return sources.map((source) => {
    const values = new Map(source.values);
    for (const [column, field] of extra)
      if (isGiven(values.get(column))) values.set(field, values.get(column));
    return { ...source, values };
  });
}

export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

export function isSame(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(one ?? null, other ?? null);
}

/** The configuration with these values, which is empty when all of them are removed; undefined when they are about none. */
export function buildConfig(values: FieldValues): Record<string, unknown> | undefined {
  const given = [...values].filter(([path]) => path.startsWith('config.'));
  if (given.length === 0) return undefined;
  const root = new Map<string, unknown>();
  for (const [path, value] of given) {
    if (value === undefined) continue;
    const keys = path
      .split(/(?<!\\)\./)
      .slice(1)
      .map((key) => key.replaceAll('\\.', '.'));
    let place = root;
    for (const key of keys.slice(0, -1)) {
      const next = place.get(key);
      const child = next instanceof Map ? next : new Map<string, unknown>();
      place.set(key, child);
      place = child;
    }
    place.set(keys.at(-1) ?? '', value);
  }
  return toObject(root) as Record<string, unknown>;
}

function toObject(value: unknown): unknown {
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, part]) => [key, toObject(part)]));
}
