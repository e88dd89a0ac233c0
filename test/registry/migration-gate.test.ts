import { describe, expect, test } from 'vitest';
import { RegistryError } from '../../src/errors.js';
import { hasReached, readMinMigration, refuseBehind } from '../../src/registry/resolution/migration-gate.js';
import type { Route } from '../../src/registry/resolution/route.js';

describe('a tenant has the required migration', () => {
  test.each([
    // [migration of the tenant, required one, whether the tenant has it]
    ['finance/0007_invoices.sql', 'finance/0007_invoices.sql', true],
    ['finance/0007_invoices.sql', '0007_invoices.sql', true],
    ['finance/0007_invoices.sql', '0007_invoices', true],
    ['finance/0007_invoices.sql', '0007', true],
    ['finance/0008_dunning.sql', 'finance/0007_invoices.sql', true],
    ['finance/0010_dunning.sql', '0009', true],
    ['finance/0006_rates.sql', 'finance/0007_invoices.sql', false],
    ['finance/0006_rates.sql', '0007', false],
    // The order of the files' names, in which "-" comes before "." and "." before "_".
    ['finance/0001-a.sql', '0001.sql', false],
    ['finance/0001_a.sql', '0001.sql', true],
    // A file of another module's folder says nothing about this one.
    ['finance/0007_invoices.sql', 'inventory/0001_items.sql', false],
    // Only the files that every module has: none of the module's own ran.
    ['_every/0001_settings_and_activity_log.sql', '0001', false],
    // Adopted storage, which the registry has never migrated.
    [null, '0001', false],
  ])('%s, required %s: %s', (version, minMigration, expected) => {
    expect(hasReached(version, minMigration)).toBe(expected);
  });
});

describe('minMigration is refused', () => {
  test.each([
    ['', 'expected the name of a migration'],
    ['/', 'expected the name of a migration'],
    ['finance/', 'expected the name of a migration'],
    ['a/b/c', 'expected the name of a migration'],
    ['0007\u0000', 'expected the name of a migration'],
    ['0007\n0008', 'expected the name of a migration'],
    ['x'.repeat(201), 'expected the name of a migration'],
    ['_every/0001_settings_and_activity_log.sql', 'is not a file of the module'],
  ])('%j', (text, problem) => {
    expect(() => readMinMigration(text, 'minMigration')).toThrow(problem);
  });

  test('not when it is absent', () => {
    expect(readMinMigration(undefined, 'minMigration')).toBeUndefined();
    expect(readMinMigration(null, 'minMigration')).toBeUndefined();
  });
});

describe('the refusal of a tenant that is behind', () => {
  const route = {
    tenantSlug: 'acme',
    module: 'finance',
    migrationVersion: 'finance/0006_rates.sql',
  } as Route;
  test.each([
    ['no rollout', undefined, 'SCHEMA_BEHIND'],
    ['a rollout that ends before the file', 'finance/0006_rates.sql', 'SCHEMA_BEHIND'],
    ['a rollout that runs the file', 'finance/0007_invoices.sql', 'SCHEMA_MIGRATING'],
    ['a rollout that goes beyond the file', 'finance/0009_dunning.sql', 'SCHEMA_MIGRATING'],
  ])('with %s', (_case, targetVersion, code) => {
    const rollout = targetVersion === undefined ? undefined : { rolloutId: '0198', targetVersion };
    const refusal = refuseBehind(route, '0007', { version: route.migrationVersion, rollout });
    expect(refusal).toBeInstanceOf(RegistryError);
    expect(refusal.code).toBe(code);
    expect(refusal.message).toContain('acme');
    expect(refusal.message).toContain('finance/0006_rates.sql');
    // Only what ends by itself says when to ask again.
    expect(refusal.retryAfterMs).toBe(code === 'SCHEMA_MIGRATING' ? 1_000 : undefined);
  });
});
