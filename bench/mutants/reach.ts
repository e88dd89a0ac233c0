import { basename, dirname } from 'node:path';
import { findImports } from './imports.js';
import type { Mutant } from './mutation.js';
import { readSource } from './sources.js';

/** How far a mutant's file is from a test file, and what both speak of: the tests that see a mistake first come first. */
export interface Reach {
  /** The test files that reach the mutant, nearest first. */
  nearest(mutant: Mutant): string[];
  tests: readonly string[];
}

/** @param timesMs how long a test file took when it ran last; of equally near ones the faster goes first */
export function openReach(files: readonly string[], timesMs: ReadonlyMap<string, number>): Reach {
  const tests = files.filter((file) => /^test\/.*\.test\.ts$/.test(file));
  const importers = invert(files.filter((file) => /^(src|test|examples|bin)\/.*\.[jt]s$/.test(file)));
  return {
    tests,
    nearest(mutant) {
      const distances = mutant.file.endsWith('.sql')
        ? measureSql(mutant, tests)
        : measure(mutant.file, importers);
      const ofTest = (test: string) => distances.get(test) ?? Number.POSITIVE_INFINITY;
      const words = wordsAround(mutant);
      const ranks = new Map(
        tests.map((test) => [test, ofTest(test) - 2 * affinity(mutant.file, test) - mentions(test, words)]),
      );
      const order = (test: string) => ranks.get(test) ?? 0;
      return tests
        .filter((test) => Number.isFinite(ofTest(test)))
        .sort((a, b) => order(a) - order(b) || (timesMs.get(a) ?? 0) - (timesMs.get(b) ?? 0));
    },
  };
}

function invert(files: readonly string[]): Map<string, string[]> {
  const importers = new Map<string, string[]>();
  for (const file of files)
    for (const imported of findImports(file))
      importers.set(imported, [...(importers.get(imported) ?? []), file]);
  return importers;
}

/** Steps from the file to each file that imports it, by way of others or not. */
function measure(file: string, importers: ReadonlyMap<string, readonly string[]>): Map<string, number> {
  const distances = new Map([[file, 0]]);
  // A map can grow while it is walked: this is a breadth-first search.
  for (const [reached, distance] of distances)
    for (const importer of importers.get(reached) ?? [])
      if (!distances.has(importer)) distances.set(importer, distance + 1);
  return distances;
}

/** Where SQL is tested first; every test that has a registry runs its migrations. */
const testsOfMigrations = [
  'test/sql/',
  'test/database/',
  'test/registry/',
  'test/concurrency/',
  'test/graphql/',
  'test/',
];
const testsOfModules = ['test/sql/modules', 'test/sql/', 'test/provisioning/', 'test/client/', 'test/'];

function measureSql({ file }: Mutant, tests: readonly string[]): Map<string, number> {
  const folders = file.startsWith('modules/') ? testsOfModules : testsOfMigrations;
  return new Map(tests.map((test) => [test, folders.findIndex((folder) => test.startsWith(folder))]));
}

/**
 * Words that the paths share: test/feed/follower.test.ts is the test of src/feed/follower.ts. A test that says
 * `acceptInvitation` is one of accept-invitation.ts.
 */
function affinity(file: string, test: string): number {
  const words = pathWords(test).map(stem);
  const shared = pathWords(file).filter((word) => words.includes(stem(word))).length;
  const name = camelCase(basename(file).replace(/\..*$/, ''));
  return shared + (/[A-Z]/.test(name) && readSource(test).includes(name) ? 1.5 : 0);
}

function pathWords(path: string): string[] {
  // All migrations of the registry have one name; their folders say what they are about.
  const named = path.replace(/^prisma\/migrations\/(\w+)\/migration\.sql$/, 'prisma/$1.sql');
  const name = basename(named).replace(/\..*$/, '');
  return [basename(dirname(named)), ...name.split(/[-_]/), name].filter((word) => /^[a-z].{2}/.test(word));
}

/** "members" and "membership" count as one. */
function stem(word: string): string {
  return word.slice(0, 6);
}

function camelCase(words: string): string {
  return words.replace(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Identifiers in the paragraph of the mutant: tables, functions, fields. */
function wordsAround({ file, start, end }: Mutant): string[] {
  const source = readSource(file);
  const from = source.lastIndexOf('\n\n', start) + 1;
  const to = source.indexOf('\n\n', end);
  const paragraph = source.slice(from, to < 0 ? source.length : to);
  const isSql = file.endsWith('.sql');
  const words = paragraph.match(isSql ? /\b[a-z]+(?:_[a-z]+)+\b/g : /\b[a-z]+(?:[A-Z][a-z]+)+\b/g) ?? [];
  return [...new Set(words)];
}

/** The texts of the test and of the support files that it imports itself, which may contain its cases. */
function textOf(test: string): string {
  const support = findImports(test).filter(
    (file) => file.startsWith('test/') && !file.startsWith('test/setup/'),
  );
  return [test, ...support].map(readSource).join('\n');
}

/** Up to three steps nearer, by the share of the words that the test says, in its own spelling or in TypeScript's. */
function mentions(test: string, words: readonly string[]): number {
  if (words.length === 0) return 0;
  const text = textOf(test);
  const isSaid = (word: string) => text.includes(word) || text.includes(camelCase(word));
  return (3 * words.filter(isSaid).length) / words.length;
}
