import { expect } from 'vitest';
import { ids, type PromiseCase } from './cases.js';
import { readAsStranger } from './stranger.js';

export const operationsPromises: PromiseCase[] = [
  {
    holds: ['unique quote_number_key', 'unique booking_number_key'],
    that: 'quotes and bookings are numbered upwards, in series of their own, and no number is given twice',
    by: async ({ insert, query, outcome }) => {
      for (const table of ['quote', 'booking']) {
        const first = await insert(table);
        const second = await insert(table);
        expect(Number(second.number) - Number(first.number)).toBe(1);
        const again = `UPDATE ${table} SET number = DEFAULT WHERE id = $1`;
        await query(`ALTER TABLE ${table} ALTER number RESTART WITH ${first.number}`);
        expect(await outcome(again, [second.id])).toBe(`23505 ${table}_number_key`);
      }
    },
  },
  {
    holds: [],
    that: 'the amount of a quote line is quantity times price, rounded to cents away from zero',
    by: async ({ insert }) => {
      const amountOf = async (quantity: string, unit_price: string) =>
        (await insert('quote_line', { quantity, unit_price })).amount;
      expect(await amountOf('2', '10.25')).toBe(20.5);
      expect(await amountOf('0.5', '0.01')).toBe(0.01);
      expect(await amountOf('0.333', '10')).toBe(3.33);
      expect(await amountOf('0.045', '0.11')).toBe(0);
      expect(await amountOf('1.5', '-0.01')).toBe(-0.02);
    },
  },
  {
    holds: ['view monthly_quotes'],
    that: 'quotes of every status count in the month in UTC in which they were made, in every time zone',
    by: async ({ insert, query }) => {
      await query('UPDATE quote SET created_at = $1', ['2026-01-31T23:59:59.999Z']);
      await insert('quote', { created_at: '2026-02-01T00:00:00Z', status: 'withdrawn' });
      await insert('quote', { created_at: '2026-02-28T23:59:59.999Z', status: 'accepted' });
      const counted = [
        { month: '2026-01-01', quotes: 1 },
        { month: '2026-02-01', quotes: 2 },
      ];
      for (const zone of ['UTC', 'Pacific/Auckland', 'America/Los_Angeles']) {
        await query(`SET LOCAL timezone = '${zone}'`);
        const rows = await query(`SELECT to_jsonb(monthly_quotes) AS row FROM monthly_quotes ORDER BY month`);
        expect([zone, rows.map(({ row }) => row)]).toEqual([zone, counted]);
      }
    },
  },
  {
    holds: [],
    that: 'the count of one month reads the quotes of that month alone',
    by: async ({ query }) => {
      await query('SET LOCAL enable_seqscan = off');
      const plan = await query(`EXPLAIN SELECT quotes FROM monthly_quotes WHERE month = '2026-01-01'`);
      expect(JSON.stringify(plan)).toContain('quote_month_idx');
      expect(JSON.stringify(plan)).toContain('Index Cond');
    },
  },
  {
    holds: [],
    that: 'the view shows a role nothing that the tables do not show it',
    by: async (session) => expect(await readAsStranger(session, 'monthly_quotes')).toMatch(/^42501 .*quote/),
  },
  {
    holds: ['unique booking_traveller_one_lead'],
    that: 'each booking has one lead traveller, who steps down before another one leads',
    by: async ({ insert, query, outcome }) => {
      await insert('booking', { id: ids.second });
      await insert('booking_traveller', { party_id: ids.first, is_lead: true });
      await insert('booking_traveller', { party_id: ids.first, booking_id: ids.second, is_lead: true });
      await insert('booking_traveller', { party_id: ids.second });
      const lead = 'UPDATE booking_traveller SET is_lead = $3 WHERE party_id = $1 AND booking_id = $2';
      expect(await outcome(lead, [ids.second, ids.first, true])).toBe('23505 booking_traveller_one_lead');
      await query(lead, [ids.first, ids.first, false]);
      expect(await outcome(lead, [ids.second, ids.first, true])).toBe('done');
    },
  },
];
