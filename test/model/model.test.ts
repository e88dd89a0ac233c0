import { describe, expect, test } from 'vitest';
import { experiments, redundant, smallWorlds } from './experiments.js';
import { type Rule, ruleNames, rules, rulesWithout } from './rules.js';
import { type Outcome, search } from './search.js';

const patienceMs = 120_000;

describe('in every state that the protocol can get into', () => {
  test.each(Object.entries(smallWorlds))(
    'no invariant is broken: %s',
    {
      timeout: patienceMs,
    },
    (name, size) => {
      const outcome = search({ ...size, rules: rulesWithout() });
      say(name, outcome);
      expect(outcome.violation).toBeUndefined();
      expect(outcome.isComplete).toBe(true);
      expect(outcome.states).toBeGreaterThan(100_000);
    },
  );
});

describe('each rule of the protocol is needed, or known not to be', () => {
  test('all of them are tried', () => {
    expect([...Object.keys(experiments), ...Object.keys(redundant)].sort()).toEqual([...ruleNames].sort());
  });

  test.each(Object.entries(experiments))(
    'without “%s” there is a way to break it',
    {
      timeout: patienceMs,
    },
    (rule, { size, breaks }) => {
      const { violation } = search({ ...size, rules: rulesWithout(rule as Rule) }, { property: breaks });
      expect(violation?.property).toBe(breaks);
      say(`without “${rules[rule as Rule]}”`, violation?.trace ?? []);
    },
  );

  test.each(Object.entries(redundant))(
    'without “%s” there is none',
    {
      timeout: patienceMs,
    },
    (rule, size) => {
      const outcome = search({ ...size, rules: rulesWithout(rule as Rule) });
      say(`without “${rules[rule as Rule]}”`, outcome);
      expect(outcome).toMatchObject({ violation: undefined, isComplete: true });
    },
  );
});

function say(what: string, found: Outcome | readonly string[]): void {
  const text =
    'states' in found
      ? `${found.states.toLocaleString('en')} states, ${found.depth} moves deep`
      : found.map((line) => `\n  ${line}`).join('');
  process.stdout.write(`${what}: ${text}\n`);
}
