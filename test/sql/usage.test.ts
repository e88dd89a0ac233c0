import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { aLogin, grantRegistryRoles, urlAs } from './support/registry-roles.js';

let registry: TestDatabase;
let client: pg.Client;
let service: pg.Client;
beforeAll(async () => {
  registry = await createRegistryDatabase();
  await grantRegistryRoles(registry);
  client = new pg.Client({ connectionString: registry.url });
  service = new pg.Client({ connectionString: urlAs(await aLogin('registry_service'), registry) });
  for (const one of [client, service]) {
    one.on('error', () => undefined);
    await one.connect();
  }
});
afterAll(async () => {
  await Promise.all([client?.end(), service?.end()]);
  await registry?.drop();
});

const run = async (sql: string, of = client) => (await of.query(sql)).rows;
const refusal = (sql: string, of = client) =>
  of.query(sql).then(
    () => 'none',
    ({ code, message }) => `${code} ${message}`,
  );

let id: string;
let slug: string;
let made = 0;
beforeEach(async () => {
  slug = `t${made++}`;
  await run(`CALL register_tenant('${slug}', 'Tenant')`);
  [{ id }] = (await run(`SELECT id FROM tenants WHERE slug = '${slug}'`)) as [{ id: string }];
});

describe('services by SQL', () => {
  test('record usage and ask what is left, as registry_service, by id and slug', async () => {
    await run(`CALL record_usage('${slug}', 'monthly_quotes', 98)`, service);
    await run(`CALL record_usage('${id}'::uuid, 'MONTHLY_QUOTES', 1, 'quote-1')`, service);
    await run(`CALL record_usage('${id}', 'monthly_quotes', 1, 'quote-1')`, service);
    expect(await run(`SELECT * FROM check_quota('${slug}', 'monthly_quotes')`, service)).toEqual([
      { allowed: true, used: '99.000', limit: '100', remaining: '1.000' },
    ]);
    expect(await run(`SELECT allowed FROM check_quota('${id}'::uuid, 'monthly_quotes', 2)`, service)).toEqual(
      [{ allowed: false }],
    );
    expect(await refusal('SELECT * FROM tenant_usage', service)).toMatch(/^42501/);
    expect(
      await refusal(`SELECT * FROM registry_record_usage('{}', '{}', '{}', '{}', '{}')`, service),
    ).toMatch(/^42501/);
  });

  test.each<[string, string, RegExp]>([
    [
      'beyond the limit',
      `CALL record_usage($t, 'storage_gb', 1.001)`,
      /^TR010 QUOTA_EXCEEDED: Tenant t\d+ uses 0 of 1 GB of storage: 1\.001 more/,
    ],
    [
      'an unknown metric',
      `CALL record_usage($t, 'seats', 1)`,
      /^22023 VALIDATION_ERROR: metric: must be one of users, monthly_quotes, storage_gb/,
    ],
    ['nothing', `CALL record_usage($t, 'users', 0)`, /^22023 VALIDATION_ERROR: amount: must not be 0/],
    ['null', `CALL record_usage($t, 'users', NULL)`, /^22023 VALIDATION_ERROR: amount: must be a number/],
    [
      'not a number',
      `CALL record_usage($t, 'storage_gb', 'NaN')`,
      /^22023 VALIDATION_ERROR: amount: must be a number/,
    ],
    ['no metric', `CALL record_usage($t, NULL, 1)`, /^22004 VALIDATION_ERROR: metric: must not be null/],
    [
      'no tenant',
      `CALL record_usage(NULL::text, 'users', 1)`,
      /^22004 VALIDATION_ERROR: tenant_id: must not be null/,
    ],
    [
      'an unknown tenant',
      `CALL record_usage('nobody', 'users', 1)`,
      /^TR006 TENANT_NOT_FOUND: No tenant has the id, slug or external id "nobody"/,
    ],
    [
      'a check of an unknown tenant',
      `SELECT * FROM check_quota('nobody', 'users')`,
      /^TR006 TENANT_NOT_FOUND/,
    ],
    [
      'an empty key',
      `CALL record_usage($t, 'users', 1, ' ')`,
      /^22023 VALIDATION_ERROR: idempotency_key: must not be empty/,
    ],
    [
      'a key for another amount',
      `CALL record_usage($t, 'users', 1, 'k'); CALL record_usage($t, 'users', 2, 'k')`,
      /^TR011 IDEMPOTENCY_KEY_REUSED: idempotencyKey "k"/,
    ],
    [
      'a suspended tenant',
      `UPDATE tenants SET status = 'suspended' WHERE slug = $t; CALL record_usage($t, 'users', 1)`,
      /^TR002 TENANT_SUSPENDED/,
    ],
  ])('are refused: %s', async (_name, sql, expected) => {
    expect(await refusal(sql.replaceAll('$t', `'${slug}'`))).toMatch(expected);
  });

  test('a reader sees the usage of its tenant alone', async () => {
    await run(
      `CALL record_usage('${slug}', 'users', 1); CALL register_tenant('o${slug}', 'Other'); CALL record_usage('o${slug}', 'users', 1)`,
    );
    const reader = new pg.Client({ connectionString: urlAs(await aLogin('registry_reader'), registry) });
    await reader.connect();
    try {
      await run(`SET app.tenant_id = '${slug}'`, reader);
      expect(await run('SELECT tenant_id, recorded FROM tenant_usage', reader)).toEqual([
        { tenant_id: id, recorded: '1.000' },
      ]);
    } finally {
      await reader.end();
    }
  });
});

describe('months', () => {
  test.each<[string, string, string, string]>([
    ['the last second of a month', 'Africa/Johannesburg', '2026-11-30T21:59:59Z', '2026-11-01'],
    ['the first second of a month', 'Africa/Johannesburg', '2026-11-30T22:00:00Z', '2026-12-01'],
    ['a zone behind UTC', 'America/Los_Angeles', '2026-12-01T07:59:59Z', '2026-11-01'],
    ['a zone far ahead of UTC', 'Pacific/Kiritimati', '2026-11-30T10:00:00Z', '2026-12-01'],
    ['a month that began in summer time', 'America/New_York', '2026-12-01T04:59:59Z', '2026-11-01'],
    ['a month that began in winter time', 'America/New_York', '2026-04-01T03:59:59Z', '2026-03-01'],
  ])('%s', async (_name, zone, at, expected) => {
    expect(
      await run(
        `SELECT registry_usage_period('monthly_quotes', '${zone}', '${at}')::text AS month, registry_usage_period('users', '${zone}', '${at}')::text AS ever`,
      ),
    ).toEqual([{ month: expected, ever: '1970-01-01' }]);
  });

  test('begin and end at midnight of the tenant, whatever the clock does in between', async () => {
    await run(`UPDATE tenants SET timezone = 'America/New_York' WHERE slug = '${slug}'`);
    const [row] = await run(
      `SELECT starts_at AT TIME ZONE 'America/New_York' = date_trunc('month', now() AT TIME ZONE 'America/New_York') AS begins,
              ends_at AT TIME ZONE 'America/New_York' = date_trunc('month', now() AT TIME ZONE 'America/New_York') + interval '1 month' AS ends
       FROM registry_usage('${id}', 'monthly_quotes')`,
    );
    expect(row).toEqual({ begins: true, ends: true });
  });

  test('count from 0 and keep those before, for two years', async () => {
    await run(
      `INSERT INTO tenant_usage (tenant_id, metric, period, recorded)
       SELECT '${id}', 'monthly_quotes', date_trunc('month', now() AT TIME ZONE 'Africa/Johannesburg') - n * interval '1 month', 100
       FROM generate_series(1, 30) AS n`,
    );
    await run(`CALL record_usage('${slug}', 'monthly_quotes', 1)`);
    expect(await run(`SELECT used FROM registry_usage('${id}', 'monthly_quotes')`)).toEqual([
      { used: '1.000' },
    ]);
    expect(await run(`SELECT count(*)::int AS months FROM tenant_usage WHERE tenant_id = '${id}'`)).toEqual([
      { months: 25 },
    ]);
  });

  test('go on under their names when the time zone changes, so nobody gets a second month', async () => {
    // Kiritimati and Niue are 25 hours apart, so at most times their months are the same and never begin again.
    const months = async () =>
      await run(
        `SELECT period::text, recorded::int FROM tenant_usage WHERE tenant_id = '${id}' ORDER BY period`,
      );
    for (const zone of ['Pacific/Kiritimati', 'Pacific/Niue', 'Pacific/Kiritimati']) {
      await run(
        `UPDATE tenants SET timezone = '${zone}' WHERE slug = '${slug}'; CALL record_usage('${slug}', 'monthly_quotes', 30)`,
      );
    }
    const found = await months();
    expect(found.length).toBeLessThanOrEqual(2);
    expect(found.reduce((sum, { recorded }) => sum + recorded, 0)).toBe(90);
    expect(found.at(-1)?.recorded).toBeGreaterThanOrEqual(60);
  });
});

describe('idempotency keys', () => {
  const age = (hours: number) =>
    run(`UPDATE usage_keys SET recorded_at = now() - interval '${hours} hours' WHERE tenant_id = '${id}'`);
  const used = async () =>
    (await run(`SELECT used::int FROM registry_usage('${id}', 'monthly_quotes')`))[0].used;
  const record = () => run(`CALL record_usage('${slug}', 'monthly_quotes', 1, 'k')`);

  test('are remembered for 24 hours', async () => {
    await record();
    await age(23.9);
    await record();
    expect(await used()).toBe(1);
    await age(24.1);
    await record();
    expect(await used()).toBe(2);
    await record();
    expect(await used()).toBe(2);
  });

  test('are deleted in portions when they are older', async () => {
    await run('DELETE FROM usage_keys');
    for (const key of ['a', 'b', 'c'])
      await run(`CALL record_usage('${slug}', 'monthly_quotes', 1, '${key}')`);
    await age(25);
    await record();
    expect(await run('SELECT registry_forget_usage(2)::int AS forgotten')).toEqual([{ forgotten: 2 }]);
    expect(await run('SELECT registry_forget_usage(2)::int AS forgotten')).toEqual([{ forgotten: 1 }]);
    expect((await run('SELECT FROM usage_keys')).length).toBe(1);
  });

  test('of one caller are not those of another', async () => {
    await run(`SET registry.actor = 'one'`);
    await record();
    await run(`SET registry.actor = 'two'`);
    await record();
    await run('RESET registry.actor');
    expect(await used()).toBe(2);
  });
});

test('a record waits for nothing but its own counter: not for commands on the tenant, nor for the head row', async () => {
  await run(`CALL record_usage('${slug}', 'monthly_quotes', 1)`);
  const holder = new pg.Client({ connectionString: registry.url });
  await holder.connect();
  try {
    await holder.query(
      `BEGIN; SELECT FROM tenants WHERE slug = '${slug}' FOR UPDATE; SELECT FROM registry_head FOR UPDATE; LOCK TABLE registry_change IN EXCLUSIVE MODE`,
    );
    await run(
      `SET lock_timeout = '5s'; CALL record_usage('${slug}', 'monthly_quotes', 1, 'free'); CALL record_usage('${slug}', 'storage_gb', 1)`,
    );
    await holder.query(
      `ROLLBACK; BEGIN; SELECT FROM tenant_usage WHERE tenant_id = '${id}' AND metric = 'monthly_quotes' FOR UPDATE`,
    );
    expect(
      await refusal(`SET lock_timeout = '100ms'; CALL record_usage('${slug}', 'monthly_quotes', 1)`),
    ).toMatch(/^55P03/);
  } finally {
    await run('RESET lock_timeout');
    await holder.end();
  }
});
