import { ids, type TableCase } from './cases.js';

let positions = 100;

const greatest = '999999999999.99';

export const financeTables: Record<string, TableCase> = {
  ar_customer: {
    row: () => ({
      party_id: null,
      name: 'Acme Travel',
      email: 'accounts@example.com',
      billing_address: '1 Long Street\nCape Town',
      tax_number: '4012345678',
      currency: 'ZAR',
      archived_at: '2026-03-01T08:00:00Z',
    }),
    optional: ['party_id', 'email', 'billing_address', 'tax_number', 'archived_at'],
    defaults: { id: 'uuid', payment_days: 30, created_at: 'now' },
    sizes: { tax_number: 30 },
  },
  ar_invoice: {
    row: () => ({
      customer_id: ids.first,
      booking_id: ids.nobody,
      number: null,
      currency: 'ZAR',
      issued_on: null,
      due_on: null,
      notes: 'Thank you.',
    }),
    optional: ['booking_id', 'number', 'issued_on', 'due_on', 'notes'],
    defaults: { id: 'uuid', status: 'draft', created_at: 'now' },
    sizes: { number: 'elsewhere', status: 'elsewhere' },
  },
  ar_invoice_line: {
    row: () => {
      positions += 1;
      return { invoice_id: ids.first, position: positions, description: 'Lodge', unit_price: '1' };
    },
    optional: [],
    defaults: { id: 'uuid', quantity: 1, tax_percent: 0 },
    computed: ['net_amount', 'tax_amount'],
    sizes: { quantity: '999999999.999', unit_price: greatest, tax_percent: 'elsewhere' },
  },
  ar_payment: {
    row: () => ({
      customer_id: ids.first,
      received_on: '2026-03-15',
      method: 'bank_transfer',
      reference: 'ACME 1',
      amount: greatest,
      currency: 'ZAR',
    }),
    optional: ['reference'],
    defaults: { id: 'uuid', created_at: 'now' },
    sizes: { method: 'elsewhere', reference: 100, amount: greatest },
  },
  ar_payment_allocation: {
    row: () => ({
      payment_id: ids.first,
      invoice_id: ids.first,
      customer_id: ids.first,
      currency: 'ZAR',
      amount: '10.00',
    }),
    optional: [],
    defaults: { allocated_at: 'now' },
    sizes: { amount: greatest },
  },
  ar_invoice_series: {
    row: () => ({}),
    isSingle: true,
    optional: [],
    defaults: { id: true, prefix: 'INV-', digits: 6, next_number: 1 },
    sizes: { prefix: 20 },
  },
};
