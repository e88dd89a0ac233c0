import { expect } from 'vitest';
import { ids, type PromiseCase } from './cases.js';
import { actAsService } from './stranger.js';
import { makeTenantSchema } from './tenant-schema.js';
import type { TenantSession } from './tenant-session.js';

export async function issue({ query }: TenantSession, invoice: unknown, date = '2026-03-01') {
  const [row] = await query('SELECT ar_issue_invoice($1, $2) AS number', [invoice, date]);
  return row?.number;
}

export async function invoiceOf({ query }: TenantSession, id: unknown) {
  const [row] = await query('SELECT to_jsonb(ar_invoice) AS invoice FROM ar_invoice WHERE id = $1', [id]);
  return row?.invoice;
}

async function nextNumber({ query }: TenantSession) {
  const rows = await query('SELECT next_number FROM ar_invoice_series');
  return rows.map(({ next_number }) => next_number);
}

export const issuePromises: PromiseCase[] = [
  {
    holds: ['function ar_issue_invoice'],
    that: 'a draft becomes issued with the next number, its date, and a due date by the customer’s days',
    by: async (session) => {
      await session.insert('ar_customer', { id: ids.third, payment_days: 14 });
      const { id } = await session.insert('ar_invoice', { customer_id: ids.third });
      expect(await issue(session, ids.first)).toBe('INV-000001');
      expect(await issue(session, id, '2026-03-02')).toBe('INV-000002');
      expect(await invoiceOf(session, ids.first)).toMatchObject({
        status: 'issued',
        number: 'INV-000001',
        issued_on: '2026-03-01',
        due_on: '2026-03-31',
      });
      expect(await invoiceOf(session, id)).toMatchObject({
        status: 'issued',
        number: 'INV-000002',
        issued_on: '2026-03-02',
        due_on: '2026-03-16',
      });
      expect(await nextNumber(session)).toEqual(['3']);
      expect(await invoiceOf(session, ids.second)).toMatchObject({
        status: 'draft',
        number: null,
        due_on: null,
      });
    },
  },
  {
    holds: [],
    that: 'a due date that the draft has already is kept',
    by: async (session) => {
      await session.query('UPDATE ar_invoice SET due_on = $2 WHERE id = $1', [ids.first, '2026-03-05']);
      await issue(session, ids.first);
      expect(await invoiceOf(session, ids.first)).toMatchObject({ due_on: '2026-03-05' });
    },
  },
  {
    holds: [],
    that: 'only a draft is issued: an issued, a void and an unknown invoice answer null and take no number',
    by: async (session) => {
      await issue(session, ids.first);
      const issued = await invoiceOf(session, ids.first);
      expect(await issue(session, ids.first, '2026-03-09')).toBeNull();
      await session.query(`UPDATE ar_invoice SET status = 'void' WHERE id = $1`, [ids.second]);
      const withdrawn = await invoiceOf(session, ids.second);
      expect(await issue(session, ids.second)).toBeNull();
      expect(await issue(session, ids.nobody)).toBeNull();
      expect(await issue(session, null)).toBeNull();
      expect(await invoiceOf(session, ids.first)).toEqual(issued);
      expect(await invoiceOf(session, ids.second)).toEqual(withdrawn);
      expect(await nextNumber(session)).toEqual(['2']);
    },
  },
  {
    holds: [],
    that: 'an invoice that cannot be issued takes no number',
    by: async (session) => {
      const attempt = 'SELECT ar_issue_invoice($1, $2)';
      expect(await session.outcome(attempt, [ids.first, null])).toBe('23514 ar_invoice_issued_check');
      await session.query('UPDATE ar_invoice SET due_on = $2 WHERE id = $1', [ids.first, '2026-02-28']);
      expect(await session.outcome(attempt, [ids.first, '2026-03-01'])).toBe('23514 ar_invoice_due_on_check');
      expect(await nextNumber(session)).toEqual(['1']);
      expect(await issue(session, ids.second)).toBe('INV-000001');
    },
  },
  {
    holds: [],
    that: 'the tenant chooses prefix and digits; a number with more digits is not cut',
    by: async (session) => {
      const series = { prefix: '2026/', digits: 3, next_number: '999' };
      await session.insert('ar_invoice_series', series);
      expect(await issue(session, ids.first)).toBe('2026/999');
      expect(await issue(session, ids.second)).toBe('2026/1000');
      await session.insert('ar_invoice_series', { ...series, prefix: '' });
      expect(await issue(session, ids.third)).toBe('999');
    },
  },
  {
    holds: [],
    that: 'the longest prefix and the greatest number fit together',
    by: async (session) => {
      const prefix = 'x'.repeat(20);
      await session.insert('ar_invoice_series', { prefix, next_number: '9223372036854775806' });
      expect(await issue(session, ids.first)).toBe(`${prefix}9223372036854775806`);
      await session.insert('ar_invoice_series', { prefix, digits: 12 });
      expect(await issue(session, ids.second)).toBe(`${prefix}000000000001`);
    },
  },
  {
    holds: ['unique ar_invoice_series_pkey'],
    that: 'a tenant has one series from the start, and no second one',
    by: async (session) => {
      expect(await session.query('SELECT id, prefix, digits, next_number FROM ar_invoice_series')).toEqual([
        { id: true, prefix: 'INV-', digits: 6, next_number: '1' },
      ]);
      expect(await session.outcome('INSERT INTO ar_invoice_series DEFAULT VALUES')).toBe(
        '23505 ar_invoice_series_pkey',
      );
    },
  },
  {
    holds: [],
    that: 'a number that was taken by hand is not given again',
    by: async (session) => {
      await session.insert('ar_invoice', {
        status: 'issued',
        number: 'INV-000001',
        issued_on: '2025-12-31',
        due_on: '2026-01-30',
      });
      const attempt = 'SELECT ar_issue_invoice($1, $2)';
      expect(await session.outcome(attempt, [ids.first, '2026-03-01'])).toBe('23505 ar_invoice_number_key');
    },
  },
  {
    holds: [],
    that: 'issuing uses the tenant’s own tables under every search_path, and needs no more than data rights',
    by: async (session) => {
      const { client, query } = session;
      await makeTenantSchema(client, 'finance', 'globex');
      await query('SET LOCAL search_path = acme');
      await actAsService(session);
      await query('SET LOCAL search_path = globex');
      const [row] = await query('SELECT acme.ar_issue_invoice($1, $2) AS number', [ids.first, '2026-03-01']);
      expect(row?.number).toBe('INV-000001');
      await query('RESET ROLE');
      const moved =
        'SELECT acme.next_number AS acme, globex.next_number AS globex FROM acme.ar_invoice_series AS acme, globex.ar_invoice_series AS globex';
      expect(await query(moved)).toEqual([{ acme: '2', globex: '1' }]);
    },
  },
];
