import { findDifferences, isEqual, isObject } from '../../parts/differences/differences.js';

/** The JSON Merge Patch (RFC 7396) that makes `after` of `before`. */
export function createMergePatch(before: unknown, after: unknown): unknown {
  if (!isObject(before) || !isObject(after)) return after;
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const patch = [...names].flatMap((name) => {
    if (!Object.hasOwn(after, name)) return [[name, null]];
    if (Object.hasOwn(before, name) && isEqual(before[name], after[name])) return [];
    const inner = isObject(before[name]) && isObject(after[name]);
    return [[name, inner ? createMergePatch(before[name], after[name]) : after[name]]];
  });
  return Object.fromEntries(patch);
}

export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch))
    if (value === null) delete result[name];
    else result[name] = applyMergePatch(result[name], value);
  return result;
}

/** The places that two people have changed to different values. */
export function findOverlap(base: unknown, mine: unknown, theirs: unknown): string[] {
  const others = findDifferences(base, theirs);
  return findDifferences(base, mine)
    .filter(({ path, after }) =>
      others.some(
        (other) =>
          (other.path === path && !isEqual(other.after, after)) ||
          other.path.startsWith(`${path}.`) ||
          path.startsWith(`${other.path}.`),
      ),
    )
    .map(({ path }) => path);
}
