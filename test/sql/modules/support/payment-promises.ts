import { expect } from 'vitest';
import { ids, type PromiseCase } from './cases.js';
import { issue } from './issue-promises.js';
import { readAsStranger } from './stranger.js';
import { makeTenantSchema } from './tenant-schema.js';
import type { TenantSession } from './tenant-session.js';

async function pay({ insert }: TenantSession, invoice_id: string, amount: string) {
  const { id: payment_id } = await insert('ar_payment', { amount });
  await insert('ar_payment_allocation', { payment_id, invoice_id, amount });
}

async function balances({ query }: TenantSession) {
  const rows = await query(
    'SELECT jsonb_build_array(number, total::text, paid::text, open::text) AS balance FROM ar_invoice_balance ORDER BY number',
  );
  return rows.map(({ balance }) => balance);
}

export const paymentPromises: PromiseCase[] = [
  {
    holds: ['view ar_invoice_balance'],
    that: 'what is open is all lines with tax minus all allocations, of issued invoices alone',
    by: async (session) => {
      const { insert, query } = session;
      for (const invoice_id of [ids.first, ids.second, ids.third])
        for (const unit_price of ['100', '50'])
          await insert('ar_invoice_line', { invoice_id, unit_price, tax_percent: '15' });
      expect(await balances(session)).toEqual([]);
      await issue(session, ids.first);
      await issue(session, ids.second);
      await pay(session, ids.first, '100');
      await pay(session, ids.first, '30.50');
      expect(await balances(session)).toEqual([
        ['INV-000001', '172.50', '130.50', '42.00'],
        ['INV-000002', '172.50', '0.00', '172.50'],
      ]);
      await query(`UPDATE ar_invoice SET status = 'void' WHERE id = $1`, [ids.second]);
      expect(await balances(session)).toEqual([['INV-000001', '172.50', '130.50', '42.00']]);
    },
  },
  {
    holds: [],
    that: 'the balance repeats the facts of the invoice',
    by: async (session) => {
      await issue(session, ids.first);
      const rows = await session.query('SELECT to_jsonb(ar_invoice_balance) AS row FROM ar_invoice_balance');
      expect(rows.map(({ row }) => row)).toEqual([
        {
          invoice_id: ids.first,
          number: 'INV-000001',
          customer_id: ids.first,
          currency: 'ZAR',
          issued_on: '2026-03-01',
          due_on: '2026-03-31',
          total: 0,
          paid: 0,
          open: 0,
        },
      ]);
    },
  },
  {
    holds: [],
    that: 'open is negative when too much was allocated, and readable however great the total is',
    by: async (session) => {
      for (const _ of [1, 2])
        await session.insert('ar_invoice_line', { invoice_id: ids.second, unit_price: '999999999999.99' });
      await issue(session, ids.first);
      await issue(session, ids.second);
      await pay(session, ids.first, '10');
      expect(await balances(session)).toEqual([
        ['INV-000001', '0.00', '10.00', '-10.00'],
        ['INV-000002', '1999999999999.98', '0.00', '1999999999999.98'],
      ]);
    },
  },
  {
    holds: [],
    that: 'a line is rounded to cents first, and its tax is that of the rounded amount',
    by: async ({ insert }) => {
      const amountsOf = async (quantity: string, unit_price: string, tax_percent: string) => {
        const line = await insert('ar_invoice_line', { quantity, unit_price, tax_percent });
        return [line.net_amount, line.tax_amount];
      };
      expect(await amountsOf('2', '10.25', '15')).toEqual([20.5, 3.08]);
      expect(await amountsOf('0.5', '0.01', '50')).toEqual([0.01, 0.01]);
      expect(await amountsOf('0.4', '0.01', '100')).toEqual([0, 0]);
      // 0.00495 is rounded once: as 0.005 it would become 0.01.
      expect(await amountsOf('0.045', '0.11', '100')).toEqual([0, 0]);
      expect(await amountsOf('1', '0.09', '5.5')).toEqual([0.09, 0]);
      expect(await amountsOf('-1', '0.10', '15')).toEqual([-0.1, -0.02]);
      expect(await amountsOf('1', '999999999999.99', '100')).toEqual([999999999999.99, 999999999999.99]);
    },
  },
  {
    holds: [],
    that: 'the view shows a role nothing that the tables do not show it',
    by: async (session) =>
      expect(await readAsStranger(session, 'ar_invoice_balance')).toMatch(/^42501 .*ar_/),
  },
  {
    holds: [
      'trigger ar_payment_allocation_fit_payment',
      'trigger ar_payment_keep_allocated',
      'function ar_payment_is_overspent',
      'function ar_payment_refuse_overspending',
    ],
    that: 'a payment is spent once: its allocations are never more than what came in',
    by: async ({ insert, outcome, outcomeOfInsert, query }) => {
      const { id: payment_id } = await insert('ar_payment', { amount: '100' });
      const overspent = `23514 Payment ${payment_id} is smaller than the sum of its allocations | Allocate at most the amount of the payment.`;
      const allocation = { payment_id, invoice_id: ids.first };
      expect(await outcomeOfInsert('ar_payment_allocation', { ...allocation, amount: '100.01' })).toBe(
        overspent,
      );
      await insert('ar_payment_allocation', { ...allocation, amount: '60' });
      const rest = { payment_id, invoice_id: ids.second };
      expect(await outcomeOfInsert('ar_payment_allocation', { ...rest, amount: '40.01' })).toBe(overspent);
      expect(await outcomeOfInsert('ar_payment_allocation', { ...rest, amount: '40' })).toBe('done');

      const allocate =
        'UPDATE ar_payment_allocation SET amount = $2 WHERE payment_id = $1 AND invoice_id = $3';
      expect(await outcome(allocate, [payment_id, '60.01', ids.first])).toBe(overspent);
      const correct = 'UPDATE ar_payment SET amount = $2 WHERE id = $1';
      expect(await outcome(correct, [payment_id, '99.99'])).toBe(overspent);
      expect(await outcome(correct, [payment_id, '100.01'])).toBe('done');
      expect(await outcome(allocate, [payment_id, '60.01', ids.first])).toBe('done');
      await query('DELETE FROM ar_payment_allocation WHERE payment_id = $1', [payment_id]);
      expect(await outcome(correct, [payment_id, '1'])).toBe('done');
    },
  },
  {
    holds: [],
    that: 'a payment is spent once under every search_path',
    by: async ({ client, query, insert, outcome }) => {
      await insert('ar_payment_allocation', { amount: '10' });
      await makeTenantSchema(client, 'finance', 'globex');
      await query('SET LOCAL search_path = globex');
      const correct = 'UPDATE acme.ar_payment SET amount = $1';
      expect(await outcome(correct, ['9.99'])).toMatch(/^23514 Payment .* is smaller/);
      expect(await outcome('UPDATE acme.ar_payment_allocation SET amount = 11')).toBe('done');
    },
  },
  {
    holds: ['unique ar_invoice_id_customer_id_currency_key', 'unique ar_payment_id_customer_id_currency_key'],
    that: 'what is settled keeps the customer and the currency of its payment',
    by: async ({ insert, outcome }) => {
      await insert('ar_payment_allocation');
      for (const table of ['ar_invoice', 'ar_payment'])
        for (const change of [`customer_id = '${ids.second}'`, `currency = 'EUR'`])
          expect(await outcome(`UPDATE ${table} SET ${change} WHERE id = $1`, [ids.first])).toBe(
            `23503 ar_payment_allocation_${table.slice(3)}_id_customer_id_currency_fkey`,
          );
    },
  },
  {
    holds: [],
    that: 'an allocation that moves to another payment must fit there',
    by: async ({ insert, outcome }) => {
      const { id: small } = await insert('ar_payment', { amount: '9.99' });
      const { id: large } = await insert('ar_payment', { amount: '10' });
      await insert('ar_payment_allocation', { amount: '10' });
      const move = 'UPDATE ar_payment_allocation SET payment_id = $1';
      expect(await outcome(move, [small])).toMatch(/^23514 Payment .* is smaller/);
      expect(await outcome(move, [large])).toBe('done');
    },
  },
];
