import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ChainProblem } from '../../src/registry/log/chain-check.js';
import { type ChainOptions, checkHashChain } from '../../src/registry/log/hash-chain.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { createRandom } from '../setup/random.js';
import { seed } from '../setup/seed.js';
import { aTenant } from '../setup/stories.js';
import { type Place, pickFault } from './support/tampering.js';

let gateway: TestGateway;
let client: pg.Client;
let places: Place[];
beforeAll(async () => {
  gateway = await openGateway();
  for (let one = 0; one < 8; one++) {
    const { id } = await aTenant({ name: `Ünïcode "quoted" \\ ${one}` }).at(gateway);
    await mutate(gateway, 'suspendTenant', { tenantId: id, reason: 'unpaid', wait: 'COMMITTED' });
  }
  await gateway.psql(
    `UPDATE tenants SET tenant_config = '{"destinations": [{"name": "1.50", "code": "\\u00e9"}], "a": [1.50, 1e3, null]}'`,
  );
  client = new pg.Client({ connectionString: gateway.registry.url });
  await client.connect();
  places = (await client.query('SELECT revision, position FROM registry_change ORDER BY revision, position'))
    .rows;
});
afterAll(async () => {
  await client?.end();
  await gateway?.close();
});

/** Checks the log after these statements of a superuser, which are rolled back. */
async function check(sql: string, options: Partial<ChainOptions> = {}) {
  const found: ChainProblem[] = [];
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL session_replication_role = replica');
  try {
    await client.query(sql);
    const report = await checkHashChain(client, { onProblem: (problem) => found.push(problem), ...options });
    expect(report.problems).toBe(found.length);
    return {
      ...report,
      found,
      summary: found.map(({ code, revision, position }) => `${code} ${revision}/${position}`),
    };
  } finally {
    await client.query('ROLLBACK');
  }
}

async function headOf(): Promise<string> {
  const { rows } = await client.query(
    `SELECT revision || ':' || encode(hash, 'hex') AS head FROM registry_head`,
  );
  return rows[0].head;
}

describe('the check of the audit log', () => {
  test('finds no problem in an unchanged log, and returns its head', async () => {
    const { found, entries, head } = await check('');
    expect(found).toEqual([]);
    expect(entries).toBe(places.length);
    expect(entries).toBeGreaterThan(30);
    expect(head).toBe(await headOf());
  });

  test.each([499, 500, 501, 1_000])('reads a log of %i entries to its end', async (count) => {
    const fill = `SET LOCAL session_replication_role = origin;
      DO $$ BEGIN
        FOR n IN 1..${count - places.length} LOOP
          UPDATE tenants SET name = 'Name ' || n WHERE id = (SELECT min(id::text)::uuid FROM tenants);
        END LOOP;
        SET CONSTRAINTS ALL IMMEDIATE;
      END $$;`;
    const progress: number[] = [];
    const onProgress = (entries: number) => progress.push(entries);
    expect(await check(fill, { onProgress })).toMatchObject({ found: [], entries: count });
    expect(progress.at(-1)).toBe(count);
    const { summary } = await check(
      `${fill} SET LOCAL session_replication_role = replica;
       UPDATE registry_change SET actor = 'nobody' WHERE (revision, position) = (SELECT revision, position FROM registry_head)`,
    );
    expect(summary).toEqual([expect.stringMatching(/^ENTRY_ALTERED /)]);
  });

  test('finds 1,000 of 1,000 random faults made by a superuser', async () => {
    const random = createRandom(seed);
    const missed: string[] = [];
    const seen = new Set<string>();
    for (let round = 0; round < 1_000; round++) {
      const { what, sql } = pickFault(random, places);
      seen.add(what);
      const { found } = await check(sql);
      if (found.length === 0) missed.push(`${what}: ${sql} (SEED=${seed})`);
    }
    expect(missed).toEqual([]);
    expect(seen.size).toBeGreaterThan(30);
    expect((await check('')).found).toEqual([]);
  });

  const at = (revision: number, position = 0) => `revision = ${revision} AND position = ${position}`;
  test.each<[string, string, string[]]>([
    ['an edit', `UPDATE registry_change SET actor = 'nobody' WHERE ${at(6)}`, ['ENTRY_ALTERED 6/0']],
    [
      'an overwritten hash',
      `UPDATE registry_change SET hash = sha256('') WHERE ${at(6)}`,
      ['ENTRY_ALTERED 6/0'],
    ],
    [
      'an edit with a recomputed hash',
      `UPDATE registry_change SET actor = 'nobody' WHERE ${at(6)};
       UPDATE registry_change AS entry SET hash = registry_change_hash(entry) WHERE ${at(6)}`,
      ['ENTRY_UNCHAINED 7/0'],
    ],
    [
      'a NULL replaced by the JSON value null, which looks the same',
      `UPDATE registry_change SET before = 'null' WHERE ${at(1)}`,
      ['ENTRY_ALTERED 1/0'],
    ],
    [
      'a year BC, which looks the same',
      `UPDATE registry_change SET changed_at = (changed_at::text || ' BC')::timestamptz WHERE ${at(6)}`,
      ['ENTRY_ALTERED 6/0'],
    ],
    ['a deleted oldest entry', `DELETE FROM registry_change WHERE ${at(1)}`, ['ENTRY_MISSING 1/0']],
    ['a deleted revision', 'DELETE FROM registry_change WHERE revision = 6', ['ENTRY_MISSING 6/0']],
    [
      'a deleted entry in the middle of a revision',
      'DELETE FROM registry_change WHERE position = 1 AND revision = (SELECT min(revision) FROM registry_change WHERE position = 2)',
      ['ENTRY_MISSING $multi/1'],
    ],
    [
      'a replaced hash function in the database',
      `CREATE OR REPLACE FUNCTION registry_change_hash(entry registry_change) RETURNS bytea LANGUAGE sql AS 'SELECT entry.hash';
       UPDATE registry_change SET actor = 'nobody' WHERE ${at(6)}`,
      ['ENTRY_ALTERED 6/0'],
    ],
    [
      'two entries with one key',
      `ALTER TABLE registry_change DROP CONSTRAINT registry_change_pkey;
       INSERT INTO registry_change SELECT * FROM registry_change WHERE ${at(6)}`,
      ['ENTRY_TWICE 6/0'],
    ],
    [
      'a head row with another revision',
      'UPDATE registry_head SET revision = 3, position = 0',
      ['HEAD_WRONG 3/0'],
    ],
  ])('reports the place of %s', async (_what, sql, expected) => {
    const multi = places.find(({ position }) => position === 2)?.revision;
    expect((await check(sql)).summary).toEqual(expected.map((one) => one.replace('$multi', String(multi))));
  });

  test('reports deleted newest entries, because the head row names them', async () => {
    const newest = places.at(-1);
    const { summary } = await check(`DELETE FROM registry_change WHERE revision = ${newest?.revision}`);
    expect(summary).toEqual([`HEAD_WRONG ${newest?.revision}/${newest?.position}`]);
    const { summary: all } = await check('DELETE FROM registry_change');
    expect(all).toEqual([`HEAD_WRONG ${newest?.revision}/${newest?.position}`]);
  });
});

describe('a recomputed hash chain', () => {
  /** A complete recomputation leaves no trace in the database. */
  const rewrite = `
    UPDATE registry_change SET actor = 'nobody' WHERE revision = 6;
    DO $$ DECLARE entry registry_change; link bytea := ''; BEGIN
      FOR entry IN SELECT * FROM registry_change ORDER BY revision, position LOOP
        entry.previous_hash := link;
        link := registry_change_hash(entry);
        UPDATE registry_change SET previous_hash = entry.previous_hash, hash = link
          WHERE revision = entry.revision AND position = entry.position;
      END LOOP;
      UPDATE registry_head SET hash = link;
    END $$`;
  const truncate = `
    DELETE FROM registry_change WHERE revision > 6;
    UPDATE registry_head SET (revision, position, hash) =
      (SELECT revision, position, hash FROM registry_change ORDER BY revision DESC, position DESC LIMIT 1)`;

  test('is consistent, and is found by a head that was noted before', async () => {
    const noted = await headOf();
    const [revision] = noted.split(':');
    for (const sql of [rewrite, truncate]) {
      expect((await check(sql)).found).toEqual([]);
      expect((await check(sql, { expect: noted })).summary).toEqual([`EXPECTED_HEAD_GONE ${revision}/0`]);
    }
  });

  test('is not reported when the noted head is still in the log', async () => {
    const noted = await headOf();
    await aTenant().at(gateway);
    expect(await headOf()).not.toBe(noted);
    expect((await check('', { expect: noted })).found).toEqual([]);
    // The chain before the changed entry is still the original one.
    const { rows } = await client.query(
      `SELECT revision || ':' || encode(hash, 'hex') AS head FROM registry_change WHERE revision = 5 ORDER BY position DESC LIMIT 1`,
    );
    expect((await check(rewrite, { expect: rows[0].head })).found).toEqual([]);
    places = (
      await client.query('SELECT revision, position FROM registry_change ORDER BY revision, position')
    ).rows;
  });

  test.each([
    '',
    '12',
    '12:',
    '0:ab',
    'x:y',
    `-1:${'a'.repeat(64)}`,
    `1:${'A'.repeat(64)}`,
    `1:${'a'.repeat(65)}`,
  ])('is not compared with %j, which is not a head', async (head) => {
    await expect(check('', { expect: head })).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      fields: [{ field: 'expect' }],
    });
  });
});
