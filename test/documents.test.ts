import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** The repository's own documents. */
const documents = execFileSync('git', ['ls-files', '*.md'], { encoding: 'utf8' }).trim().split('\n');

/** Paths such as `test/auth/door-matrix.test.ts`, without those that stand for several (`commands/<verb-noun>`, `*.long.test.ts`). */
function pathsIn(text: string): string[] {
  const paths = text.matchAll(
    /(?<![\w@/.-])((?:test|bench|src|docs|prisma|modules|examples)\/[\w./-]*\w\/?)(?![<*{…\w])/g,
  );
  return [...paths].map(([, path = '']) => path);
}

test('every file and folder that a document names exists', () => {
  expect(documents.length).toBeGreaterThan(10);
  const missing = documents.flatMap((document) =>
    pathsIn(readFileSync(document, 'utf8'))
      .filter((path) => !existsSync(path))
      .map((path) => `${document}: ${path}`),
  );
  expect(missing).toEqual([]);
});

test('docs/security.md names a test in each row of its tables of attacks and practices', () => {
  const [, practices = ''] = readFileSync('docs/security.md', 'utf8').split('## OWASP');
  const rows =
    practices
      .split('\n## ')[0]
      ?.split('\n')
      .filter((line) => /^\| [^|-]/.test(line)) ?? [];
  expect(rows.length).toBeGreaterThan(40);
  const without = rows.filter(
    (row) => !/^\| (practice|rule|risk) /.test(row) && !/`(test|bench)\/[^`]+`|outside|not built/.test(row),
  );
  expect(without).toEqual([]);
});
