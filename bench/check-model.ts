import { readFile } from 'node:fs/promises';
import type { TraceLine } from '../src/feed/protocol-trace.js';
import { experiments, largeModels, redundant } from '../test/model/experiments.js';
import { replay } from '../test/model/replay.js';
import { type Rule, rules, rulesWithout } from '../test/model/rules.js';
import { type Outcome, search } from '../test/model/search.js';
import type { Model } from '../test/model/state.js';

/**
 * Goes through every state that the protocol can get into, in larger worlds than the suite has time for, and then through
 * those without one rule each, with the shortest way to what breaks: `tsx bench/check-model.ts [part of a name]`.
 *
 * `tsx bench/check-model.ts --trace <files>` replays what gateways have logged in the folder of PROTOCOL_TRACE: all files of one run.
 */
const [first, ...files] = process.argv.slice(2);
if (first === '--trace') await checkTrace(files);
else searchModels(first ?? '');

function searchModels(wanted: string): void {
  for (const [name, size] of Object.entries(largeModels)) {
    if (!name.includes(wanted)) continue;
    const outcome = run(name, { ...size, rules: rulesWithout() });
    if (outcome.violation || !outcome.isComplete) process.exitCode = 1;
  }
  for (const [rule, { size, breaks }] of Object.entries(experiments) as [
    Rule,
    (typeof experiments)['lease'],
  ][]) {
    if (!rule.includes(wanted)) continue;
    const model = { ...size, rules: rulesWithout(rule) };
    if (!run(`without “${rules[rule]}”`, model, { property: breaks }).violation) process.exitCode = 1;
  }
  for (const [rule, size] of Object.entries(redundant) as [Rule, Model][]) {
    if (!rule.includes(wanted)) continue;
    if (run(`without “${rules[rule]}”`, { ...size, rules: rulesWithout(rule) }).violation)
      process.exitCode = 1;
  }
}

/** Every observed step must be one that the model allows. */
async function checkTrace(files: readonly string[]): Promise<void> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const lines = texts.flatMap((text) => text.split('\n').filter((line) => line !== ''));
  const { steps, byStep, refused } = replay(lines.map((line): TraceLine => JSON.parse(line)));
  say(`${steps} steps of ${files.length} gateways: ${JSON.stringify(byStep)}`);
  for (const problem of refused.slice(0, 20)) say(problem);
  say(`${refused.length} steps that the model does not allow`);
  if (steps === 0 || refused.length > 0) process.exitCode = 1;
}

function run(name: string, model: Model, options?: Parameters<typeof search>[1]): Outcome {
  const startedAt = performance.now();
  const outcome = search(model, options);
  const seconds = (performance.now() - startedAt) / 1_000;
  const { states, transitions, depth, violation } = outcome;
  const count = (number: number) => Math.round(number).toLocaleString('en');
  say(`${name}: ${count(states)} states, ${count(transitions)} transitions, ${depth} moves deep,`);
  say(`  ${count(states / seconds)} states/s, ${seconds.toFixed(1)} s: ${violation ? '' : 'nothing breaks'}`);
  for (const line of violation?.trace ?? []) say(`    ${line}`);
  return outcome;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
