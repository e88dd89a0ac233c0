import { describe, expect, test } from 'vitest';
import { planProvisioning } from '../../../src/provisioning/operations/plan.js';
import { pauseAfterMs } from '../../../src/provisioning/operations/run/transient-errors.js';

const ledger = { moduleName: 'ledger', isolation: 'SCHEMA' } as const;
const vault = { moduleName: 'vault', isolation: 'DATABASE' } as const;

describe('the plan of a provisioning', () => {
  test('creates all storage in the given order before any route becomes visible', () => {
    expect(planProvisioning([vault, ledger], { activate: true })).toEqual([
      { name: 'create_database', moduleName: 'vault' },
      { name: 'create_schema', moduleName: 'ledger' },
      { name: 'activate_route', moduleName: null },
    ]);
  });

  test('has one step that makes routes visible, for any number of modules', () => {
    const many = Array.from({ length: 50 }, (_, at) => ({ ...ledger, moduleName: `m${at}` }));
    const plan = planProvisioning(many, { activate: true });
    expect(plan).toHaveLength(51);
    expect(plan.filter(({ name }) => name === 'activate_route')).toHaveLength(1);
    expect(plan.at(-1)?.name).toBe('activate_route');
  });

  test('makes no route visible when the storage waits for markModuleProvisioned', () => {
    expect(planProvisioning([ledger], { activate: false })).toEqual([
      { name: 'create_schema', moduleName: 'ledger' },
    ]);
  });

  test('does not change its arguments', () => {
    const wanted = Object.freeze([Object.freeze({ ...ledger })]);
    planProvisioning(wanted, { activate: true });
    expect(wanted).toEqual([ledger]);
  });
});

test.each([
  [1, 1_000],
  [2, 2_000],
  [4, 8_000],
  [5, 15_000],
  [100, 15_000],
  [1_000_000, 15_000],
])('an operation whose attempt %i failed is tried again after %i ms', (attempt, pauseMs) => {
  expect(pauseAfterMs(attempt)).toBe(pauseMs);
});
