import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FeedPage } from '../../src/feed/change.js';
import { openFeedSource, readChanges } from '../../src/feed/registry-feed.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';

/** Enough for a scan of them to be found out, and loaded in seconds. */
const entries = 200_000;
const behind = 3;

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Cond'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Total Cost': number;
  Plans?: PlanNode[];
}

let registry: TestDatabase;
let pool: pg.Pool;
let epoch: string;
beforeAll(async () => {
  registry = await createRegistryDatabase();
  pool = new pg.Pool({ connectionString: registry.url, max: 1 });
  await pool.query('ALTER TABLE registry_change SET (autovacuum_enabled = false)');
  for (const table of ['registry_change', 'registry_head'])
    await pool.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
  await pool.query(
    `INSERT INTO registry_change (revision, position, kind, entity_id, tenant_id, tenant_slug, actor, database_role, changed_at, previous_hash, hash)
     SELECT (SELECT revision FROM registry_head) + n, 0, 'tenant.updated', 't' || n, gen_random_uuid(), 't' || n, 'test', 'test', now(), '\\x00', '\\x00'
     FROM generate_series(1, $1::int) AS n`,
    [entries],
  );
  const { rows } = await pool.query(
    `UPDATE registry_head SET revision = revision + $1 RETURNING registry_epoch() AS epoch`,
    [entries],
  );
  epoch = rows[0].epoch;
});
afterAll(async () => {
  await pool.end();
  await registry.drop();
});

async function head(): Promise<bigint> {
  return BigInt((await pool.query('SELECT revision FROM registry_head')).rows[0].revision);
}

/** The statement that a piece of work sends, run by EXPLAIN. */
async function planOf(work: (pool: pg.Pool) => Promise<unknown>): Promise<PlanNode[]> {
  const nodes: PlanNode[] = [];
  const add = (node: PlanNode) => {
    nodes.push(node);
    for (const below of node.Plans ?? []) add(below);
  };
  const explaining = {
    async query(first: string | pg.QueryConfig, second?: unknown[]) {
      const { text, values } = typeof first === 'string' ? { text: first, values: second } : first;
      const { rows } = await pool.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values);
      add(rows[0]['QUERY PLAN'][0].Plan);
      throw new Error('explained');
    },
  } as unknown as pg.Pool;
  await expect(work(explaining)).rejects.toThrow('explained');
  return nodes;
}

describe.each(['before ANALYZE', 'after ANALYZE'])('with a long log, %s,', (when) => {
  beforeAll(async () => {
    if (when === 'after ANALYZE') await pool.query('ANALYZE');
  });

  test.each<[string, (pool: pg.Pool) => Promise<unknown>]>([
    [
      'the poll',
      async (asked) =>
        openFeedSource(asked, { stalenessMs: 5_000 }).poll({
          position: { epoch, revision: (await head()) - BigInt(behind), hash: '' },
          isSettled: true,
          clientsRevision: undefined,
        }),
    ],
    [
      'a subscriber that resumes',
      async (asked) => {
        const upTo = await head();
        return readChanges(asked, { epoch, after: upTo - BigInt(behind), upTo });
      },
    ],
  ])('%s reads the new entries by index and nothing else', async (_what, work) => {
    const plan = await planOf(work);
    const reads = plan.filter((node) => node['Relation Name'] === 'registry_change');
    expect(reads.length).toBeGreaterThan(0);
    for (const read of reads) {
      expect(read['Node Type']).toMatch(/Index Scan|Bitmap Heap Scan/);
      expect(read['Rows Removed by Filter'] ?? 0).toBe(0);
    }
    // Rows are given per loop, as an average, which is an integer before PostgreSQL 18.
    const rows = reads.reduce((sum, read) => sum + read['Actual Rows'] * read['Actual Loops'], 0);
    const loops = reads.reduce((sum, read) => sum + read['Actual Loops'], 0);
    expect(Math.abs(rows - behind)).toBeLessThanOrEqual(loops / 2);
    expect(plan.some((node) => node['Index Cond'])).toBe(true);
    // Above this PostgreSQL would compile the statement first.
    expect(plan[0]?.['Total Cost']).toBeLessThan(100_000);
  });
});

describe('a page', () => {
  const poll = async (back: number): Promise<FeedPage> =>
    openFeedSource(pool, { stalenessMs: 5_000, maxEntriesPerPage: 5 }).poll({
      position: { epoch, revision: (await head()) - BigInt(back), hash: '' },
      isSettled: true,
      clientsRevision: undefined,
    });

  test('holds as many entries as fit', async () => {
    const page = await poll(5);
    expect(page.changes.map(({ revision }) => page.head.revision - revision)).toEqual([4n, 3n, 2n, 1n, 0n]);
    expect(page.since).toBe(page.head.revision - 5n);
  });

  test('is empty and begins at the head when there are more, so that everything known is dropped', async () => {
    const page = await poll(6);
    expect(page.changes).toEqual([]);
    expect(page.since).toBe(page.head.revision);
  });

  /** Back from the head, and the number of revisions of which it then has the changes. */
  test.each<[string, { back: number; of?: string } | undefined, number]>([
    ['of a replica that has the head', { back: 0 }, 0],
    ['of a replica that is behind', { back: 1_999 }, 1_999],
    ['of a replica that is as far behind as it may be', { back: 2_000 }, 2_000],
    ['of a replica that is too far behind', { back: 2_001 }, 2_000],
    ['of a replica that is ahead', { back: -1 }, 2_000],
    ['of a replica of another history', { back: 5, of: 'another' }, 2_000],
    ['of a new replica', undefined, 2_000],
  ])('%s begins at what it has, or has the newest revisions', async (_whose, known, newest) => {
    const revision = await head();
    const page = await openFeedSource(pool, { stalenessMs: 5_000 }).poll({
      position: known && { epoch: known.of ?? epoch, revision: revision - BigInt(known.back), hash: '' },
      isSettled: true,
      clientsRevision: undefined,
    });
    expect([page.since, page.changes.length]).toEqual([revision - BigInt(newest), newest]);
    expect(page.head).toMatchObject({ epoch, revision });
  });
});
