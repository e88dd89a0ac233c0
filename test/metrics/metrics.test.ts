import pg from 'pg';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BusyTenants } from '../../src/metrics/busy-tenants.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { locksHere } from '../setup/locks.js';
import { promtool, skipsPrometheus } from '../setup/prometheus.js';
import { aTenant } from '../setup/stories.js';

type Labels = Record<string, string>;

async function scrape({ url }: Pick<TestGateway, 'url'>): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

function valueIn(text: string, name: string, labels: Labels = {}): number | undefined {
  for (const line of text.split('\n')) {
    const [, found, given = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (found !== name) continue;
    if (Object.entries(labels).every(([label, wanted]) => given.includes(`${label}="${wanted}"`)))
      return Number(value);
  }
  return undefined;
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

const valueNow = async (name: string, labels?: Labels) => valueIn(await scrape(gateway), name, labels) ?? 0;

/** How much the value grows while the work runs. */
async function growth(name: string, labels: Labels, work: () => Promise<unknown>): Promise<number> {
  const before = await valueNow(name, labels);
  await work();
  return (await valueNow(name, labels)) - before;
}

const resolve = (id: string, module = 'finance', further = '') =>
  gateway.ask(`{ tenantSchema(id: "${id}", module: "${module}"${further}) { schemaName } }`);

describe('metrics', () => {
  test.skipIf(skipsPrometheus)('follow the conventions of Prometheus', async () => {
    const { slug } = await aTenant().subscribedTo('finance').at(gateway);
    await resolve(slug);
    expect(promtool(['check', 'metrics'], await scrape(gateway))).toEqual({ status: 0, output: '' });
  });

  test('count resolutions by module and outcome, once each, from memory and from the database', async () => {
    const { slug } = await aTenant().subscribedTo('finance').at(gateway);
    const name = 'tenant_registry_resolutions_total';
    const ok = { module: 'finance', outcome: 'OK' };
    const batch = () =>
      gateway.ask(`{ tenantSchemas(keys: [{ id: "${slug}", module: "finance" }, { id: "${slug}", module: "finance" }]) {
        __typename } }`);
    expect(await growth(name, ok, () => resolve(slug))).toBe(1);
    expect(await growth(name, ok, () => resolve(slug))).toBe(1);
    expect(await growth(name, ok, () => resolve(slug, 'finance', ', consistency: STRONG'))).toBe(1);
    expect(await growth(name, ok, batch)).toBe(2);
    const refused = { module: 'inventory', outcome: 'MODULE_NOT_SUBSCRIBED' };
    expect(await growth(name, refused, () => resolve(slug, 'inventory'))).toBe(1);
    expect(await growth(name, refused, () => resolve(slug, 'inventory'))).toBe(1);
  });

  test('name no module that a caller has made up', async () => {
    const { slug } = await aTenant().at(gateway);
    const unknown = { module: 'unknown', outcome: 'MODULE_NOT_FOUND' };
    for (let time = 0; time < 2; time++)
      expect(await growth('tenant_registry_resolutions_total', unknown, () => resolve(slug, 'made_up'))).toBe(
        1,
      );
    expect(await scrape(gateway)).not.toContain('made_up');
  });

  test('count requests by the kind of their operation and the code of their first error', async () => {
    const name = 'tenant_registry_graphql_operations_total';
    const ask = (query: string) => () => gateway.ask(query);
    const suspend = 'mutation { suspendTenant(input: { tenantId: "nobody", reason: "x" }) { revision } }';
    expect(await growth(name, { kind: 'query', code: 'OK' }, ask('{ modules { name } }'))).toBe(1);
    expect(await growth(name, { kind: 'mutation', code: 'TENANT_NOT_FOUND' }, ask(suspend))).toBe(1);
    expect(await growth(name, { kind: 'none', code: 'VALIDATION_ERROR' }, ask('{ nothing }'))).toBe(1);
    const events = async () => {
      const stopped = new AbortController();
      const query = new URLSearchParams({ query: 'subscription { routesChanged { revision } }' });
      const options = { headers: { accept: 'text/event-stream' }, signal: stopped.signal };
      await fetch(`${gateway.url}/graphql?${query}`, options);
      stopped.abort();
      await expect.poll(() => valueNow('tenant_registry_streams')).toBe(0);
    };
    expect(await growth(name, { kind: 'subscription', code: 'OK' }, events)).toBe(1);
    await using closed = await openGateway({ authMode: 'required', sharing: gateway });
    await closed.ask('{ modules { name } }');
    expect(valueIn(await scrape(closed), name, { kind: 'none', code: 'UNAUTHENTICATED' })).toBe(1);
  });

  test('have the operations that ended, with their durations, and the waits for other gateways', async () => {
    const labels = { kind: 'subscribe_tenant', status: 'succeeded' };
    const { id } = await aTenant().at(gateway);
    const subscribe = () =>
      gateway.ask(
        `mutation { subscribeTenantToModule(input: { tenantId: "${id}", module: "finance" }) { revision } }`,
      );
    const waits = await valueNow('tenant_registry_acknowledgement_wait_seconds_count');
    expect(await growth('tenant_registry_operation_duration_seconds_count', labels, subscribe)).toBe(1);
    expect(await valueNow('tenant_registry_acknowledgement_wait_seconds_count')).toBeGreaterThan(waits);
  });

  test('show what the registry counts: tenants, subscriptions, operations, rollouts, drift', async () => {
    await using own = await openGateway({ config: { runsWorker: false } });
    const { id } = await aTenant().subscribedTo('finance').at(own);
    const { id: other } = await aTenant().at(own);
    await own.psql(`UPDATE tenants SET status = 'suspended' WHERE id = '${other}'`);
    await own.psql(`INSERT INTO operations (kind, tenant_id, actor, status, run_after)
      VALUES ('remove_storage', '${id}', 'test', 'queued', now() - interval '90 seconds'),
             ('remove_storage', '${id}', 'test', 'queued', now() + interval '1 day')`);
    await own.psql(`INSERT INTO drift_findings (id, code, severity, problem, remedy, content)
      VALUES (gen_random_uuid(), 'SCHEMA_MISSING', 'error', 'p', 'r', 'c')`);
    await own.psql(`INSERT INTO rollouts (id, module, target_version, files, created_by, lock_timeout_ms, statement_timeout_ms)
      VALUES ('00000000-0000-4000-8000-000000000001', 'finance', 'v', '[]', 'test', 1, 1)`);
    await own.psql(`INSERT INTO rollout_tenants (rollout_id, tenant_id, wave, generation, status)
      VALUES ('00000000-0000-4000-8000-000000000001', '${id}', 0, 1, 'failed')`);
    const text = await scrape(own);
    const at = (name: string, labels?: Labels) => valueIn(text, `tenant_registry_${name}`, labels);
    expect(at('tenants', { status: 'active' })).toBe(1);
    expect(at('tenants', { status: 'suspended' })).toBe(1);
    expect(at('subscriptions', { module: 'finance', status: 'active' })).toBe(1);
    expect(at('operations', { kind: 'remove_storage', status: 'queued' })).toBe(2);
    expect(at('operation_queue_depth')).toBe(1);
    expect(at('operation_queue_age_seconds')).toBeGreaterThanOrEqual(90);
    expect(at('drift_findings', { code: 'SCHEMA_MISSING', severity: 'error' })).toBe(1);
    expect(at('rollouts', { module: 'finance', status: 'running' })).toBe(1);
    expect(at('rollout_tenants', { module: 'finance', status: 'failed' })).toBe(1);
    expect(at('module_ready', { module: 'finance' })).toBe(1);
    expect(at('numbers_age_seconds')).toBeLessThan(60);
  });

  test('do not wait for a registry that does not answer', async () => {
    await using own = await openGateway();
    const locker = new pg.Client({ connectionString: own.registry.url });
    await locker.connect();
    await locker.query('BEGIN; LOCK TABLE tenant_counts IN ACCESS EXCLUSIVE MODE');
    const text = await scrape(own);
    const { rows } = await locker.query(
      `WITH ${locksHere} SELECT FROM locks_here WHERE relation = 'tenant_counts'::regclass AND NOT granted`,
    );
    expect(rows).toHaveLength(1);
    expect(valueIn(text, 'tenant_registry_tenants')).toBeUndefined();
    expect(valueIn(text, 'tenant_registry_lease_remaining_seconds')).toBeGreaterThan(0);
    await locker.end();
  });

  test('show the connections to each database, and who waited for one', async () => {
    await aTenant().subscribedTo('finance').at(gateway);
    const text = await scrape(gateway);
    for (const pool of ['routes', 'rows', 'polls', 'changes'])
      expect(
        valueIn(text, 'tenant_registry_pool_waiting', { database: 'registry', pool }),
        pool,
      ).toBeDefined();
    const finance = { database: 'FINANCE_DB_URL', pool: 'provisioner' };
    expect(valueIn(text, 'tenant_registry_pool_connections', { ...finance, state: 'idle' })).toBeGreaterThan(
      0,
    );
    const { pool } = gateway.app.database;
    const registry = { database: 'registry', pool: 'routes' };
    const crowd = () => Promise.all(Array.from({ length: 12 }, () => pool.query('SELECT pg_sleep(0.05)')));
    expect(await growth('tenant_registry_pool_waits_total', registry, crowd)).toBeGreaterThanOrEqual(4);
  });

  test('count refusals by limit', async () => {
    await using own = await openGateway({
      authMode: 'required',
      config: { rates: { ...gateway.app.config.rates, mutationsPerMinute: 1 } },
    });
    const key = await own.createKey('registry:write');
    const register = (slug: string) =>
      own.ask(`mutation { registerTenant(input: { name: "A", slug: "${slug}" }) { revision } }`, {}, { key });
    await register('one-a');
    expect((await register('one-b')).codes).toEqual(['RATE_LIMITED']);
    expect(valueIn(await scrape(own), 'tenant_registry_rate_limited_total', { limit: 'mutations' })).toBe(1);
  });

  test('name tenants only with METRICS_TENANTS, and then those with the most resolutions', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    for (let time = 0; time < 3; time++) await resolve(slug);
    const text = await scrape(gateway);
    expect(text).not.toContain(id);
    expect(text).not.toContain(slug);

    let now = 0;
    const register = new Registry();
    const tenants = new BusyTenants(2, [register], () => now);
    for (const [tenant, times] of [
      ['a', 3],
      ['b', 1],
      ['c', 2],
    ] as const)
      for (let time = 0; time < times; time++) tenants.count(tenant);
    expect(await register.metrics()).not.toContain('{');
    now += 60_000;
    const shown = await register.metrics();
    expect(valueIn(shown, 'tenant_registry_tenant_resolutions_per_minute', { tenant: 'a' })).toBe(3);
    expect(valueIn(shown, 'tenant_registry_tenant_resolutions_per_minute', { tenant: 'c' })).toBe(2);
    expect(shown).not.toContain('"b"');
    now += 120_000;
    expect(await register.metrics()).not.toContain('{');

    await using busy = await openGateway({ sharing: gateway, config: { metricsTenants: 2 } });
    await busy.ask(`{ tenantSchema(id: "${slug}", module: "finance") { schemaName } }`);
    expect(await scrape(busy)).toContain('# TYPE tenant_registry_tenant_resolutions_per_minute gauge');
    expect(await scrape(gateway)).not.toContain('tenant_resolutions_per_minute');
  });
});
