import { describe, expect, test } from 'vitest';
import { readLegacyTenant } from '../../../src/importing/databases/legacy-tenant.js';

const read = (row: Record<string, unknown>) =>
  readLegacyTenant({ tenant_id: 'A1', ...row }, 'tenants in crm');

describe('a row of an old table', () => {
  test('is read with either name of its columns', () => {
    const named = { slug: 'acme', name: 'Acme' };
    expect(read({ tenant_slug: ' acme ', tenant_name: 'Acme' })).toMatchObject({ id: 'A1', ...named });
    expect(readLegacyTenant({ id: 7, ...named }, 'x')).toMatchObject({ id: '7', source: 'x', ...named });
    expect(readLegacyTenant({ id: null, slug: 'acme' }, 'x')).toBeUndefined();
  });

  test.each([
    [
      ['Finance', 'operations'],
      ['finance', 'operations'],
    ],
    ['{finance,operations}', ['finance', 'operations']],
    ['["finance"]', ['finance']],
    ['finance, operations', ['finance', 'operations']],
    [[], []],
    [null, undefined],
  ])('that lists modules as %j is read as %j', (modules_subscribed, expected) => {
    expect(read({ modules_subscribed })?.modules).toEqual(expected);
  });

  test.each<[Record<string, unknown>, string | undefined]>([
    [{}, undefined],
    [{ status: 'ACTIVE' }, undefined],
    [{ is_active: true, deleted_at: null }, undefined],
    [{ status: 'inactive' }, 'inactive in tenants in crm'],
    [{ status: 'trial' }, 'trial in tenants in crm'],
    [{ active: false }, 'inactive in tenants in crm'],
    [{ status: 'active', deleted_at: '2025-01-01' }, 'deleted in tenants in crm'],
  ])('with %j has the reason of suspension %s', (row, reason) => {
    expect(read(row)?.suspendedReason).toBe(reason);
  });

  test('names schemas and databases, with or without a module', () => {
    const row = { finance_schema: 'f', inventory_schema_name: 'i', schema_name: 's', dbtools_database: 'd' };
    expect(read({ ...row, operations_schema: '' })?.names).toEqual([
      { module: 'finance', kind: 'SCHEMA', name: 'f' },
      { module: 'inventory', kind: 'SCHEMA', name: 'i' },
      { module: undefined, kind: 'SCHEMA', name: 's' },
      { module: 'dbtools', kind: 'DATABASE', name: 'd' },
    ]);
  });
});
