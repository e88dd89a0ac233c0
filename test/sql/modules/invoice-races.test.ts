import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTenantSchema, type TenantSchema } from './support/tenant-schema.js';
import { outcomeOf } from './support/tenant-session.js';

let schema: TenantSchema;
let first: pg.Client;
let second: pg.Client;
let watcher: pg.Client;

beforeAll(async () => {
  schema = await openTenantSchema('finance');
  [first, second, watcher] = [await schema.connect(), await schema.connect(), await schema.connect()];
});
afterAll(() => schema?.close());

/** Two drafts and a payment of 100, of one customer; the series starts anew. */
const [draft, other, payment] = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`);
beforeEach(async () => {
  await watcher.query(`
    INSERT INTO ar_customer (id, name, currency) VALUES ('${draft}', 'Acme', 'ZAR');
    INSERT INTO ar_invoice (id, customer_id, currency) VALUES ('${draft}', '${draft}', 'ZAR'), ('${other}', '${draft}', 'ZAR');
    INSERT INTO ar_payment (id, customer_id, received_on, method, amount, currency)
      VALUES ('${payment}', '${draft}', '2026-03-15', 'card', 100, 'ZAR')`);
});
afterEach(async () => {
  for (const client of [first, second]) await client.query('ROLLBACK');
  // Issued invoices refuse to be deleted, so the triggers rest meanwhile.
  await watcher.query(`
    SET session_replication_role = replica;
    DELETE FROM ar_payment_allocation; DELETE FROM ar_payment; DELETE FROM ar_invoice_line; DELETE FROM ar_invoice; DELETE FROM ar_customer;
    UPDATE ar_invoice_series SET next_number = 1;
    RESET session_replication_role`);
});

async function issue(client: pg.Client, invoice = draft): Promise<unknown> {
  const { rows } = await client.query(`SELECT ar_issue_invoice($1, '2026-03-01') AS number`, [invoice]);
  return rows[0]?.number;
}

/** Starts the work of the second session and waits until the first one's lock stops it. */
async function whileLocked<T>(work: Promise<T>): Promise<{ ends: Promise<T | string> }> {
  const ends = work.catch(outcomeOf);
  const { processID: blocked } = second as unknown as { processID: number };
  const { processID: blocker } = first as unknown as { processID: number };
  const isBlocked = async () => {
    const { rows } = await watcher.query('SELECT $2 = ANY (pg_blocking_pids($1)) AS blocked', [
      blocked,
      blocker,
    ]);
    return rows[0]?.blocked;
  };
  await expect.poll(isBlocked, { interval: 10, timeout: 5_000 }).toBe(true);
  return { ends };
}

describe('two sessions that issue invoices', () => {
  test('take numbers one after the other', async () => {
    await first.query('BEGIN');
    expect(await issue(first)).toBe('INV-000001');
    const { ends } = await whileLocked(issue(second, other));
    await first.query('COMMIT');
    expect(await ends).toBe('INV-000002');
  });

  test('leave no gap when the first rolls back', async () => {
    await first.query('BEGIN');
    expect(await issue(first)).toBe('INV-000001');
    const { ends } = await whileLocked(issue(second, other));
    await first.query('ROLLBACK');
    expect(await ends).toBe('INV-000001');
  });

  test('issue the same invoice once: the second gets null and takes no number', async () => {
    await first.query('BEGIN');
    expect(await issue(first)).toBe('INV-000001');
    const { ends } = await whileLocked(issue(second));
    await first.query('COMMIT');
    expect(await ends).toBeNull();
    expect(await issue(second, other)).toBe('INV-000002');
  });

  test('issue the same invoice once under REPEATABLE READ: the second fails and may try again', async () => {
    await first.query('BEGIN');
    await issue(first);
    await second.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const { ends } = await whileLocked(issue(second));
    await first.query('COMMIT');
    expect(await ends).toMatch(/^40001 /);
    await second.query('ROLLBACK');
    expect(await issue(second)).toBeNull();
  });
});

describe('a line and the issue of its invoice', () => {
  const line = `INSERT INTO ar_invoice_line (invoice_id, position, description, unit_price) VALUES ($1, 1, 'Lodge', 10)`;

  test('a line that comes after is refused', async () => {
    await first.query('BEGIN');
    await issue(first);
    const { ends } = await whileLocked(second.query(line, [draft]));
    await first.query('COMMIT');
    expect(await ends).toMatch(/^42501 INSERT on ar_invoice_line is refused/);
  });

  test('a line that comes before is on the invoice', async () => {
    await first.query('BEGIN');
    await first.query(line, [draft]);
    const { ends } = await whileLocked(issue(second));
    await first.query('COMMIT');
    expect(await ends).toBe('INV-000001');
    const { rows } = await watcher.query('SELECT total FROM ar_invoice_balance');
    expect(rows).toEqual([{ total: '10.00' }]);
  });

  test('two lines of one draft do not wait for each other', async () => {
    await first.query('BEGIN');
    await first.query(line, [draft]);
    await second.query('BEGIN');
    await second.query(`SET LOCAL lock_timeout = '1s'`);
    await second.query(line.replace('$1, 1,', '$1, 2,'), [draft]);
  });
});

test('two allocations of one payment do not spend it twice', async () => {
  const allocate = `INSERT INTO ar_payment_allocation (payment_id, invoice_id, customer_id, currency, amount)
    VALUES ('${payment}', $1, '${draft}', 'ZAR', 60)`;
  await first.query('BEGIN');
  await first.query(allocate, [draft]);
  const { ends } = await whileLocked(second.query(allocate, [other]));
  await first.query('COMMIT');
  expect(await ends).toMatch(/^23514 Payment .* is smaller than the sum of its allocations/);
});
