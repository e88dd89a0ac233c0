import { type FieldProblem, invalidFields } from '../../errors.js';

/** PostgreSQL stores no NUL, and UTF-8 has no half of a surrogate pair. */
const unstorable = /[\0\p{Cs}]/u;

const message = 'must not hold the character NUL or half a surrogate pair, which cannot be stored';

export function isStorable(text: string): boolean {
  return !unstorable.test(text);
}

/** Checks every text in a value of JSON, also the names of keys. Throws VALIDATION_ERROR with each path. */
export function requireStorable(value: unknown): void {
  const problems = findUnstorable(value);
  if (problems.length > 0) throw invalidFields(problems);
}

/** A problem about the text at this path. */
export function unstorableText(path: readonly (string | number)[]): FieldProblem {
  return { field: path.join('.') || 'input', message };
}

/** A place of the value, linked to its parent: paths are written only for problems. */
interface Place {
  value: unknown;
  key: string;
  parent: Place | undefined;
}

/** With a stack of its own, because a million brackets would exhaust that of the process. */
export function findUnstorable(root: unknown): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const open: Place[] = [{ value: root, key: '', parent: undefined }];
  for (let place = open.pop(); place; place = open.pop()) {
    const { value } = place;
    if (typeof value === 'string') {
      if (!isStorable(value)) problems.push(unstorableText(pathOf(place)));
    } else if (typeof value === 'object' && value !== null)
      for (const key in value) {
        const below = { value: (value as Record<string, unknown>)[key], key, parent: place };
        if (isStorable(key)) open.push(below);
        else problems.push(unstorableText(pathOf(below)));
      }
  }
  return problems.reverse();
}

function pathOf(place: Place): string[] {
  const path: string[] = [];
  for (let here: Place | undefined = place; here?.parent; here = here.parent)
    // A path in a message must be readable, and storable as well.
    path.unshift(here.key.replace(/[\0\p{Cs}]/gu, '?'));
  return path;
}
