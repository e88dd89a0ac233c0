import type { Mutant } from './mutation.js';
import { showMutation } from './mutation.js';
import type { Reach } from './reach.js';
import type { Result, Verdict } from './results.js';
import { readSource } from './sources.js';
import type { Tree } from './tree.js';
import { runTests, type TestRun } from './vitest.js';

/** The state that trials share: the tests to run, their durations, and those that fail without any mutant. */
export interface Conditions {
  reach: Reach;
  /** How many of the nearest test files are run. */
  nearest: number;
  timeoutMs: number;
  timesMs: Map<string, number>;
  /** Whether a test must fail twice, because it could fail by chance: on a machine that others load as well. */
  twice: boolean;
  /** By test file, whether it passes without a mutant. Filled when a test file fails with one. */
  isSound: Map<string, boolean>;
}

/** The nearest few go first: most mutants die there, and a run with few files is short. */
const firstBatch = 4;

/** Tries one mutant with the test files nearest to it. */
export async function tryMutant(tree: Tree, mutant: Mutant, conditions: Conditions): Promise<Result> {
  const tests = conditions.reach.nearest(mutant).slice(0, conditions.nearest);
  const batches = [tests.slice(0, firstBatch), tests.slice(firstBatch)].filter((batch) => batch.length > 0);
  const ran: string[] = [];
  const conclude = (verdict: Verdict, because?: string): Result => ({
    ...describe(mutant),
    verdict,
    ...(because !== undefined && { because }),
    tests: ran,
  });
  tree.apply([mutant]);
  for (const batch of batches) {
    ran.push(...batch);
    const { killer, verdict } = await runBatch(tree, mutant, batch, conditions);
    if (verdict) return conclude(verdict, killer);
  }
  const [typeError] = mutant.file.endsWith('.ts') ? tree.findTypeErrors() : [];
  return typeError === undefined ? conclude('survived') : conclude('refused', typeError);
}

export function describe(mutant: Mutant): Pick<Result, 'id' | 'file' | 'line' | 'operator' | 'change'> {
  const { id, file, line, operator } = mutant;
  return { id, file, line, operator, change: showMutation(readSource(file), mutant) };
}

async function runBatch(
  tree: Tree,
  mutant: Mutant,
  batch: readonly string[],
  conditions: Conditions,
): Promise<{ verdict?: Verdict; killer?: string }> {
  const sound = batch.filter((test) => conditions.isSound.get(test) !== false);
  if (sound.length === 0) return {};
  const run = await runTests(tree, sound, { timeoutMs: conditions.timeoutMs, bail: true });
  for (const [test, ms] of run.timesMs) conditions.timesMs.set(test, ms);
  if (run.outcome === 'passed') return {};
  if (run.outcome === 'timed out')
    return (await endsInTime(tree, mutant, sound, conditions)) ? { verdict: 'timed out' } : {};
  if (run.outcome === 'broken') {
    const isSql = mutant.file.endsWith('.sql');
    return { verdict: isSql ? 'refused' : 'killed', killer: `no test starts: ${lastLine(run)}` };
  }
  const [first] = run.failed;
  if (first && !(await isSound(tree, mutant, first.file, conditions)))
    return runBatch(tree, mutant, batch, conditions);
  if (first && conditions.twice && !(await failsAgain(tree, first.file, conditions)))
    return runBatch(
      tree,
      mutant,
      batch.filter((test) => test !== first.file),
      conditions,
    );
  const killer = first ? `${first.file}: ${first.test}: ${first.message}` : `the run fails: ${lastLine(run)}`;
  return { verdict: 'killed', killer };
}

/** A test that fails without the mutant as well says nothing about it. */
async function isSound(tree: Tree, mutant: Mutant, test: string, conditions: Conditions): Promise<boolean> {
  const known = conditions.isSound.get(test);
  if (known !== undefined) return known;
  tree.apply([]);
  const run = await runTests(tree, [test], { timeoutMs: conditions.timeoutMs, bail: false });
  tree.apply([mutant]);
  const passes = run.outcome === 'passed';
  conditions.isSound.set(test, passes);
  return passes;
}

/** Whether the tests end in time without the mutant. If they do not, that they were late with it says nothing. */
async function endsInTime(
  tree: Tree,
  mutant: Mutant,
  tests: readonly string[],
  conditions: Conditions,
): Promise<boolean> {
  const known = tests.map((test) => conditions.timesMs.get(test) ?? Number.POSITIVE_INFINITY);
  if (known.reduce((sum, ms) => sum + ms, 0) < conditions.timeoutMs / 2) return true;
  tree.apply([]);
  const run = await runTests(tree, tests, { timeoutMs: conditions.timeoutMs, bail: false });
  for (const [test, ms] of run.timesMs) conditions.timesMs.set(test, ms);
  tree.apply([mutant]);
  return run.outcome !== 'timed out';
}

async function failsAgain(tree: Tree, test: string, conditions: Conditions): Promise<boolean> {
  const run = await runTests(tree, [test], { timeoutMs: conditions.timeoutMs, bail: true });
  return run.outcome !== 'passed';
}

function lastLine({ output }: TestRun): string {
  const lines = output.split('\n').filter((line) => /error/i.test(line));
  return (lines[0] ?? output.trim().split('\n').at(-1) ?? '').trim().slice(0, 200);
}
