import { describe, expect, test } from 'vitest';
import { readColumnMap } from '../../../src/importing/platform/column-map.js';
import { guessTable, writeColumnMap } from '../../../src/importing/platform/guess-columns.js';

const customers = {
  schema: 'crm',
  name: 'customers',
  columns: ['customer_no', 'title', 'tariff', 'contact_mail', 'seats', 'shoe_size'],
};
const people = {
  schema: 'crm',
  name: 'people',
  columns: ['customer_no', 'login', 'address', 'display_name'],
};

describe('the map of columns', () => {
  test('that is suggested for unknown tables can be read again, and names what is left', () => {
    const text = writeColumnMap([guessTable(people), guessTable(customers)].flatMap((guess) => guess ?? []));
    expect(text).toContain('# Columns of crm.customers without a known meaning: shoe_size');
    expect(readColumnMap(text)).toEqual([
      {
        ...{ schema: 'crm', name: 'customers', role: 'tenants' },
        columns: {
          id: 'customer_no',
          name: 'title',
          plan: 'tariff',
          primary_email: 'contact_mail',
          max_users: 'seats',
        },
      },
      {
        ...{ schema: 'crm', name: 'people', role: 'users' },
        columns: { tenant: 'customer_no', email: 'address', full_name: 'display_name', subject: 'login' },
      },
    ]);
  });

  test('is not suggested for tables that hold nothing of a platform', () => {
    expect(
      guessTable({ schema: 'public', name: 'orders', columns: ['id', 'tenant_id', 'total'] }),
    ).toBeUndefined();
    expect(guessTable({ schema: 'public', name: 'clients', columns: ['first', 'last'] })).toBeUndefined();
    expect(writeColumnMap([])).toMatch(/^# No table was found/);
  });

  test.each([
    ['tables: [', '--columns: is not valid YAML'],
    ['tables: []', 'must name a table'],
    ['tables: [{table: a, is: customers, columns: {}}]', 'must be one of tenants, settings'],
    [
      'tables: [{table: a, is: tenants, columns: {id: x, colour: y}}]',
      'a has the unknown meanings colour: use id, slug',
    ],
    ['tables: [{table: a, is: users, columns: {email: x}}]', 'a lacks the column of tenant'],
    ['tables: [{table: a, is: tenants, columns: {id: x}, query: DROP}]', 'query'],
  ])('%s is refused', (text, message) => {
    expect(() => readColumnMap(text)).toThrow(message);
  });
});
