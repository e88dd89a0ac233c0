/** Decides on the fields of a tenant that an earlier import has taken over: only what has changed since counts. Pure. */
import type { Digests, TakenMemory } from '../../profile/taken/taken-memory.js';
import { digestOf } from '../../profile/taken/taken-values.js';
import { decideEdit, type EditDecision, type Side } from './edit-decision.js';
import {
  type FieldDifference,
  factPaths,
  isGiven,
  isSame,
  type Merged,
  repeated,
  type Source,
  type SourceKind,
} from './merge-fields.js';

/** Fields that always have a value: a cell that was emptied changes none of them. */
const neverEmpty = new Set([
  ...['name', 'plan', 'maxUsers', 'maxMonthlyQuotes', 'maxStorageGb', 'timezone', 'currency'],
  ...['settings.companyName', 'settings.currency', 'settings.timezone', 'branding.presetTheme'],
]);

interface Group {
  label: string;
  kind: SourceKind;
  sources: Source[];
}

export function mergeEdits(
  sources: readonly Source[],
  memory: TakenMemory,
  prefer: SourceKind | undefined,
): Merged {
  const registry = sources.find(({ kind }) => kind === 'registry');
  const stored = registry?.values ?? new Map<string, unknown>();
  const groups = groupByLabel(sources);
  const merged: Merged = {
    ...{ values: takeFacts(groups), conflicts: [], differences: [], kept: [], seen: { ...memory.seen } },
  };
  const columns: ReadonlyMap<string, string> = new Map(repeated.map(([column, field]) => [field, column]));
  const seen = new Map(groups.map(({ label }) => [label, {} as Record<string, string>]));
  for (const path of listPaths(groups, stored, memory)) {
    // The database keeps both equal, so the column decides.
    if (factPaths.includes(path) || columns.has(path)) continue;
    const before = stored.get(path) ?? null;
    const isEdited = digestOf(before) !== memory.taken[path];
    const sides = groups.flatMap((group) => sidesOf(group, path, memory));
    const decision = decideEdit({ stored: before, isEdited, sides }, prefer);
    const value = finalValue(decision, before);
    if (isGiven(value)) merged.values.set(path, value);
    // A key that was removed is no key with null.
    else if (!path.startsWith('config.')) merged.values.set(path, null);
    else if (stored.has(path)) merged.values.set(path, isSame(value, before) ? null : undefined);
    const isHeld = record(path, { decision, sides, value, before, isEdited }, merged);
    for (const group of groups) {
      const known = memory.seen[group.label]?.[path];
      const now = isHeld ? known : digestNow(group, path, known);
      if (now !== undefined) (seen.get(group.label) ?? {})[path] = now;
    }
  }
  repeatColumns(merged, stored, groups);
  merged.seen = { ...memory.seen, ...Object.fromEntries(seen) };
  return merged;
}

/** Reports a decision. Returns whether the field waits for one. */
function record(
  path: string,
  field: {
    decision: EditDecision;
    sides: readonly Side[];
    value: unknown;
    before: unknown;
    isEdited: boolean;
  },
  merged: Merged,
): boolean {
  const { decision, sides, value, before, isEdited } = field;
  const isHeld = decision.outcome === 'conflict' && decision.preferred === undefined;
  if (decision.outcome === 'conflict')
    merged.conflicts.push({
      path,
      values: decision.candidates.map(({ label, value: said }) => ({ source: label, value: said ?? null })),
      taken: decision.preferred?.label ?? null,
    });
  else {
    const difference = explain(path, sides, value, { before, isEdited });
    if (difference) merged.differences.push(difference);
  }
  if (isHeld || (decision.outcome === 'keep' && isEdited)) merged.kept.push(path);
  return isHeld;
}

function explain(
  path: string,
  sides: readonly Side[],
  value: unknown,
  { before, isEdited }: { before: unknown; isEdited: boolean },
): FieldDifference | undefined {
  const others = sides.filter((side) => isGiven(side.value) && !isSame(side.value, value));
  if (others.length === 0) return undefined;
  const values = others.map(({ label, value: said }) => ({ source: label, value: said }));
  return {
    path,
    values: [...values, { source: 'registry', value: before }],
    why: isEdited
      ? 'was edited in the registry, which counts'
      : 'was decided by an earlier import or another source',
  };
}

function finalValue(decision: EditDecision, stored: unknown): unknown {
  if (decision.outcome === 'take') return decision.value;
  if (decision.outcome === 'conflict' && decision.preferred) return decision.preferred.value ?? null;
  return stored;
}

function groupByLabel(sources: readonly Source[]): Group[] {
  const groups = new Map<string, Group>();
  for (const source of sources) {
    if (source.kind === 'registry') continue;
    const { label, kind } = source;
    const group = groups.get(label) ?? { label, kind, sources: [] };
    group.sources.push(source);
    groups.set(label, group);
  }
  return [...groups.values()];
}

/** The paths that a source or the registry has, and those that a source had before. */
function listPaths(groups: readonly Group[], stored: ReadonlyMap<string, unknown>, memory: TakenMemory) {
  const given = groups.flatMap(({ label, sources }) => [
    ...sources.flatMap(({ values }) => [...values.keys()]),
    ...Object.keys(memory.seen[label] ?? {}),
  ]);
  return new Set([...stored.keys(), ...given]);
}

/** Several rows of a table may say different things about a field: each is a side. */
function sidesOf(group: Group, path: string, memory: TakenMemory): Side[] {
  const { label, kind } = group;
  const known = memory.seen[label];
  const values = valuesAt(group, path);
  if (values.length > 0) {
    const hasChanged = combine(values) !== (known ?? memory.taken)[path];
    return values.map((value) => ({ label, kind, value, hasChanged }));
  }
  const isCleared = known?.[path] !== undefined && !neverEmpty.has(path) && !isUnreadable(group, path);
  return [{ label, kind, value: null, hasChanged: isCleared }];
}

function valuesAt({ sources }: Group, path: string): unknown[] {
  const values: unknown[] = [];
  for (const source of sources) {
    const value = source.values.get(path);
    if (isGiven(value) && source.derived?.has(path) !== true && !values.some((one) => isSame(one, value)))
      values.push(value);
  }
  return values;
}

/** A value that is not accepted is reported and changes nothing, as if its cell had not been edited. */
function isUnreadable({ sources }: Group, path: string): boolean {
  return sources.some(({ unreadable, derived }) => {
    if (derived?.has(path)) return true;
    return [...(unreadable ?? [])].some((one) => path === one || path.startsWith(`${one}.`));
  });
}

function digestNow(group: Group, path: string, known: string | undefined): string | undefined {
  const values = valuesAt(group, path);
  if (values.length > 0) return combine(values);
  return isUnreadable(group, path) ? known : undefined;
}

function combine(values: readonly unknown[]): string {
  return values
    .map((value) => digestOf(value) ?? '')
    .toSorted()
    .join('+');
}

function takeFacts(groups: readonly Group[]): Map<string, unknown> {
  const facts = new Map<string, unknown>();
  for (const path of factPaths) {
    const [value] = groups.flatMap((group) => valuesAt(group, path));
    if (value !== undefined) facts.set(path, value);
  }
  return facts;
}

/** Gives the fields of the configuration that repeat columns the values of those. */
function repeatColumns(merged: Merged, stored: ReadonlyMap<string, unknown>, groups: readonly Group[]): void {
  for (const [column, field] of repeated) {
    if (!stored.has(field) && groups.every((group) => valuesAt(group, field).length === 0)) continue;
    const value = merged.values.get(column);
    if (isGiven(value)) merged.values.set(field, value);
    else if (stored.has(field))
      merged.values.set(field, isGiven(stored.get(field)) ? undefined : stored.get(field));
  }
}

/** What each source says, for a tenant about which nothing was remembered before. */
export function observeSources(sources: readonly Source[]): Record<string, Digests> {
  return Object.fromEntries(
    groupByLabel(sources).map((group) => {
      const paths = new Set(group.sources.flatMap(({ values }) => [...values.keys()]));
      const digests: Record<string, string> = {};
      for (const path of paths) {
        const now = digestNow(group, path, undefined);
        if (now !== undefined && !factPaths.includes(path)) digests[path] = now;
      }
      return [group.label, digests];
    }),
  );
}
