import { expect } from 'vitest';
import type { z } from 'zod';

/** Rules that stand in TypeScript and in PL/pgSQL: what both say of the same texts. */

/** The first problem, as a door would show it; null: taken. */
export function problemOf(schema: z.ZodType, given: string): string | null {
  return schema.safeParse(given).error?.issues[0]?.message ?? null;
}

/** The verdicts of TypeScript and the database about each text, where they differ. */
export function differences(texts: readonly string[], ours: readonly unknown[], theirs: readonly unknown[]) {
  expect(theirs).toHaveLength(texts.length);
  return texts.flatMap((given, at) =>
    ours[at] === theirs[at] ? [] : [{ given, typescript: ours[at], sql: theirs[at] }],
  );
}

export function isNull(problem: unknown): boolean {
  return problem === null;
}

/** SQL after unnest($1): rows in the order of the texts. */
export const inOrder = 'WITH ORDINALITY AS listed (given, place) ORDER BY place';
