import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listCountProblems } from '../../src/registry/log/count-check.js';
import { growthStats } from '../../src/registry/stats/growth.js';
import { operationStats } from '../../src/registry/stats/operation-stats.js';
import { quotaStats } from '../../src/registry/stats/quota-stats.js';
import { tenantStats } from '../../src/registry/stats/tenant-stats.js';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const ask = async (part: string, variables: object = {}, types = '') => {
  const { data, errors } = await gateway.ask(`query ${types} { registryStats { ${part} } }`, {
    ...variables,
  });
  expect(errors ?? []).toEqual([]);
  return data.registryStats;
};

/** Tenants that were registered at these times, each under its own name. */
async function registeredAt(...times: string[]): Promise<void> {
  await gateway.psql(
    `INSERT INTO tenants (slug, name, created_at) SELECT 'at-' || n || '-' || substr(md5(random()::text), 1, 6), 'At', at
     FROM unnest($1::timestamptz[]) WITH ORDINALITY AS given (at, n)`,
    [times],
  );
}

test('tenants are counted by status, plan and module', async () => {
  const before = await ask('tenants { total }');
  const { id } = await aTenant().subscribedTo('finance').at(gateway);
  await gateway.psql(`UPDATE tenants SET plan = 'pro' WHERE id = $1`, [id]);
  const suspended = await aTenant().at(gateway);
  await gateway.psql(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [suspended.id]);
  const stats = await ask(
    'tenants { total byStatus { status count } byPlan { plan count } } modules { module tenants subscriptions { status count } }',
  );
  expect(stats.tenants.total).toBe(before.tenants.total + 2);
  expect(stats.tenants.byStatus).toContainEqual({ status: 'SUSPENDED', count: 1 });
  expect(stats.tenants.byPlan).toContainEqual({ plan: 'PRO', count: 1 });
  expect(stats.modules).toEqual([
    { module: 'dbtools', tenants: 0, subscriptions: [] },
    { module: 'finance', tenants: 1, subscriptions: [{ status: 'ACTIVE', count: 1 }] },
    { module: 'inventory', tenants: 0, subscriptions: [] },
    { module: 'operations', tenants: 0, subscriptions: [] },
  ]);
});

describe('growth', () => {
  const buckets = async (args: string) => {
    const { growth } = await ask(`growth(${args}) { start end registered }`);
    return growth.map(
      ({ start, end, registered }: { start: string; end: string; registered: number }) =>
        `${start.slice(0, 16)} ${end.slice(0, 16)} ${registered}`,
    );
  };

  beforeAll(async () => {
    await registeredAt(
      ...['2020-02-28T21:59:59Z', '2020-02-28T22:00:00Z', '2020-03-01T12:00:00Z', '2020-03-01T12:00:00Z'],
      // The days on which New York's clock is put forward and back, and a moment around midnight in Kathmandu (+05:45).
      ...['2021-03-14T04:59:59Z', '2021-03-14T05:00:00Z', '2021-03-15T03:59:59Z', '2021-11-08T04:59:59Z'],
      ...['2022-06-30T18:14:59Z', '2022-06-30T18:15:00Z'],
    );
  });

  test.each<[string, string, string[]]>([
    [
      'days of UTC',
      'since: "2020-02-28T00:00:00Z", until: "2020-03-02T00:00:00Z"',
      [
        '2020-02-28T00:00 2020-02-29T00:00 2',
        '2020-02-29T00:00 2020-03-01T00:00 0',
        '2020-03-01T00:00 2020-03-02T00:00 2',
      ],
    ],
    [
      'days of Johannesburg, whole ones around the range',
      'since: "2020-02-28T12:00:00Z", until: "2020-02-29T12:00:00Z", timezone: "Africa/Johannesburg"',
      ['2020-02-27T22:00 2020-02-28T22:00 1', '2020-02-28T22:00 2020-02-29T22:00 1'],
    ],
    [
      'months of UTC',
      'since: "2020-02-10T00:00:00Z", until: "2020-03-20T00:00:00Z", by: MONTH',
      ['2020-02-01T00:00 2020-03-01T00:00 2', '2020-03-01T00:00 2020-04-01T00:00 2'],
    ],
    [
      'weeks from Monday',
      'since: "2020-02-28T00:00:00Z", until: "2020-03-03T00:00:00Z", by: WEEK',
      ['2020-02-24T00:00 2020-03-02T00:00 4', '2020-03-02T00:00 2020-03-09T00:00 0'],
    ],
    [
      'a day of 23 hours',
      'since: "2021-03-14T12:00:00Z", until: "2021-03-14T13:00:00Z", timezone: "America/New_York"',
      ['2021-03-14T05:00 2021-03-15T04:00 2'],
    ],
    [
      'a day of 25 hours',
      'since: "2021-11-07T12:00:00Z", until: "2021-11-07T13:00:00Z", timezone: "America/New_York"',
      ['2021-11-07T04:00 2021-11-08T05:00 1'],
    ],
    [
      'a zone of three quarters of an hour, spelled in small letters',
      'since: "2022-06-30T18:20:00Z", until: "2022-06-30T18:30:00Z", timezone: "asia/kathmandu"',
      ['2022-06-30T18:15 2022-07-01T18:15 1'],
    ],
  ])('%s', async (_name, args, expected) => {
    expect(await buckets(args)).toEqual(expected);
  });

  test.each([
    ['more than 400 days', 'since: "2020-01-01T00:00:00Z", until: "2021-03-01T00:00:00Z"'],
    ['a range without time', 'since: "2020-01-01T00:00:00Z", until: "2020-01-01T00:00:00Z"'],
    ['an unknown time zone', 'timezone: "Mars/Olympus"'],
  ])('%s is refused, and the other fields are answered', async (_name, args) => {
    const { data, codes } = await gateway.ask(
      `{ registryStats { growth(${args}) { start } } planLimits { plan } }`,
    );
    expect(codes).toEqual(['VALIDATION_ERROR']);
    expect(data).toBeNull();
  });

  test('counts deletions, restores and purges when they happen', async () => {
    const { id } = await aTenant().at(gateway);
    for (const status of ['deleted', 'active', 'deleted', 'purged'])
      await gateway.psql(`UPDATE tenants SET status = '${status}' WHERE id = $1`, [id]);
    const { growth } = await ask('growth { registered deleted restored purged }');
    expect(growth).toHaveLength(30);
    expect(growth.at(-1)).toMatchObject({ deleted: 2, restored: 1, purged: 1 });
  });

  test('follows a registration date that is corrected, and is the same when it is counted again', async () => {
    await registeredAt('2019-05-05T05:05:05Z');
    await gateway.psql(
      `UPDATE tenants SET created_at = '2019-06-06T06:06:06Z' WHERE created_at = '2019-05-05T05:05:05Z'`,
    );
    const range = 'since: "2019-05-01T00:00:00Z", until: "2019-06-30T00:00:00Z", by: MONTH';
    const { growth } = await ask(`growth(${range}) { registered }`);
    expect(growth.map(({ registered }: { registered: number }) => registered)).toEqual([0, 1]);
    expect(await listCountProblems(gateway.app.database)).toEqual([]);
    await gateway.psql(
      'UPDATE tenant_growth SET deleted = 7 WHERE starts_at = (SELECT min(starts_at) FROM tenant_growth)',
    );
    expect(await listCountProblems(gateway.app.database)).toMatchObject([{ kept: 7, found: 0 }]);
    await gateway.psql('SELECT registry_recount_growth()');
    expect(await listCountProblems(gateway.app.database)).toEqual([]);
  });
});

describe('quotas', () => {
  const read = async () => {
    const { quotas } = await ask('quotas { metric used tenantsAbove80Percent tenantsAtLimit measuredAt }');
    return Object.fromEntries(
      quotas.map(({ metric, measuredAt: _, ...numbers }: { metric: string; measuredAt: string }) => [
        metric,
        numbers,
      ]),
    );
  };

  test('tell what is used, and how many tenants are near their limit or at it', async () => {
    await gateway.psql('TRUNCATE tenant_usage');
    const [eighty, above, full, deleted] = await Promise.all(
      Array.from({ length: 4 }, () => aTenant().at(gateway)),
    );
    for (const [tenant, amount] of [
      [eighty, 80],
      [above, 81],
      [full, 100],
      [deleted, 100],
    ] as const)
      await gateway.psql(`CALL record_usage('${tenant?.id}', 'monthly_quotes', ${amount})`);
    await gateway.psql(`UPDATE tenants SET status = 'deleted' WHERE id = $1`, [deleted?.id]);
    await gateway.psql(
      `INSERT INTO members (tenant_id, email) SELECT $1, n || '@acme.example' FROM generate_series(1, 5) AS n`,
      [full?.id],
    );
    expect(await read()).toEqual({
      USERS: { used: 5, tenantsAbove80Percent: 1, tenantsAtLimit: 1 },
      MONTHLY_QUOTES: { used: 261, tenantsAbove80Percent: 2, tenantsAtLimit: 1 },
      STORAGE_GB: { used: 0, tenantsAbove80Percent: 0, tenantsAtLimit: 0 },
    });
  });

  test('of a large registry are those of the last measurement, and a worker measures again', async () => {
    await gateway.psql(
      `INSERT INTO tenant_usage SELECT gen_random_uuid(), 'storage_gb', '1970-01-01', 0, now() FROM generate_series(1, 20100)`,
    );
    await gateway.psql('ANALYZE tenant_usage');
    await gateway.psql('SELECT registry_measure_quotas()');
    const measured = await read();
    const { id } = await aTenant().at(gateway);
    await gateway.psql(`CALL record_usage('${id}', 'storage_gb', 1)`);
    expect(await read()).toEqual(measured);
    await gateway.psql("UPDATE quota_use SET measured_at = now() - interval '1 day'");
    await gateway.psql('SELECT registry_measure_quotas()');
    expect((await read()).STORAGE_GB).toEqual({ used: 1, tenantsAbove80Percent: 1, tenantsAtLimit: 1 });
  });
});

test('operations are counted by status, and their durations told from the newest', async () => {
  await gateway.psql(
    'BEGIN; SET LOCAL session_replication_role = replica; TRUNCATE operations CASCADE; COMMIT',
  );
  const { id } = await aTenant().at(gateway);
  await gateway.psql(
    `INSERT INTO operations (kind, tenant_id, actor, status, created_at, started_at, finished_at)
     SELECT 'provision_module', $1, 'test', 'succeeded', now(), now() - n * interval '1 second', now() FROM generate_series(1, 100) AS n`,
    [id],
  );
  for (const [status, kind, count] of [
    ['queued', 'purge_tenant', 2],
    ['running', 'provision_module', 3],
    ['needs_attention', 'bind_storage', 1],
    ['queued', 'bind_storage', 4],
  ])
    await gateway.psql(
      `INSERT INTO operations (kind, tenant_id, actor, status) SELECT '${kind}', $1, 'test', '${status}' FROM generate_series(1, ${count})`,
      [id],
    );
  for (const at of ['now()', `now() - interval '40 days'`])
    await gateway.psql(
      `INSERT INTO operations (kind, tenant_id, actor, status, finished_at) VALUES ('provision_module', $1, 'test', 'failed', ${at})`,
      [id],
    );
  const { operations } = await ask(
    'operations { queued running needsAttention failed medianMs p95Ms sampled }',
  );
  expect(operations).toEqual({
    ...{ queued: 2, running: 3, needsAttention: 1, failed: 1, sampled: 100 },
    ...{ medianMs: 50_500, p95Ms: 95_050 },
  });
});

describe('the cost', () => {
  const parts = {
    tenants: 'tenants { total byStatus { count } } modules { module }',
    growth: 'growth { registered } months: growth(by: MONTH) { registered }',
    quotas: 'quotas { used }',
    operations: 'operations { running }',
  };

  test.each(Object.entries({ ...parts, all: Object.values(parts).join(' ') }))(
    'of %s is one statement, with what is selected and nothing else',
    async (name, part) => {
      const statements = await recordStatements(() => ask(part));
      expect(statements).toHaveLength(1);
      const tables = {
        tenants: 'tenant_counts',
        growth: 'tenant_growth',
        quotas: 'quota_use',
        operations: 'operations',
      };
      for (const [of, table] of Object.entries(tables))
        expect([table, new RegExp(`FROM ${table}\\b`).test(statements[0] ?? '')]).toEqual([
          table,
          name === 'all' || name === of,
        ]);
    },
  );

  test('does not grow: no part reads a table of tenants, operations or usage whole', async () => {
    const range = { since: new Date('2020-01-01T00:00:00Z'), until: new Date('2020-02-01T00:00:00Z') };
    const sections = {
      tenantStats,
      growth: growthStats(range),
      operations: operationStats(range),
      quotaStats,
    };
    for (const [name, section] of Object.entries(sections)) {
      const values: unknown[] = [];
      const sql = section.sql((value) => `$${values.push(value)}`);
      // As in a registry in which reading a table whole is never the cheapest way.
      const client = await gateway.app.database.rowPool.connect();
      try {
        await client.query('BEGIN; SET LOCAL enable_seqscan = off');
        const { rows } = await client.query(`EXPLAIN (COSTS OFF) ${sql}`, values);
        const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
        expect([
          name,
          plan.match(/Seq Scan on (tenants|operations|members|tenant_usage|tenant_growth)\b/g),
        ]).toEqual([name, null]);
        if (name === 'operations') {
          expect(plan).toContain('operations_ended_idx');
          expect(plan).toContain('operations_failed_idx');
          expect(plan).toContain('operations_status_kind_created_at_id_idx');
        }
      } finally {
        await client.query('ROLLBACK');
        client.release();
      }
    }
  });
});
