import { expect } from 'vitest';
import { ids, type PromiseCase } from './cases.js';
import { invoiceOf, issue } from './issue-promises.js';
import { makeTenantSchema } from './tenant-schema.js';
import type { TenantSession } from './tenant-session.js';

const hint = 'Set the status of the invoice to void and issue a new one.';
const number = 'INV-000001';

function refused(did: string, table: string, why = `invoice ${number} is no draft`): string {
  return `42501 ${did} on ${table} is refused: ${why} | ${hint}`;
}

function setInvoice({ outcome }: TenantSession, change: string, id = ids.first): Promise<string> {
  return outcome(`UPDATE ar_invoice SET ${change} WHERE id = $1`, [id]);
}

export const invoicePromises: PromiseCase[] = [
  {
    holds: ['trigger ar_invoice_keep_issued', 'function ar_invoice_refuse_change'],
    that: 'an issued invoice keeps its id, number, customer, currency and date, and is no draft again',
    by: async (session) => {
      await issue(session, ids.first);
      const before = await invoiceOf(session, ids.first);
      for (const change of [
        `id = '${ids.nobody}'`,
        `number = 'INV-000002'`,
        `customer_id = '${ids.second}'`,
        `currency = 'EUR'`,
        `issued_on = '2026-02-28'`,
        `status = 'draft', number = NULL`,
        `status = 'draft'`,
        `status = 'void', number = NULL`,
        `status = 'void', number = 'INV-000002'`,
      ])
        expect([change, await setInvoice(session, change)]).toEqual([
          change,
          refused('UPDATE', 'ar_invoice'),
        ]);
      expect(await invoiceOf(session, ids.first)).toEqual(before);
    },
  },
  {
    holds: [],
    that: 'the due date, the notes and the booking of an issued invoice may change, and it may become void for ever',
    by: async (session) => {
      await issue(session, ids.first);
      for (const change of [
        `due_on = '2026-04-30'`,
        `notes = 'Paid late'`,
        'booking_id = NULL',
        `status = 'void'`,
      ])
        expect([change, await setInvoice(session, change)]).toEqual([change, 'done']);
      expect(await invoiceOf(session, ids.first)).toMatchObject({ status: 'void', number });
      expect(await setInvoice(session, `notes = 'Withdrawn'`)).toBe('done');
      for (const change of [`status = 'issued'`, 'number = NULL', `status = 'draft', number = NULL`])
        expect([change, await setInvoice(session, change)]).toEqual([
          change,
          refused('UPDATE', 'ar_invoice'),
        ]);
    },
  },
  {
    holds: [],
    that: 'everything of a draft may change, and a draft that was withdrawn may be taken up again',
    by: async (session) => {
      for (const change of [
        `customer_id = '${ids.second}', currency = 'EUR', issued_on = '2026-02-28'`,
        `status = 'void'`,
        `status = 'draft'`,
        `status = 'issued', number = 'OLD-7', due_on = '2026-03-31'`,
      ])
        expect([change, await setInvoice(session, change)]).toEqual([change, 'done']);
    },
  },
  {
    holds: ['trigger ar_invoice_keep_number'],
    that: 'a draft is deleted with its lines, an invoice with a number is not deleted',
    by: async (session) => {
      const { insert, outcome, query } = session;
      for (const invoice_id of [ids.first, ids.second, ids.third])
        await insert('ar_invoice_line', { invoice_id });
      await issue(session, ids.first);
      const remove = 'DELETE FROM ar_invoice WHERE id = $1';
      expect(await outcome(remove, [ids.first])).toBe(refused('DELETE', 'ar_invoice'));
      await setInvoice(session, `status = 'void'`);
      expect(await outcome(remove, [ids.first])).toBe(refused('DELETE', 'ar_invoice'));
      expect(await outcome(remove, [ids.second])).toBe('done');
      await setInvoice(session, `status = 'void'`, ids.third);
      expect(await outcome(remove, [ids.third])).toBe('done');
      expect(await query('SELECT invoice_id FROM ar_invoice_line')).toEqual([{ invoice_id: ids.first }]);
    },
  },
  {
    holds: ['trigger ar_invoice_refuse_truncate', 'trigger ar_invoice_line_refuse_truncate'],
    that: 'TRUNCATE removes neither invoices nor lines, not even by way of another table',
    by: async ({ outcome }) => {
      const why = 'issued invoices are kept';
      expect(await outcome('TRUNCATE ar_invoice_line')).toBe(refused('TRUNCATE', 'ar_invoice_line', why));
      expect(await outcome('TRUNCATE ar_customer CASCADE')).toBe(refused('TRUNCATE', 'ar_invoice', why));
    },
  },
  {
    holds: [
      'trigger ar_invoice_line_refuse_arrival',
      'trigger ar_invoice_line_refuse_departure',
      'function ar_invoice_is_draft',
    ],
    that: 'the lines of an issued or void invoice stay as they are; those of a draft may change',
    by: async (session) => {
      const { insert, outcome, outcomeOfInsert } = session;
      const { id: issued } = await insert('ar_invoice_line', { invoice_id: ids.first });
      const { id: drafted } = await insert('ar_invoice_line', { invoice_id: ids.second });
      const move = 'UPDATE ar_invoice_line SET invoice_id = $2 WHERE id = $1';
      const reprice = 'UPDATE ar_invoice_line SET unit_price = 2 WHERE id = $1';
      const remove = 'DELETE FROM ar_invoice_line WHERE id = $1';
      await issue(session, ids.first);
      const no = (did: string) => refused(did, 'ar_invoice_line', `invoice ${ids.first} is no draft`);
      for (const status of ['issued', 'void']) {
        await setInvoice(session, `status = '${status}'`);
        expect(await outcomeOfInsert('ar_invoice_line', { invoice_id: ids.first })).toBe(no('INSERT'));
        expect(await outcome(reprice, [issued])).toBe(no('UPDATE'));
        expect(await outcome(move, [issued, ids.second])).toBe(no('UPDATE'));
        expect(await outcome(move, [drafted, ids.first])).toMatch(
          /^42501 UPDATE on ar_invoice_line is refused/,
        );
        expect(await outcome(remove, [issued])).toBe(no('DELETE'));
      }
      expect(await outcomeOfInsert('ar_invoice_line', { invoice_id: ids.second })).toBe('done');
      expect(await outcome(reprice, [drafted])).toBe('done');
      expect(await outcome(move, [drafted, ids.third])).toBe('done');
      expect(await outcome(remove, [drafted])).toBe('done');
    },
  },
  {
    holds: [],
    that: 'lines are kept by the invoices of their own tenant under every search_path',
    by: async (session) => {
      const { client, query, insert, outcome } = session;
      await insert('ar_invoice_line', { invoice_id: ids.first });
      await issue(session, ids.first);
      await makeTenantSchema(client, 'finance', 'globex');
      await query('SET LOCAL search_path = globex');
      expect(await outcome('DELETE FROM acme.ar_invoice_line')).toMatch(
        /^42501 DELETE on ar_invoice_line is refused/,
      );
    },
  },
];
