import { ids, type TableCase, unique } from './cases.js';

let positions = 100;

export const operationsTables: Record<string, TableCase> = {
  party: {
    row: () => ({
      kind: 'person',
      name: 'Ann Smith',
      given_name: 'Ann',
      family_name: 'Smith',
      organisation_id: null,
      tax_number: '4012345678',
      language: 'en-ZA',
      country: 'ZA',
      notes: 'Prefers mornings.',
      archived_at: '2026-03-01T08:00:00Z',
    }),
    optional: [
      'given_name',
      'family_name',
      'organisation_id',
      'tax_number',
      'language',
      'country',
      'notes',
      'archived_at',
    ],
    defaults: { id: 'uuid', roles: [], created_at: 'now', updated_at: 'now' },
    sizes: { kind: 'elsewhere', tax_number: 30, language: 10 },
  },
  party_contact: {
    row: () => ({
      party_id: ids.first,
      kind: 'email',
      value: `${unique('ann')}@example.com`,
      label: 'accounts',
    }),
    optional: ['label'],
    defaults: { id: 'uuid', is_primary: false, created_at: 'now' },
    sizes: { kind: 'elsewhere', label: 50 },
  },
  quote: {
    row: () => ({
      customer_id: ids.first,
      consultant: 'thandi',
      destination: 'cape-town',
      travel_from: '2026-04-01',
      travel_until: '2026-04-10',
      currency: 'ZAR',
      valid_until: '2026-03-31',
      sent_at: '2026-03-01T08:00:00Z',
    }),
    optional: ['consultant', 'destination', 'travel_from', 'travel_until', 'valid_until', 'sent_at'],
    defaults: { id: 'uuid', status: 'draft', adults: 1, children: 0, created_at: 'now', updated_at: 'now' },
    computed: ['number'],
    sizes: { consultant: 100, destination: 50, status: 'elsewhere' },
  },
  quote_line: {
    row: () => {
      positions += 1;
      return {
        quote_id: ids.first,
        position: positions,
        kind: 'accommodation',
        description: 'Lodge, half board',
        supplier_id: ids.second,
        unit_cost: '80.00',
        unit_price: '1',
      };
    },
    optional: ['supplier_id', 'unit_cost'],
    defaults: { id: 'uuid', quantity: 1 },
    computed: ['amount'],
    sizes: {
      kind: 'elsewhere',
      quantity: '999999999.999',
      unit_cost: '999999999999.99',
      unit_price: '999999999999.99',
    },
  },
  booking: {
    row: () => ({
      quote_id: null,
      customer_id: ids.first,
      starts_on: '2026-04-01',
      ends_on: '2026-04-10',
      cancelled_at: null,
    }),
    optional: ['quote_id', 'cancelled_at'],
    defaults: { id: 'uuid', status: 'provisional', created_at: 'now', updated_at: 'now' },
    computed: ['number'],
    sizes: { status: 'elsewhere' },
  },
  booking_traveller: {
    row: () => ({ booking_id: ids.first, party_id: ids.first }),
    optional: [],
    defaults: { is_lead: false },
    sizes: {},
  },
};
