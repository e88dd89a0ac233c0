import { type ModuleCases, notBlank, primaryKey, unique } from './support/cases.js';
import { holdCases } from './support/hold-cases.js';

const dbtools: ModuleCases = {
  module: 'dbtools',
  seed: [],
  tables: {
    saved_query: {
      row: () => ({
        name: unique('Open invoices'),
        description: 'Invoices that are not paid.',
        statement: 'SELECT $1',
        created_by: 'auth0|ann',
      }),
      optional: ['description', 'created_by'],
      defaults: { id: 'uuid', parameters: [], created_at: 'now', updated_at: 'now' },
      sizes: { name: 100, created_by: 200 },
    },
  },
  checks: [
    notBlank('saved_query', 'name'),
    notBlank('saved_query', 'statement'),
    {
      check: 'saved_query_parameters_check',
      of: 'saved_query',
      that: 'parameters are a list',
      accepts: [{ parameters: '[]' }, { parameters: '[{"name": "day", "type": "date", "default": null}]' }],
      refuses: [{ parameters: '{}' }, { parameters: '"[]"' }, { parameters: 'null' }, { parameters: '1' }],
    },
  ],
  references: [],
  uniques: [
    primaryKey('saved_query'),
    {
      unique: 'saved_query_name_key',
      of: 'saved_query',
      same: { name: 'Debtors' },
      differs: [{ name: 'debtors' }],
    },
  ],
  promises: [],
};

holdCases(dbtools);
