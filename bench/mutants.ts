import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Survivor, tryAgainstAll } from './mutants/against-all.js';
import type { Mutant } from './mutants/mutation.js';
import { type Options, readOptions, usage } from './mutants/options.js';
import { openReach } from './mutants/reach.js';
import { killedShare, type Result, type Results, writeResults } from './mutants/results.js';
import { drawSample } from './mutants/sample.js';
import { findMutants, listFiles, root } from './mutants/sources.js';
import { openTree, type Tree } from './mutants/tree.js';
import { type Conditions, describe, tryMutant } from './mutants/trial.js';
import { stopRuns } from './mutants/vitest.js';

/** Tries whether the tests notice mistakes: a random sample of them, one at a time, in a copy of the project. */
async function main(options: Options): Promise<void> {
  if (options.help) return say(usage);
  const { results } = options;
  const files = listFiles();
  const mutants = findMutants(files, results.only);
  const sample = takeSample(results, mutants);
  say(`seed ${results.seed}: ${sample.length} of ${mutants.length} mutants`);
  if (options.list) {
    for (const mutant of sample) say(`\n${mutant.id} (line ${mutant.line})\n${describe(mutant).change}`);
    return;
  }
  say(`results: ${options.file}`);
  const timesMs = new Map(Object.entries(results.timesMs));
  const { nearest, timeoutMs, twice } = options;
  const conditions: Conditions = {
    reach: openReach(files, timesMs),
    nearest,
    timeoutMs,
    twice,
    timesMs,
    isSound: new Map(),
  };
  const record = (result: Result) => {
    const others = results.results.filter(({ id }) => id !== result.id);
    results.results = [...others, result];
    results.timesMs = Object.fromEntries(timesMs);
    writeResults(options.file, results);
    say(`${result.verdict.padEnd(10)} ${result.id} (line ${result.line}) ${result.because ?? ''}`);
  };
  const equivalent = readEquivalent();
  const judged = new Set(results.results.map(({ id }) => id));
  const waiting = sample.filter(({ id }) => !judged.has(id));
  const work = async (tree: Tree) => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const because = equivalent[mutant.id];
      if (because !== undefined) record({ ...describe(mutant), verdict: 'equivalent', because, tests: [] });
      else record(await tryMutant(tree, mutant, conditions));
    }
  };
  const trees: Tree[] = [];
  for (let job = 0; job < Math.min(options.jobs, Math.max(1, waiting.length)); job++)
    trees.push(await openTree(files));
  try {
    await Promise.all(trees.map(work));
    const [tree] = trees;
    if (options.againstAll && tree)
      await tryAgainstAll(tree, survivorsOf(results.results, mutants), conditions, record);
  } finally {
    for (const tree of trees) await tree.close();
  }
  for (const [test, passes] of conditions.isSound) if (!passes) say(`${test} fails without a mutant as well`);
  printSummary(results.results, results.seed);
}

/** The sample of an interrupted run stays the same, without the mutants whose lines have changed since. */
function takeSample(results: Results, mutants: readonly Mutant[]): Mutant[] {
  if (results.ids.length === 0) {
    const drawn = drawSample(mutants, results.sample, results.seed);
    results.ids = drawn.map(({ id }) => id);
    return drawn;
  }
  const byId = new Map(mutants.map((mutant) => [mutant.id, mutant]));
  return results.ids.flatMap((id) => {
    const mutant = byId.get(id);
    if (!mutant) say(`gone       ${id}: its line has changed`);
    return mutant ?? [];
  });
}

/** Those that have not met every test yet. */
function survivorsOf(results: readonly Result[], mutants: readonly Mutant[]): Survivor[] {
  const byId = new Map(mutants.map((mutant) => [mutant.id, mutant]));
  return results
    .filter(({ verdict, againstAll }) => verdict === 'survived' && !againstAll)
    .flatMap((result) => {
      const mutant = byId.get(result.id);
      return mutant ? [{ mutant, result }] : [];
    });
}

/** Reasons by id, found by hand. */
function readEquivalent(): Record<string, string> {
  return JSON.parse(readFileSync(join(root, 'bench/mutants/equivalent.json'), 'utf8')) as Record<
    string,
    string
  >;
}

function printSummary(results: readonly Result[], seed: number): void {
  for (const { id, line, change, tests, againstAll } of results.filter(
    ({ verdict }) => verdict === 'survived',
  ))
    say(`\nsurvived   ${id} (line ${line})\n${change}\n  ${againstAll ? 'all tests' : tests.join(' ')}`);
  const count = (verdict: Result['verdict']) => results.filter((result) => result.verdict === verdict).length;
  say(
    `\n${count('killed')} killed, ${count('timed out')} timed out, ${count('survived')} survived, ` +
      `${count('refused')} refused by a compiler, ${count('equivalent')} equivalent by hand; ` +
      `${killedShare(results).toFixed(0)} % of those that tests can kill are killed (seed ${seed})`,
  );
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    stopRuns();
    process.exit(130);
  });

try {
  await main(readOptions(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  process.exitCode = 1;
}
