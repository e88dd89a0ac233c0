import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadRouteFacts } from '../../src/registry/resolution/queries.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';

let registry: TestDatabase;
let pool: pg.Pool;
let id: string;
beforeAll(async () => {
  registry = await createRegistryDatabase();
  pool = new pg.Pool({ connectionString: registry.url, max: 1 });
  // Without triggers, which would write 30,000 changes into the log. The plan must be good for every key.
  await pool.query(`
    SET session_replication_role = replica;
    INSERT INTO tenants (slug, name) SELECT 't' || n, 'Tenant ' || n FROM generate_series(1, 10000) AS n;
    INSERT INTO tenant_external_ids (external_id, tenant_id)
      SELECT prefix || slug, id FROM tenants, unnest(ARRAY['tn_', 'Old-']) AS prefix;
    SET session_replication_role = origin; SET plan_cache_mode = force_generic_plan; ANALYZE`);
  id = (await pool.query(`SELECT id FROM tenants WHERE slug = 't4711'`)).rows[0].id;
});
afterAll(async () => {
  await pool?.end();
  await registry?.drop();
});

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Loops': number;
  Plans?: PlanNode[];
}

/** Arrays are written as texts, which PostgreSQL reads in the type of the parameter. */
function literal(value: unknown): string {
  if (value === null) return 'NULL';
  const elements = (list: unknown[]) => list.map((one) => (one === null ? 'NULL' : JSON.stringify(one)));
  return pg.escapeLiteral(Array.isArray(value) ? `{${elements(value).join()}}` : String(value));
}

/** The scans of the statement that resolution sends for these keys: "Index Scan of tenants", with how often each ran. */
async function scansOf(references: string[]): Promise<[scan: string, loops: number][]> {
  const scans: [string, number][] = [];
  const walk = (node: PlanNode) => {
    const relation = node['Relation Name'];
    if (relation && relation !== 'registry_head')
      scans.push([`${node['Node Type']} of ${relation}`, node['Actual Loops']]);
    node.Plans?.forEach(walk);
  };
  const explaining = {
    // As the gateway does: a statement that is prepared once, for whatever keys.
    async query({ text, values = [] }: pg.QueryConfig): Promise<never> {
      const given: string[] = values.map(literal);
      await pool.query(`DEALLOCATE ALL; PREPARE route AS ${text}`);
      const { rows }: pg.QueryResult = await pool.query(
        `EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE route (${given.join(', ')})`,
      );
      walk(rows[0]['QUERY PLAN'][0].Plan);
      throw new Error('explained');
    },
  } as unknown as pg.Pool;
  const keys = references.map((reference) => ({ reference, module: 'finance' }));
  await expect(loadRouteFacts(explaining, keys, 5_000)).rejects.toThrow('explained');
  return scans;
}

const cases: [what: string, times: number, reference: () => string][] = [
  ['an id', 0, () => id],
  ['a slug', 0, () => 't4711'],
  ['an external id', 1, () => 'tn_t4711'],
  ['an external id that no slug can be', 1, () => 'Old-t4711'],
  ['a name of nobody', 1, () => 'tn_nobody'],
];
test.each(cases)(
  'by %s a tenant is found by index, and external ids are read %i times',
  async (_what, times, reference) => {
    const scans = await scansOf([reference()]);
    const named = scans.filter(([scan]) => scan.endsWith(' tenant_external_ids'));
    expect(named).toHaveLength(1);
    expect(named[0]?.[1]).toBe(times);
    expect(scans.filter(([scan]) => /^Seq.* of tenant/.test(scan))).toEqual([]);
  },
);

test('many keys at once are found by index as well', async () => {
  const scans = await scansOf([id, 't1', 'tn_t2', 'Old-t3', 'nobody']);
  expect(scans.filter(([scan]) => /^Seq.* of tenant/.test(scan))).toEqual([]);
});
