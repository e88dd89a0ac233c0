import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { StatementScope } from '../../src/database/connections/statement-scope.js';
import { createRowReader } from '../../src/database/statements/row-reader.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';

let registry: TestDatabase;
let pool: pg.Pool;
let sent: string[] = [];
const readRows = createRowReader((text, values) => {
  sent.push(text);
  return pool.query(text, values);
});
beforeAll(async () => {
  registry = await createRegistryDatabase();
  pool = new pg.Pool({ connectionString: registry.url, max: 2 });
});
afterAll(async () => {
  await pool?.end();
  await registry?.drop();
});
beforeEach(() => {
  sent = [];
});

const inScope = <T>(work: () => Promise<T>) => new StatementScope(registry.url, 2).run(work);
const numbers = {
  text: 'SELECT n FROM generate_series($1::int, $2::int) AS n ORDER BY n DESC',
  values: [1, 12],
};
const named = { text: `SELECT $1::text AS name, $1::text = $2 AS "isSame"`, values: ['a $1', 'b'] };
const nothing = { text: 'SELECT 1 AS one WHERE false' };
/** The name of a column that is also one inside of the reader. */
const part = { text: 'SELECT 1 AS part' };

test('statements of one operation in one turn are one, each with its own parameters, rows and order', async () => {
  const answers = await inScope(() =>
    Promise.all([numbers, named, nothing, part].map((one) => readRows(one))),
  );
  expect(answers).toEqual([
    Array.from({ length: 12 }, (_, at) => ({ n: 12 - at })),
    [{ name: 'a $1', isSame: false }],
    [],
    [{ part: 1 }],
  ]);
  expect(sent).toHaveLength(1);
});

test('they see one snapshot', async () => {
  const taken = {
    text: 'SELECT pg_current_snapshot()::text AS snapshot, txid_current_if_assigned()::text AS id, now()::text AS time',
  };
  const [one, other] = await inScope(() => Promise.all([readRows(taken), readRows(taken)]));
  expect(one).toEqual(other);
});

test('what is asked for through loaders and promises of the same turn is sent with it', async () => {
  const later = async () => {
    for (let n = 0; n < 20; n++) await Promise.resolve();
    await new Promise<void>((resolve) => process.nextTick(resolve));
    return readRows(numbers);
  };
  await inScope(() => Promise.all([readRows(named), later()]));
  expect(sent).toHaveLength(1);
});

test('operations, and calls outside of them, do not share statements', async () => {
  await Promise.all([
    inScope(() => Promise.all([readRows(numbers), readRows(named)])),
    inScope(() => readRows(numbers)),
    readRows(numbers),
    readRows(numbers),
  ]);
  expect(sent).toHaveLength(4);
});

test.each([
  ['a value that is none', { text: `SELECT $1::text::int AS number`, values: ['x'] }, '22P02'],
  ['an unknown column', { text: 'SELECT nobody FROM tenants' }, '42703'],
  ['an exception of a function', { text: 'SELECT registry_fail()' }, 'P0001'],
])('a statement with %s fails alone', async (_, statement, code) => {
  await pool.query(
    `CREATE OR REPLACE FUNCTION registry_fail() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$`,
  );
  const [failed, answered] = await inScope(() => Promise.allSettled([readRows(statement), readRows(named)]));
  expect(failed).toMatchObject({ status: 'rejected', reason: { code } });
  expect(answered).toMatchObject({ status: 'fulfilled', value: [{ name: 'a $1' }] });
});

test('a failure that is not of one statement is that of all, and nothing is sent again', async () => {
  const cancelled = { text: 'SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(10)' };
  const settled = await inScope(() => Promise.allSettled([readRows(cancelled), readRows(named)]));
  expect(settled).toMatchObject([
    { status: 'rejected', reason: { code: '57014' } },
    { status: 'rejected', reason: { code: '57014' } },
  ]);
  expect(sent).toHaveLength(1);
});
