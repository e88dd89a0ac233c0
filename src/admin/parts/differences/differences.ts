/** A place in two values that differs, by its path: "email.primary". */
export interface Difference {
  path: string;
  before: unknown;
  after: unknown;
}

/** The places in which two JSON values differ, by path. Lists are compared as a whole. */
export function findDifferences(before: unknown, after: unknown, path = ''): Difference[] {
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) =>
      findDifferences(before[name], after[name], path === '' ? name : `${path}.${name}`),
    );
  }
  return isEqual(before, after) ? [] : [{ path, before, after }];
}

export function isEqual(one: unknown, other: unknown): boolean {
  return sortedJson(one) === sortedJson(other);
}

function sortedJson(value: unknown): string | undefined {
  return JSON.stringify(value, (_name, part: unknown) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
