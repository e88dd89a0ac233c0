import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { applyPlans } from '../../src/registry/tenants/plan-limits.js';
import { waitFor } from '../provisioning/support/blocked-migration.js';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const updatePlan = (input: object) =>
  gateway.ask(
    `mutation ($input: UpdatePlanLimitsInput!) { updatePlanLimits(input: $input) { revision
       planLimits { plan maxUsers maxMonthlyQuotes maxStorageGb version isApplied } } }`,
    { input },
  );

/** "5/100/1", and which of them are the tenant's own. */
async function limitsOf(slug: string): Promise<string> {
  const [row] = await gateway.psql<{ limits: string }>(
    `SELECT concat_ws('/', max_users, max_monthly_quotes, max_storage_gb) || coalesce(' ' || nullif(own_limits::text, '{}'), '') AS limits
     FROM tenants WHERE slug = $1`,
    [slug],
  );
  return row?.limits ?? '';
}

beforeEach(async () => {
  await gateway.psql(`UPDATE plans SET max_users = 5, max_monthly_quotes = 100, max_storage_gb = 1`);
  await gateway.psql(`UPDATE plans SET max_users = 50, max_monthly_quotes = 1000 WHERE name = 'pro'`);
  await applyPlans(gateway.app.database, { portions: 100 });
});

const register = (fields: object) => (slug: string) =>
  mutate(gateway, 'registerTenant', { name: slug, slug, ...fields });
const update = (fields: object) => (slug: string) =>
  mutate(gateway, 'updateTenant', { tenantId: slug, ...fields });
const sql = (text: string) => (slug: string) => gateway.psql(text, [slug]);
const insert = (columns: string, values: string) =>
  sql(`INSERT INTO tenants (slug, name, ${columns}) VALUES ($1, 'By hand', ${values})`);

type Step = (slug: string) => Promise<unknown>;

describe('limits of a tenant', () => {
  test.each<[string, Step[], string]>([
    ['a registered tenant', [register({})], '5/100/1'],
    ['a registered tenant of another plan', [register({ plan: 'PRO' })], '50/1000/1'],
    ['a limit that is given', [register({ plan: 'PRO', maxUsers: 7 })], '7/1000/1 {users}'],
    [
      'a limit that is given as the default of the column',
      [register({ plan: 'PRO', maxUsers: 5 })],
      '5/1000/1 {users}',
    ],
    ['a limit that is given as that of the plan', [register({ plan: 'PRO', maxUsers: 50 })], '50/1000/1'],
    ['the procedure', [(slug) => gateway.psql(`CALL register_tenant('${slug}', 'By SQL')`)], '5/100/1'],
    ['an inserted row', [insert('plan', `'pro'`)], '50/1000/1'],
    [
      'an inserted row with limits',
      [insert('plan, max_users, max_storage_gb', `'pro', 6, 2`)],
      '6/1000/2 {users,storage_gb}',
    ],
    ['an inserted row with null', [insert('plan, max_users', `'pro', NULL`)], '50/1000/1'],
    [
      'an inserted row that names the default as its own',
      [insert('plan, max_users, own_limits', `'pro', 5, '{users}'`)],
      '5/1000/1 {users}',
    ],
    ['another plan', [register({}), update({ plan: 'PRO' })], '50/1000/1'],
    ['another plan, and back', [register({}), update({ plan: 'PRO' }), update({ plan: 'LITE' })], '5/100/1'],
    [
      'another plan beside a limit of its own',
      [register({ maxUsers: 7 }), update({ plan: 'PRO' })],
      '7/1000/1 {users}',
    ],
    [
      'another plan together with the present value',
      [register({}), update({ plan: 'PRO', maxUsers: 5 })],
      '5/1000/1 {users}',
    ],
    [
      'another plan together with the value of that plan',
      [register({ maxUsers: 7 }), update({ plan: 'PRO', maxUsers: 50 })],
      '50/1000/1',
    ],
    ['a limit set to the value of the plan', [register({ maxUsers: 7 }), update({ maxUsers: 5 })], '5/100/1'],
    [
      'another plan by hand',
      [register({}), sql(`UPDATE tenants SET plan = 'pro' WHERE slug = $1`)],
      '50/1000/1',
    ],
    [
      'a limit by hand',
      [register({}), sql('UPDATE tenants SET max_storage_gb = 9 WHERE slug = $1')],
      '5/100/9 {storage_gb}',
    ],
    [
      'a limit set to null by hand',
      [register({ maxUsers: 7 }), sql('UPDATE tenants SET max_users = NULL WHERE slug = $1')],
      '5/100/1',
    ],
    [
      'a limit that is taken from own_limits',
      [register({ maxUsers: 7 }), sql(`UPDATE tenants SET own_limits = '{}' WHERE slug = $1`)],
      '5/100/1',
    ],
    ['a change of something else', [register({ maxUsers: 7 }), update({ name: 'Else' })], '7/100/1 {users}'],
    ['another limit of the plan', [register({}), () => updatePlan({ plan: 'LITE', maxUsers: 8 })], '8/100/1'],
    [
      'another limit of the plan beside an own one',
      [register({ maxUsers: 7 }), () => updatePlan({ plan: 'LITE', maxUsers: 8, maxStorageGb: 3 })],
      '7/100/3 {users}',
    ],
    [
      'another limit of another plan',
      [register({}), () => updatePlan({ plan: 'PRO', maxUsers: 8 })],
      '5/100/1',
    ],
    [
      'a limit of the plan that becomes the own one',
      [register({ maxUsers: 7 }), () => updatePlan({ plan: 'LITE', maxUsers: 7 }), update({ plan: 'PRO' })],
      '7/1000/1 {users}',
    ],
  ])('%s', async (_name, steps, expected) => {
    const slug = uniqueName('t');
    for (const step of steps) await step(slug);
    expect(await limitsOf(slug)).toBe(expected);
  });

  test('of many tenants follow in portions, while tenants change', async () => {
    const stem = uniqueName('many');
    await gateway.psql(
      `INSERT INTO tenants (slug, name, plan) SELECT '${stem}_' || n, 'Many', 'enterprise' FROM generate_series(1, 40) AS n`,
    );
    await gateway.psql(`UPDATE plans SET max_users = 9 WHERE name = 'enterprise'`);
    const left = () => gateway.psql(`SELECT FROM tenants WHERE slug LIKE '${stem}%' AND max_users <> 9`);
    const isApplied = async () =>
      (await gateway.ask('{ planLimits { plan isApplied } }')).data.planLimits.find(
        ({ plan }: { plan: string }) => plan === 'ENTERPRISE',
      ).isApplied;
    expect(await isApplied()).toBe(false);
    let calls = 0;
    for (; ; calls++) {
      const [row] = await gateway.psql<{ more: boolean }>('SELECT registry_apply_plans(7) AS more');
      if (!row?.more) break;
      if (calls === 1) await register({ plan: 'ENTERPRISE' })(`${stem}_new`);
    }
    expect(calls).toBeGreaterThan(5);
    expect(await left()).toEqual([]);
    expect(await isApplied()).toBe(true);
  });

  test('of a tenant that another session has locked follow later, and those of the others at once', async () => {
    const [locked, free] = [uniqueName('t'), uniqueName('t')];
    for (const slug of [locked, free]) await register({})(slug);
    const session = await openSession();
    await session.query('BEGIN');
    await session.query(`SELECT FROM tenants WHERE slug = '${locked}' FOR UPDATE`);
    await gateway.psql(`UPDATE plans SET max_users = 9 WHERE name IN ('lite', 'enterprise')`);
    await applyPlans(gateway.app.database, { portions: 100 });
    expect([await limitsOf(locked), await limitsOf(free)]).toEqual(['5/100/1', '9/100/1']);
    expect(await gateway.psql('SELECT plan FROM plan_updates')).toEqual([{ plan: 'lite' }]);
    await session.query('COMMIT');
    await applyPlans(gateway.app.database, { portions: 100 });
    expect(await limitsOf(locked)).toBe('9/100/1');
    expect(await gateway.psql('SELECT plan FROM plan_updates')).toEqual([]);
  });

  test('of a tenant that is registered while they change are the new ones', async () => {
    const slug = uniqueName('t');
    const session = await openSession();
    await session.query('BEGIN');
    await session.query(`INSERT INTO tenants (slug, name) VALUES ('${slug}', 'By hand')`);
    let isOver = false;
    const changing = updatePlan({ plan: 'LITE', maxUsers: 9 }).finally(() => {
      isOver = true;
    });
    await waitFor(async () => {
      const waiting = await gateway.psql(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return isOver || waiting.length > 0;
    });
    await session.query('COMMIT');
    expect((await changing).codes).toEqual([]);
    await applyPlans(gateway.app.database, { portions: 100 });
    expect(await limitsOf(slug)).toBe('9/100/1');
  });
});

async function openSession(): Promise<pg.Client> {
  const session = new pg.Client({ connectionString: gateway.registry.url });
  await session.connect();
  onTestFinished(() => session.end());
  return session;
}

describe('updatePlanLimits', () => {
  test('answers the limits, and its version protects from overwriting', async () => {
    const { data } = await updatePlan({ plan: 'LITE', maxUsers: 6 });
    const { version, ...limits } = data.updatePlanLimits.planLimits;
    expect(limits).toEqual({
      plan: 'LITE',
      maxUsers: 6,
      maxMonthlyQuotes: 100,
      maxStorageGb: 1,
      isApplied: true,
    });
    expect((await updatePlan({ plan: 'LITE', maxUsers: 8, expectedVersion: version - 1 })).codes).toEqual([
      'VERSION_CONFLICT',
    ]);
    expect((await updatePlan({ plan: 'LITE', maxUsers: 8, expectedVersion: version })).codes).toEqual([]);
  });

  test('with COMMITTED answers before the tenants follow', async () => {
    const slug = uniqueName('t');
    await register({})(slug);
    const { data } = await updatePlan({ plan: 'LITE', maxUsers: 9, wait: 'COMMITTED' });
    expect(data.updatePlanLimits.planLimits).toMatchObject({ maxUsers: 9, isApplied: false });
    expect(await limitsOf(slug)).toBe('5/100/1');
  });

  test('succeeds although a tenant cannot be changed, which follows later', async () => {
    const slug = uniqueName('t');
    await register({})(slug);
    await gateway.psql(`
      CREATE FUNCTION refuse_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not now''; END';
      CREATE TRIGGER a_refuse BEFORE UPDATE ON tenants FOR EACH ROW WHEN (OLD.slug = '${slug}') EXECUTE FUNCTION refuse_it()`);
    const answer = await updatePlan({ plan: 'LITE', maxUsers: 9 });
    await gateway.psql('DROP FUNCTION refuse_it() CASCADE');
    expect(answer.codes).toEqual([]);
    expect(answer.data.updatePlanLimits.planLimits).toMatchObject({ maxUsers: 9, isApplied: false });
    await applyPlans(gateway.app.database, { portions: 100 });
    expect(await limitsOf(slug)).toBe('9/100/1');
  });

  test.each([
    ['a negative limit', { maxUsers: -1 }],
    ['null', { maxStorageGb: null }],
  ])('%s is refused', async (_name, fields) => {
    expect((await updatePlan({ plan: 'LITE', ...fields })).codes).toEqual(['VALIDATION_ERROR']);
  });

  test('is in the audit log, and so is each tenant that follows, by the caller', async () => {
    const slug = uniqueName('t');
    await register({})(slug);
    await updatePlan({ plan: 'LITE', maxUsers: 11 });
    const entries = await gateway.psql(
      `SELECT kind, actor, after -> 'max_users' AS users FROM registry_change
       WHERE kind = 'plan.updated' OR (kind = 'tenant.updated' AND tenant_slug = $1) ORDER BY revision DESC LIMIT 2`,
      [slug],
    );
    expect(entries).toEqual(
      expect.arrayContaining([
        { kind: 'plan.updated', actor: 'developer', users: 11 },
        { kind: 'tenant.updated', actor: 'developer', users: 11 },
      ]),
    );
  });

  test('a plan can be neither deleted nor left without a limit', async () => {
    await expect(gateway.psql(`DELETE FROM plans WHERE name = 'pro'`)).rejects.toThrow('refused');
    await expect(gateway.psql('UPDATE plans SET max_users = NULL')).rejects.toThrow('null');
  });
});
