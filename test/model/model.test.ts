import { describe, expect, test } from 'vitest';
import { experiments, redundant, smallModels } from './experiments.js';
import { type Rule, ruleNames, rules, rulesWithout } from './rules.js';
import { type Outcome, search } from './search.js';

const patienceMs = 120_000;

describe('in every reachable state of the protocol', () => {
  test.each(Object.entries(smallModels))(
    'no invariant is broken: %s',
    {
      timeout: patienceMs,
    },
    (name, size) => {
      const outcome = search({ ...size, rules: rulesWithout() });
      print(name, outcome);
      expect(outcome.violation).toBeUndefined();
      expect(outcome.isComplete).toBe(true);
      expect(outcome.states).toBeGreaterThan(100_000);
    },
  );
});

describe('each rule of the protocol is needed, or known to be redundant', () => {
  test('every rule has an experiment', () => {
    expect([...Object.keys(experiments), ...Object.keys(redundant)].sort()).toEqual([...ruleNames].sort());
  });

  test.each(Object.entries(experiments))(
    'without “%s” a property fails',
    {
      timeout: patienceMs,
    },
    (rule, { size, breaks }) => {
      const { violation } = search({ ...size, rules: rulesWithout(rule as Rule) }, { property: breaks });
      expect(violation?.property).toBe(breaks);
      print(`without “${rules[rule as Rule]}”`, violation?.trace ?? []);
    },
  );

  test.each(Object.entries(redundant))(
    'without “%s” no property fails',
    {
      timeout: patienceMs,
    },
    (rule, size) => {
      const outcome = search({ ...size, rules: rulesWithout(rule as Rule) });
      print(`without “${rules[rule as Rule]}”`, outcome);
      expect(outcome).toMatchObject({ violation: undefined, isComplete: true });
    },
  );
});

function print(what: string, found: Outcome | readonly string[]): void {
  const text =
    'states' in found
      ? `${found.states.toLocaleString('en')} states, ${found.depth} moves deep`
      : found.map((line) => `\n  ${line}`).join('');
  process.stdout.write(`${what}: ${text}\n`);
}
