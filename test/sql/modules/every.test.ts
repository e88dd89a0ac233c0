import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type ModuleCases, primaryKey, unique } from './support/cases.js';
import { holdCases } from './support/hold-cases.js';
import { modulesDir } from './support/tenant-schema.js';

const every: ModuleCases = {
  module: '_every',
  seed: [],
  tables: {
    settings: {
      row: () => ({ key: unique('invoice.payment_days'), value: '{"days": 30}' }),
      optional: ['updated_at'],
      defaults: { updated_at: 'local now' },
      sizes: { key: 100 },
    },
    activity_log: {
      row: () => ({
        action: 'invoice.issued',
        entity_type: 'ar_invoice',
        entity_id: '00000000-0000-4000-8000-000000000001',
        details: '{"number": "INV-1"}',
      }),
      optional: ['entity_type', 'entity_id', 'details', 'created_at'],
      defaults: { id: 'uuid', created_at: 'local now' },
      sizes: { action: 100, entity_type: 50 },
    },
  },
  checks: [],
  references: [],
  uniques: [
    { unique: 'settings_pkey', of: 'settings', same: { key: 'theme' }, differs: [{ key: 'Theme' }] },
    primaryKey('activity_log'),
  ],
  promises: [
    {
      holds: [],
      that: 'settings and activity_log have the types that scripts rely on',
      by: async ({ query }) => {
        const typesOf = async (table: string) => {
          const [row] = await query(
            `SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) AS types
             FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0`,
            [table],
          );
          return row?.types;
        };
        expect(await typesOf('settings')).toBe(
          'key character varying(100), value jsonb, updated_at timestamp without time zone',
        );
        expect(await typesOf('activity_log')).toBe(
          'id uuid, action character varying(100), entity_type character varying(50), entity_id uuid, details jsonb, ' +
            'created_at timestamp without time zone',
        );
      },
    },
    {
      holds: [],
      that: 'every module starts with these two tables',
      by: async ({ query }) => {
        const tables = await query(
          'SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = $1 ORDER BY 1',
          ['r'],
        );
        expect(tables.map(({ relname }) => relname)).toEqual(['activity_log', 'settings']);
      },
    },
  ],
};

holdCases(every);

test('every module has a file of cases', async () => {
  const modules = (await readdir(modulesDir, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const files = await readdir(new URL('.', import.meta.url));
  const missing = modules
    .map(({ name }) => `${name.replace(/^_/, '')}.test.ts`)
    .filter((file) => !files.includes(file));
  expect(missing).toEqual([]);
});
