import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase, createRegistryDatabase } from '../setup/database.js';
import { aDataDir, aKey, type ServingProcess, serve, start } from '../setup/process.js';
import { openPrometheus, type Prometheus, skipsPrometheus } from '../setup/prometheus.js';
import { deploy, type Expression, listExpressions, readText } from './support/deploy-files.js';

/** Expressions that have no data in a registry in which all is well, each with the reason. */
const emptyWhenWell: Record<string, string> = {
  'alert NoGateway': 'absent() has a value only when no gateway answers',
  'alert UnexpectedErrors': 'no request has failed unexpectedly',
  'alert RegistryUnavailable': 'no resolution was unavailable',
};

/** The part of an alert that has a value also while it is silent. */
function measured({ at, text }: Expression): string {
  const expression = text.replaceAll('$__rate_interval', '30s');
  return at.startsWith('alert ')
    ? expression.trim().replace(/ (?:==|>|<) [\w. *]+(?: or absent\(\w+\))?$/, '')
    : expression;
}

describe.skipIf(skipsPrometheus)('every expression of alerts and dashboards', { timeout: 240_000 }, () => {
  let gateway: ServingProcess;
  let prometheus: Prometheus;
  const undo: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    const [registry, finance] = [await createRegistryDatabase(), await createDatabase()];
    undo.push(
      () => registry.drop(),
      () => finance.drop(),
    );
    const env = {
      DATABASE_URL: registry.url,
      FINANCE_DB_URL: finance.url,
      DATA_DIR: await aDataDir(),
      ADMIN_PORT: '0',
      METRICS_TENANTS: 'top:5',
      RATE_MUTATIONS: '20',
    };
    const key = await aKey(env, 'provision,resolve:*,registry:read,registry:write');
    gateway = await serve({ ...env, WORKER: 'none' });
    undo.push(() => gateway.end('SIGTERM'));
    const worker = start(['worker'], env);
    undo.push(() => worker.end('SIGTERM'));
    const { admin: atWorker } = (await worker.logged('working')) as unknown as { admin: string };
    const { admin: atGateway } = (await gateway.logged('serving')) as unknown as { admin: string };

    await sow(registry.url);
    await traffic(gateway, key);
    const configuration = readText('deploy/prometheus.yml')
      .replaceAll('15s', '1s')
      .replace('alerts.yaml', join(deploy, 'alerts.yaml'))
      .replace('gateway-1:9464, gateway-2:9464', new URL(atGateway).host)
      .replace('worker:9464', new URL(atWorker).host);
    prometheus = await openPrometheus(configuration);
    undo.push(async () => prometheus[Symbol.asyncDispose]());
    // Rates are made of scrapes before and after a request.
    await repeatUntil(async () => (await prometheus.query('count_over_time(up[1m]) > 2')).length === 2);
    // The busiest tenants are those of a whole minute.
    await repeatUntil(async () => {
      await traffic(gateway, key);
      return (await prometheus.query('tenant_registry_tenant_resolutions_per_minute')).length > 0;
    });
  }, 240_000);

  afterAll(async () => {
    for (const step of undo.reverse()) await step();
  });

  test('names metrics that there are', async () => {
    const names = new Set(
      listExpressions().flatMap(({ text }) => text.match(/\b(?:tenant_registry|process|nodejs)_\w+/g) ?? []),
    );
    const response = await fetch(`${prometheus.url}/api/v1/label/__name__/values`);
    const { data } = (await response.json()) as { data: string[] };
    expect([...names].filter((name) => !data.includes(name))).toEqual([]);
  });

  test('answers with data, or has none for a reason that is written down', async () => {
    const wrong: string[] = [];
    for (const expression of listExpressions()) {
      const found = await prometheus.query(measured(expression));
      const reason = emptyWhenWell[expression.at];
      if (found.length === 0 && reason === undefined) wrong.push(`${expression.at}: ${expression.text}`);
      if (found.length > 0 && reason !== undefined)
        wrong.push(`${expression.at} has data: strike the reason`);
    }
    expect(wrong).toEqual([]);
  });

  test('of the runbook’s alerts, those are pending or fire that the rows in the registry ask for', async () => {
    const response = await fetch(`${prometheus.url}/api/v1/alerts`);
    const { data } = (await response.json()) as { data: { alerts: { labels: { alertname: string } }[] } };
    const names = new Set(data.alerts.map(({ labels }) => labels.alertname));
    for (const name of [
      'OperationNeedsAttention',
      'RolloutPaused',
      'RolloutFailures',
      'Drift',
      'ModuleNotReady',
    ])
      expect(names).toContain(name);
    for (const name of ['GatewayDown', 'RegistryNotRead', 'Overload', 'RedisDown', 'NoGateway'])
      expect(names).not.toContain(name);
  });

  test('is one of a file that Grafana reads', () => {
    for (const file of ['gateways.json', 'registry.json']) {
      const board = JSON.parse(readFileSync(join(deploy, 'grafana', file), 'utf8'));
      expect(board).toMatchObject({ uid: expect.any(String), title: expect.any(String), schemaVersion: 42 });
    }
  });
});

/** Vitest polls inside of tests only. The time limit is that of the hook. */
async function repeatUntil(isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) await delay(1_000);
}

/** Rows of a registry in which something waits for a person. */
async function sow(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`
    INSERT INTO tenants (slug, name) VALUES ('waiting', 'Waiting');
    INSERT INTO operations (kind, tenant_id, actor, status) SELECT 'remove_storage', id, 'test', 'needs_attention' FROM tenants;
    INSERT INTO drift_findings (id, code, severity, problem, remedy, content)
      VALUES (gen_random_uuid(), 'SCHEMA_MISSING', 'error', 'p', 'r', 'c');
    UPDATE drift_scans SET finished_at = now(), started_at = now();
    INSERT INTO rollouts (id, module, status, pause_reason, target_version, files, created_by, lock_timeout_ms, statement_timeout_ms)
      VALUES ('00000000-0000-4000-8000-000000000001', 'finance', 'paused', 'r', 'v', '[]', 'test', 1, 1);
    INSERT INTO rollout_tenants (rollout_id, tenant_id, wave, generation, status)
      SELECT '00000000-0000-4000-8000-000000000001', id, 0, 1, 'failed' FROM tenants;`);
  await client.end();
}

/** Requests of every kind. */
async function traffic(gateway: ServingProcess, key: string): Promise<void> {
  const slug = `t${Date.now().toString(36)}`;
  await gateway.ask(
    `mutation { provisionTenant(input: { name: "T", slug: "${slug}", adminEmail: "a@b.example", modules: ["finance"] }) { revision } }`,
    { key },
  );
  for (let time = 0; time < 25; time++) {
    await gateway.ask(`{ tenantSchema(id: "${slug}", module: "finance") { schemaName } }`, { key });
    await gateway.ask(`{ tenantSchema(id: "nobody", module: "finance") { schemaName } }`, { key });
    await gateway.ask(`mutation { resumeTenant(input: { tenantId: "${slug}" }) { revision } }`, { key });
  }
  await gateway.ask('{ __typename }', { key: 'tr_wrong' });
}
