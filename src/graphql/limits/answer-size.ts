import type { ExecutionResult } from 'graphql';
import { tooComplex } from './document-limits.js';

/** Throws QUERY_TOO_COMPLEX for an answer beyond the limit, before a text is made of it. */
export function requireSmallAnswer(result: ExecutionResult, limitBytes: number): void {
  if (!exceeds(result.data, limitBytes)) return;
  throw tooComplex(
    `The answer is larger than ${Math.round(limitBytes / 100_000) / 10} MB (ANSWER_LIMIT_MB)`,
    'ask for fewer fields or smaller pages',
  );
}

/** Counts characters of JSON until they exceed the limit, with a stack of its own. Escapes and wide characters are not counted. */
function exceeds(root: unknown, limit: number): boolean {
  let size = 0;
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === 'string') size += value.length + 2;
    else if (typeof value !== 'object' || value === null) size += 4;
    else if (Array.isArray(value)) {
      size += value.length + 2;
      for (const item of value) open.push(item);
    } else
      for (const key in value) {
        size += key.length + 4;
        open.push((value as Record<string, unknown>)[key]);
      }
    if (size > limit) return true;
  }
  return false;
}
