import {
  atLeast,
  atLeastNumeric,
  code,
  ids,
  listed,
  type ModuleCases,
  notBlank,
  primaryKey,
} from './support/cases.js';
import { financeTables } from './support/finance-tables.js';
import { holdCases } from './support/hold-cases.js';
import { invoicePromises } from './support/invoice-promises.js';
import { issuePromises } from './support/issue-promises.js';
import { paymentPromises } from './support/payment-promises.js';

const issued = { status: 'issued', number: 'INV-000001', issued_on: '2026-03-01', due_on: '2026-03-31' };

const finance: ModuleCases = {
  module: 'finance',
  seed: [
    ['ar_customer', { id: ids.first }],
    ['ar_customer', { id: ids.second }],
    ['ar_invoice', { id: ids.first, customer_id: ids.first }],
    ['ar_invoice', { id: ids.second, customer_id: ids.first }],
    ['ar_invoice', { id: ids.third, customer_id: ids.second }],
    ['ar_payment', { id: ids.first }],
    ['ar_payment', { id: ids.second, customer_id: ids.second }],
    ['ar_payment', { id: ids.third, currency: 'EUR' }],
  ],
  tables: financeTables,
  checks: [
    notBlank('ar_customer', 'name'),
    {
      check: 'ar_customer_email_check',
      of: 'ar_customer',
      that: 'an e-mail address has one @ between two parts without spaces',
      accepts: [{ email: 'accounts@example.com' }],
      refuses: [
        { email: 'accounts' },
        { email: '@example.com' },
        { email: 'accounts@' },
        { email: 'a@b@c' },
        { email: 'the accounts@example.com' },
        { email: 'accounts@exam ple.com' },
        { email: '' },
      ],
    },
    code('ar_customer', 'currency', 'ZAR'),
    {
      check: 'ar_customer_payment_days_check',
      of: 'ar_customer',
      that: 'payment takes 0 to 365 days',
      accepts: [{ payment_days: 0 }, { payment_days: 365 }],
      refuses: [{ payment_days: -1 }, { payment_days: 366 }],
    },
    listed('ar_invoice', 'status', ['draft', 'issued', 'void'], { issued }),
    code('ar_invoice', 'currency', 'ZAR'),
    {
      check: 'ar_invoice_issued_check',
      of: 'ar_invoice',
      that: 'an issued invoice has a number, a date and a due date',
      accepts: [issued, { ...issued, status: 'void' }],
      refuses: [
        { ...issued, number: null },
        { ...issued, issued_on: null },
        { ...issued, due_on: null },
      ],
    },
    {
      check: 'ar_invoice_draft_number_check',
      of: 'ar_invoice',
      that: 'a draft has no number',
      accepts: [{ ...issued, status: 'draft', number: null }],
      refuses: [{ status: 'draft', number: 'INV-000001' }],
    },
    {
      check: 'ar_invoice_due_on_check',
      of: 'ar_invoice',
      that: 'an invoice is due on its date or later',
      accepts: [{ ...issued, due_on: issued.issued_on }],
      refuses: [{ ...issued, due_on: '2026-02-28' }],
    },
    atLeast('ar_invoice_line', 'position', '1', '0'),
    notBlank('ar_invoice_line', 'description'),
    {
      check: 'ar_invoice_line_quantity_check',
      of: 'ar_invoice_line',
      that: 'a quantity may be a deduction, but is a number other than 0',
      accepts: [{ quantity: '0.001' }, { quantity: '-0.001' }],
      refuses: [{ quantity: '0' }, { quantity: 'NaN' }],
    },
    {
      check: 'ar_invoice_line_unit_price_check',
      of: 'ar_invoice_line',
      that: 'a price is a number',
      accepts: [{ unit_price: '0' }, { unit_price: '-0.01' }],
      refuses: [{ unit_price: 'NaN' }],
    },
    {
      check: 'ar_invoice_line_tax_percent_check',
      of: 'ar_invoice_line',
      that: 'tax is 0 to 100 percent',
      accepts: [{ tax_percent: '0' }, { tax_percent: '100' }],
      refuses: [{ tax_percent: '-0.01' }, { tax_percent: '100.01' }, { tax_percent: 'NaN' }],
    },
    listed('ar_payment', 'method', ['bank_transfer', 'card', 'cash', 'direct_debit', 'other']),
    { ...atLeastNumeric('ar_payment', 'amount', '0.01', '0'), that: 'a payment is more than 0' },
    code('ar_payment', 'currency', 'ZAR'),
    {
      ...atLeastNumeric('ar_payment_allocation', 'amount', '0.01', '0'),
      that: 'an allocation is more than 0',
    },
    {
      check: 'ar_invoice_series_id_check',
      of: 'ar_invoice_series',
      that: 'there is no second series',
      accepts: [{ id: true }],
      refuses: [{ id: false }],
    },
    seriesCheck('digits', 'digits are 1 to 12', ['1', '12'], ['0', '13']),
    seriesCheck('next_number', 'numbers start at 1', ['1', '9000000000'], ['0']),
  ],
  references: [
    reference('ar_invoice', 'customer_id', 'ar_customer'),
    { ...reference('ar_invoice_line', 'invoice_id', 'ar_invoice'), deletion: 'deletes the row' },
    reference('ar_payment', 'customer_id', 'ar_customer'),
    {
      reference: 'ar_payment_allocation_payment_id_customer_id_currency_fkey',
      of: 'ar_payment_allocation',
      column: 'payment_id',
      to: 'ar_payment',
      deletion: 'deletes the row',
      refuses: [
        { payment_id: ids.first, invoice_id: ids.third, customer_id: ids.second },
        { payment_id: ids.first, currency: 'EUR' },
      ],
    },
    {
      reference: 'ar_payment_allocation_invoice_id_customer_id_currency_fkey',
      of: 'ar_payment_allocation',
      column: 'invoice_id',
      to: 'ar_invoice',
      deletion: 'is refused',
      refuses: [
        { invoice_id: ids.first, payment_id: ids.second, customer_id: ids.second },
        { invoice_id: ids.first, payment_id: ids.third, currency: 'EUR' },
      ],
    },
  ],
  uniques: [
    ...['ar_customer', 'ar_invoice', 'ar_invoice_line', 'ar_payment'].map(primaryKey),
    {
      unique: 'ar_customer_party_id_key',
      of: 'ar_customer',
      same: { party_id: ids.third },
      differs: [{ party_id: ids.nobody }],
    },
    {
      unique: 'ar_invoice_number_key',
      of: 'ar_invoice',
      same: issued,
      differs: [{ number: 'INV-000002' }],
    },
    {
      unique: 'ar_invoice_line_invoice_id_position_key',
      of: 'ar_invoice_line',
      same: { invoice_id: ids.first, position: 1 },
      differs: [{ position: 2 }, { invoice_id: ids.second }],
    },
    {
      unique: 'ar_payment_allocation_pkey',
      of: 'ar_payment_allocation',
      same: { payment_id: ids.first, invoice_id: ids.first },
      differs: [{ invoice_id: ids.second }],
    },
  ],
  promises: [...issuePromises, ...invoicePromises, ...paymentPromises],
};

function reference(of: string, column: string, to: string) {
  return { reference: `${of}_${column}_fkey`, of, column, to, deletion: 'is refused' } as const;
}

function seriesCheck(column: string, that: string, accepts: string[], refuses: string[]) {
  const row = (value: string) => ({ [column]: value });
  return {
    check: `ar_invoice_series_${column}_check`,
    of: 'ar_invoice_series',
    that,
    accepts: accepts.map(row),
    refuses: refuses.map(row),
  };
}

holdCases(finance);
