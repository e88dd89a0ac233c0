import type { Mutant } from './mutation.js';
import type { Result } from './results.js';
import type { Tree } from './tree.js';
import type { Conditions } from './trial.js';
import { runTests } from './vitest.js';

/** More at once would make it likely that the one hides the other. */
const groupSize = 8;
/** A run of all tests. */
const allTimeoutMs = 45 * 60_000;

export interface Survivor {
  mutant: Mutant;
  result: Result;
}

/**
 * Tries survivors with every test, several of different files at once. When a test fails, each mutant of the group is
 * tried alone with the files that failed, and those left are tried with everything again. `report` is told each verdict.
 */
export async function tryAgainstAll(
  tree: Tree,
  survivors: readonly Survivor[],
  conditions: Conditions,
  report: (result: Result) => void,
): Promise<void> {
  for (const group of groupByFile(survivors)) {
    let left = group;
    while (left.length > 0) {
      const failedFiles = await findFailures(tree, left, conditions);
      if (failedFiles.length === 0) {
        for (const { result } of left) report({ ...result, againstAll: true });
        break;
      }
      const alive: Survivor[] = [];
      for (const survivor of left) {
        const killer = await findKiller(tree, survivor, failedFiles, conditions);
        if (killer === undefined) alive.push(survivor);
        else report({ ...survivor.result, verdict: 'killed', because: killer, againstAll: true });
      }
      // These tests fail without this mutant as well: by chance, or by two mutants together.
      if (alive.length === left.length) for (const file of failedFiles) conditions.isSound.set(file, false);
      left = alive;
    }
  }
}

async function findFailures(
  tree: Tree,
  survivors: readonly Survivor[],
  conditions: Conditions,
): Promise<string[]> {
  const sound = conditions.reach.tests.filter((test) => conditions.isSound.get(test) !== false);
  tree.apply(survivors.map(({ mutant }) => mutant));
  const run = await runTests(tree, sound, { timeoutMs: allTimeoutMs, bail: false, isWhole: true });
  if (run.outcome === 'timed out' || run.outcome === 'broken')
    throw new Error(`all tests with ${survivors.map(({ result }) => result.id).join(', ')}: ${run.outcome}`);
  return [...new Set(run.failed.map(({ file }) => file))];
}

async function findKiller(
  tree: Tree,
  { mutant }: Survivor,
  files: readonly string[],
  conditions: Conditions,
): Promise<string | undefined> {
  tree.apply([mutant]);
  const run = await runTests(tree, files, { timeoutMs: conditions.timeoutMs, bail: true });
  if (run.outcome === 'passed') return undefined;
  const [first] = run.failed;
  return first ? `${first.file}: ${first.test}: ${first.message}` : run.outcome;
}

/** Groups in which no file occurs twice. */
function groupByFile(survivors: readonly Survivor[]): Survivor[][] {
  const groups: Survivor[][] = [];
  for (const survivor of survivors) {
    const isFree = (group: readonly Survivor[]) =>
      group.length < groupSize && group.every(({ mutant }) => mutant.file !== survivor.mutant.file);
    const group = groups.find(isFree);
    if (group) group.push(survivor);
    else groups.push([survivor]);
  }
  return groups;
}
