import { describe, expect, test } from 'vitest';
import { errorTable, RegistryError, statusByCode } from '../src/errors.js';

describe('the table of errors', () => {
  test.each(Object.entries(errorTable))('%s has an HTTP status, a meaning and a way out', (_code, row) => {
    expect(row.status).toBeGreaterThanOrEqual(400);
    expect(row.status).toBeLessThan(600);
    // One line each, so that they fit into a row of a table.
    expect(row.meaning).toMatch(/^[A-Z][^\n|]+\.$/);
    expect(row.action).toMatch(/^[A-Z][^\n|]+\.$/);
  });

  test('explains no two codes with the same sentence', () => {
    const meanings = Object.values(errorTable).map(({ meaning }) => meaning);
    expect(new Set(meanings).size).toBe(meanings.length);
  });

  test('gives a RegistryError its status', () => {
    expect(statusByCode.TENANT_DELETED).toBe(410);
    expect(new RegistryError('TENANT_DELETED', 'Tenant acme is deleted').status).toBe(410);
  });
});
