import { describe, expect, test } from 'vitest';
import { planProvisioning } from '../../../src/provisioning/operations/plan.js';

const ledger = { moduleName: 'ledger', isolation: 'SCHEMA' } as const;
const vault = { moduleName: 'vault', isolation: 'DATABASE' } as const;

describe('the plan of a provisioning', () => {
  test('makes all storage in the order given before any route becomes visible', () => {
    expect(planProvisioning([vault, ledger], { activate: true })).toEqual([
      { name: 'create_database', moduleName: 'vault' },
      { name: 'create_schema', moduleName: 'ledger' },
      { name: 'activate_route', moduleName: null },
    ]);
  });

  test('has one step that makes routes visible, however many modules there are', () => {
    const many = Array.from({ length: 50 }, (_, at) => ({ ...ledger, moduleName: `m${at}` }));
    const plan = planProvisioning(many, { activate: true });
    expect(plan).toHaveLength(51);
    expect(plan.filter(({ name }) => name === 'activate_route')).toHaveLength(1);
    expect(plan.at(-1)?.name).toBe('activate_route');
  });

  test('makes no route visible when the storage is to wait for markModuleProvisioned', () => {
    expect(planProvisioning([ledger], { activate: false })).toEqual([
      { name: 'create_schema', moduleName: 'ledger' },
    ]);
  });

  test('leaves what it was given as it was', () => {
    const wanted = Object.freeze([Object.freeze({ ...ledger })]);
    planProvisioning(wanted, { activate: true });
    expect(wanted).toEqual([ledger]);
  });
});
