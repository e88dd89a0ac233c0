import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { toRolloutFile } from '../../../src/provisioning/rollout/rollout-files.js';
import { findViolations } from '../../../src/provisioning/rollout/tenants/violations.js';
import { readModuleMigrations } from '../../../src/provisioning/storage/module-migrations.js';
import { locksHere } from '../../setup/locks.js';
import {
  lead,
  openRolloutTestbed,
  phones,
  type RolloutTestbed,
  resultsOf,
  rolloutOf,
  statusesOf,
  type TestModule,
} from '../support/rollouts.js';

let testbed: RolloutTestbed;
let module: TestModule;
beforeAll(async () => {
  testbed = await openRolloutTestbed(30, 2);
});
afterAll(() => testbed?.close());
beforeEach(async () => {
  module = await testbed.takeModule();
});

const first = () => testbed.tenants[0] ?? { id: '', slug: '' };
const schema = () => module.schemaOf(first());
const sql = (text: string) => testbed.psql(module.name, text);
const registry = (text: string) => testbed.gateway.psql(text);
const resultOfFirst = async (id: string) => (await resultsOf(testbed, id))[first().slug];

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/** Changes that are made to the first tenant after the start, with its result, and with what its message says. */
const cases: [string, () => Promise<unknown>, string, RegExp | null][] = [
  [
    'was suspended',
    () => registry(`UPDATE tenants SET status = 'suspended' WHERE id = '${first().id}'`),
    'SUCCEEDED',
    null,
  ],
  ['has a suspended subscription', () => setSubscription(`status = 'suspended'`), 'SUCCEEDED', null],
  [
    'was deleted and can be restored',
    () => registry(`UPDATE tenants SET status = 'deleted' WHERE id = '${first().id}'`),
    'SUCCEEDED',
    null,
  ],
  [
    'was unsubscribed',
    () => setSubscription(`status = 'cancelled'`),
    'SKIPPED',
    /no subscription to the module any more/,
  ],
  [
    'is being provisioned again',
    () => setSubscription(`status = 'provisioning'`),
    'SKIPPED',
    /is provisioning and gets the newest files/,
  ],
  [
    'was moved',
    () => setSubscription(`schema_name = 'moved_${first().slug.slice(-8)}'`),
    'SKIPPED',
    /moved or made again/,
  ],
  [
    'has adopted storage without versions',
    async () => {
      await setSubscription('migration_version = NULL');
      await sql(`DELETE FROM tenant_guard.schema_version WHERE schema_name = '${schema()}'`);
    },
    'SKIPPED',
    /was adopted and has no versions/,
  ],
  [
    'has lost its versions',
    () => sql(`DELETE FROM tenant_guard.schema_version WHERE schema_name = '${schema()}'`),
    'BLOCKED',
    /has no versions, and the registry says/,
  ],
  ['has no schema', () => sql(`DROP SCHEMA ${schema()} CASCADE`), 'BLOCKED', /does not exist/],
  [
    'has the schema of another tenant',
    () =>
      sql(`UPDATE tenant_guard.binding SET tenant_id = gen_random_uuid() WHERE schema_name = '${schema()}'`),
    'BLOCKED',
    /belongs to tenant/,
  ],
  [
    'has a version that the files lack',
    () => addVersion(`${module.name}/0009_later.sql`),
    'BLOCKED',
    /has m\d+\/0009_later.sql, which is not among the files/,
  ],
  [
    'has another form of a file that ran',
    () =>
      sql(
        `UPDATE tenant_guard.schema_version SET checksum = repeat('0', 64) WHERE schema_name = '${schema()}' AND migration LIKE 'm%0002%'`,
      ),
    'BLOCKED',
    /was changed after it ran/,
  ],
  [
    'has a schema in which another role could plant code',
    async () => {
      await sql(
        `DO $$ BEGIN CREATE ROLE rollout_stranger; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
      );
      await sql(`GRANT CREATE ON SCHEMA ${schema()} TO rollout_stranger`);
    },
    'BLOCKED',
    /may hold code of other roles/,
  ],
];

function setSubscription(change: string) {
  return registry(
    `UPDATE module_subscriptions SET ${change} WHERE tenant_id = '${first().id}' AND module = '${module.name}'`,
  );
}

function addVersion(name: string) {
  return sql(
    `INSERT INTO tenant_guard.schema_version (schema_name, schema_oid, migration, checksum, tenant_id, module)
     SELECT nspname, oid, '${name}', repeat('0', 64), '${first().id}', '${module.name}' FROM pg_namespace WHERE nspname = '${schema()}'`,
  );
}

test.each(cases)('a tenant that %s gets its due', async (_name, change, status, words) => {
  onTestFinished(async () => {
    await registry(`UPDATE tenants SET status = 'active' WHERE id = '${first().id}'`);
  });
  await module.write('0003_phones.sql', phones);
  const id = await module.start();
  await change();
  await lead(testbed);
  const result = await resultOfFirst(id);
  expect(result?.status).toBe(status);
  if (words) expect(result?.error).toMatch(words);
  else expect(result?.error).toBeNull();
  // What is no failure of a file spends no budget: the other tenant was migrated.
  expect((await statusesOf(testbed, id)).SUCCEEDED).toBe(status === 'SUCCEEDED' ? 2 : 1);
  expect(await rolloutOf(testbed, id)).toMatchObject({
    status: status === 'BLOCKED' ? 'FAILED' : 'SUCCEEDED',
  });
});

describe('checks', () => {
  const data = () =>
    sql(`INSERT INTO ${schema()}.contact SELECT n, 'name ' || n FROM generate_series(1, 20) AS n`);

  test('before a file block the tenant with their rows, change nothing and spend no budget', async () => {
    await data();
    await module.write('0003_phones.sql', phones);
    await module.write(
      '0003_phones.check.sql',
      'SELECT id, name, now() AS at FROM contact WHERE id > 3 ORDER BY id; -- to the end',
    );
    const id = await module.start();
    await lead(testbed);
    const result = await resultOfFirst(id);
    expect(result).toMatchObject({ status: 'BLOCKED', file: `${module.name}/0003_phones.sql` });
    expect(result?.error).toContain('0003_phones.check.sql found 10 or more rows');
    expect(result?.violations).toHaveLength(10);
    expect((result?.violations as object[] | undefined)?.[0]).toMatchObject({
      id: 4,
      name: 'name 4',
      at: expect.stringMatching(/^2\d{3}-/),
    });
    expect(await statusesOf(testbed, id)).toEqual({ SUCCEEDED: 1, BLOCKED: 1 });
    await expect(sql(`SELECT phone FROM ${schema()}.contact`)).rejects.toThrow('phone');
  });

  test.each<[string, query: string, shown: RegExp]>([
    [
      'half of an emoji at the end of what is kept',
      `SELECT repeat('x', 199) || '👩‍🚒👩‍🚒' AS word`,
      /^x{199}\ufffd…$/,
    ],
    ['the escape of a NUL', String.raw`SELECT 'a\u0000' AS word`, /^a\\u0000$/],
    ['JSON with a NUL', String.raw`SELECT '{"a": "\u0000"}'::json AS word`, /u0000/],
    [
      'a time beyond the calendar of the driver',
      `SELECT timestamp '290000-01-01' AS word`,
      /^290000-01-01T00:00:00$/,
    ],
  ])('show rows with %s', async (_name, query, shown) => {
    await module.write('0003_phones.sql', phones);
    await module.write('0003_phones.check.sql', query);
    const id = await module.start();
    await lead(testbed);
    const result = await resultOfFirst(id);
    expect(result).toMatchObject({ status: 'BLOCKED', violations: [{ word: expect.stringMatching(shown) }] });
    expect(result?.error).toContain('0003_phones.check.sql found 1 row: ');
  });

  test('show values of each type, and of large ones the begin, which alone reaches the process', async () => {
    const client = await connect(testbed.url(module.name));
    const columns = Array.from({ length: 60 }, (_, at) => `${at} AS more_${at}`).join(', ');
    const query = `SELECT 7 AS number, 9007199254740993 AS exact, 'NaN'::numeric AS nan, true AS flag, NULL AS nothing, ARRAY[1, 2] AS list,
      repeat('é', 2000000) AS large, repeat('"', 2000000) AS quoted, repeat(E'\\n', 250) AS lines, ${columns} FROM generate_series(1, 20)`;
    await client.query('BEGIN');
    const place = { schemaName: schema(), role: undefined, statementTimeoutMs: 60_000 };
    const rows = await findViolations(client, query, place);
    await client.query('ROLLBACK');
    expect(rows).toHaveLength(10);
    expect(rows[0]).toMatchObject({
      ...{ number: 7, exact: '9007199254740993', nan: 'NaN', flag: true, nothing: null, list: '[1,2]' },
      ...{ large: `${'é'.repeat(200)}…`, quoted: `${'"'.repeat(200)}…`, lines: `${'\n'.repeat(200)}…` },
    });
    expect(Object.keys(rows[0] ?? {})).toHaveLength(50);
    // The types of the driver do not have the socket.
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    expect(stream.bytesRead).toBeLessThan(100_000);
  });

  test('after a file undo it', async () => {
    await data();
    await module.write('0003_phones.sql', `${phones} UPDATE contact SET phone = name;`);
    await module.write('0003_phones.verify.sql', `SELECT id FROM contact WHERE phone = 'name 7'`);
    const id = await module.start();
    await lead(testbed);
    const result = await resultOfFirst(id);
    expect(result).toMatchObject({
      status: 'FAILED',
      violations: [{ id: 7 }],
      toVersion: `${module.name}/0002_notes.sql`,
    });
    await expect(sql(`SELECT phone FROM ${schema()}.contact`)).rejects.toThrow('phone');
    expect(await rolloutOf(testbed, id)).toMatchObject({ status: 'PAUSED' });
  });

  test.each([
    [
      'writes',
      'WITH gone AS (DELETE FROM contact RETURNING id) SELECT * FROM gone',
      /data-modifying|read-only/,
    ],
    ['calls a function that writes', `SELECT nextval('seen')`, /read-only/],
    ['is two statements', 'SELECT 1 WHERE false; DELETE FROM contact', /not one query/],
    ['leaves its parentheses', 'SELECT 1) AS x; DELETE FROM contact; SELECT (1', /syntax error/],
    ['names a table of no schema', 'SELECT * FROM nowhere', /nowhere/],
    ['is no query', 'DELETE FROM contact', /not one query/],
  ])('that %s fails and changes nothing', async (_name, query, words) => {
    await data();
    await sql(`CREATE SEQUENCE ${schema()}.seen`);
    await module.write('0003_phones.sql', phones);
    const id = await module.start();
    // Later than the start, which refuses most of these queries by their text.
    await module.write('0003_phones.check.sql', query);
    const files = (await readModuleMigrations(testbed.modulesDir, module.name)).map(toRolloutFile);
    await testbed.gateway.psql('UPDATE rollouts SET files = $2 WHERE id = $1', [id, JSON.stringify(files)]);
    await lead(testbed);
    const result = await resultOfFirst(id);
    expect(result).toMatchObject({ status: 'FAILED', error: expect.stringMatching(words) });
    expect(await sql(`SELECT count(*)::int AS n FROM ${schema()}.contact`)).toEqual([{ n: 20 }]);
  });
});

describe('locks', () => {
  test('of a service make a file wait and try again, until they are free', async () => {
    await module.write('0003_phones.sql', phones);
    const service = await connect(testbed.url(module.name));
    await service.query(`BEGIN; SELECT FROM ${schema()}.contact`);
    const id = await module.start({ lockTimeoutMs: 200 });
    const leading = lead(testbed);
    const countWaiting = async () => {
      const { rows } = await service.query(
        `SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
         WHERE NOT granted AND datname = current_database() AND relation = '${schema()}.contact'::regclass`,
      );
      return rows.length;
    };
    // The file waits, and has given up once.
    await expect.poll(countWaiting, { interval: 20 }).toBe(1);
    await expect.poll(countWaiting, { interval: 5 }).toBe(0);
    await service.query('COMMIT');
    await leading;
    const result = await resultOfFirst(id);
    expect(result).toMatchObject({ status: 'SUCCEEDED', error: null });
    expect(result?.attempts).toBeGreaterThan(1);
  });

  test('that a file holds while it waits for others do not keep a service longer than the timeout', async () => {
    // The file takes the lock of contact and then waits ten times, each time for less than the timeout. The service wants contact.
    const tables = Array.from({ length: 10 }, (_, at) => `t${at}`);
    await module.each(tables.map((name) => `CREATE TABLE ${name} ()`).join('; '));
    const alter = (name: string) => `ALTER TABLE ${name} ADD COLUMN more int;`;
    await module.write('0003_many.sql', ['contact', ...tables].map(alter).join('\n'));
    const holder = await connect(testbed.url(module.name));
    await holder.query('BEGIN');
    for (const name of tables.toReversed())
      await holder.query(`SAVEPOINT before_${name}; LOCK TABLE ${schema()}.${name} IN ACCESS SHARE MODE`);
    const reader = await connect(testbed.url(module.name));
    await reader.query('SET lock_timeout = 1500');
    const id = await module.start({ lockTimeoutMs: 500 });
    const leading = lead(testbed);
    const wanted = `relation = '${schema()}.contact'::regclass AND mode = 'AccessExclusiveLock' AND granted`;
    await expect.poll(() => sql(`WITH ${locksHere} SELECT FROM locks_here WHERE ${wanted}`)).toHaveLength(1);
    const read = reader.query(`SELECT FROM ${schema()}.contact`);
    for (const name of tables) {
      await delay(300);
      // Releases the lock of this table and keeps those of the tables behind it.
      await holder.query(`ROLLBACK TO before_${name}`);
    }
    await read;
    await holder.query('COMMIT');
    await leading;
    expect(await resultOfFirst(id)).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('of an operation on the storage are waited for', async () => {
    await module.write('0003_phones.sql', phones);
    const other = await connect(testbed.url(module.name));
    const database = await registry(
      `SELECT database_name AS name FROM module_subscriptions WHERE module = '${module.name}' LIMIT 1`,
    );
    const name = `tenant-registry/SCHEMA/${(database[0] as { name: string }).name}/${schema()}`;
    await other.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [name]);
    const id = await module.start();
    const leading = lead(testbed);
    await expect.poll(async () => (await statusesOf(testbed, id)).SUCCEEDED).toBe(1);
    await other.query('SELECT pg_advisory_unlock_all()');
    await leading;
    expect(await statusesOf(testbed, id)).toEqual({ SUCCEEDED: 2 });
  });
});
