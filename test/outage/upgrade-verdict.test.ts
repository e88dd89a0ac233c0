import { expect, test } from 'vitest';
import { problemsOfPhase } from '../../bench/upgrade/phase.js';

const good = { done: 5, failed: {}, slowestMs: 3 };

test('a phase of bench/upgrade.ts fails after an error, and when a kind of work was not done at all', () => {
  expect(problemsOfPhase({ resolve: good, changes: good })).toEqual([]);
  const failed = { TENANT_SUSPENDED: 2 };
  expect(problemsOfPhase({ resolve: { ...good, failed }, changes: { ...good, done: 0 } })).toEqual([
    'resolve: 2 times TENANT_SUSPENDED',
    'changes: none succeeded',
  ]);
});
