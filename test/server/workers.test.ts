import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CrashLimit } from '../../src/cli/workers/crash-limit.js';
import { CombinedMetrics } from '../../src/metrics/combined-metrics.js';
import { createMetrics } from '../../src/metrics/metrics.js';
import { locksHere } from '../setup/locks.js';
import {
  aStartedDataDir,
  connectByHand,
  firstQuery,
  postmasterPid,
  run,
  type ServingProcess,
  serve,
  start,
  takePort,
} from '../setup/process.js';
import { refusesConnections, two } from './support/workers.js';

interface Answered {
  status: number;
  codes: (string | undefined)[];
  // biome-ignore lint/suspicious/noExplicitAny: the query next to the assertion determines the shape of the data
  data: any;
  requestId: string;
}

/** Asks over a connection of its own, or over that of the agent. The next new connection goes to the next worker. */
async function ask(gateway: ServingProcess, query: string, agent: Agent | false = false): Promise<Answered> {
  const sent = request(`${gateway.url}/graphql`, {
    method: 'POST',
    agent,
    headers: { 'content-type': 'application/json' },
  });
  sent.end(JSON.stringify({ query }));
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  const { data, errors = [] } = JSON.parse(text);
  const codes = errors.map((error: { extensions?: { code: string } }) => error.extensions?.code);
  return { status: response.statusCode, codes, data, requestId: response.headers['x-request-id'] };
}

/** The number of the worker that answered, by its log. */
async function workerOf(gateway: ServingProcess, { requestId }: Answered): Promise<unknown> {
  const find = () => gateway.log().find((line) => line.requestId === requestId)?.worker;
  await expect.poll(find).toBeDefined();
  return find();
}

async function openRegistry(gateway: ServingProcess): Promise<pg.Client> {
  const { psql } = await gateway.logged('look into the embedded PostgreSQL');
  return await connectByHand(String(psql).replace(/finance$/, 'registry'));
}

const countReplicas = async (registry: pg.Client) =>
  (await registry.query('SELECT count(*)::int AS replicas FROM replicas')).rows[0].replicas;

/** Mutations, one on each of as many connections, that go on when the lock on the table is released. */
async function beginMutations(gateway: ServingProcess, registry: pg.Client, slugs: string[]) {
  await registry.query('BEGIN; LOCK TABLE tenants IN SHARE MODE');
  const answers = slugs.map((slug) =>
    ask(gateway, `mutation { registerTenant(input: { name: "${slug}", slug: "${slug}" }) { revision } }`),
  );
  for (const answer of answers) answer.catch(() => undefined);
  // One waits for the table, the others for the one.
  const waiting = `WITH ${locksHere} SELECT DISTINCT pid FROM locks_here WHERE NOT granted`;
  await expect
    .poll(async () => (await registry.query(waiting)).rowCount, { timeout: 10_000 })
    .toBe(slugs.length);
  return { answers, release: () => registry.end() };
}

describe('a gateway of two workers', () => {
  let dataDir: string;
  let gateway: ServingProcess;
  let registry: pg.Client;
  let adminUrl: string;
  beforeAll(async () => {
    dataDir = await aStartedDataDir();
    const env = { DATA_DIR: dataDir, ADMIN_PORT: '0', LOG_REQUESTS: 'all', STALENESS_BOUND_MS: '1000' };
    gateway = await serve(env, two);
    adminUrl = String((await gateway.logged('serving')).admin);
    registry = await openRegistry(gateway);
  });
  afterAll(async () => {
    await registry?.end().catch(() => undefined);
    await gateway?.[Symbol.asyncDispose]();
  });

  const askBoth = async (query: string) => {
    const answers = [await ask(gateway, query), await ask(gateway, query)];
    const workers = await Promise.all(answers.map((answer) => workerOf(gateway, answer)));
    expect(workers.toSorted()).toEqual([1, 2]);
    return answers;
  };

  test('says once that it serves, answers by both on one port, and has a replica row for each', async () => {
    await askBoth(firstQuery);
    const lines = gateway.log();
    expect(lines.filter(({ msg }) => msg === 'serving')).toMatchObject([
      { workers: [expect.any(Number), expect.any(Number)] },
    ]);
    expect(lines.map(({ msg }) => msg)).not.toContain('added a demo tenant');
    expect(await countReplicas(registry)).toBe(2);
  });

  test('refuses a tenant by both workers as soon as one has suspended it', async () => {
    for (const { data } of await askBoth(firstQuery)) expect(data.tenantSchema).toBeTruthy();
    const suspend =
      'mutation { suspendTenant(input: { tenantId: "demo-harbour", reason: "x" }) { revision } }';
    expect(await ask(gateway, suspend)).toMatchObject({ status: 200, codes: [] });
    for (const { codes } of await askBoth(firstQuery)) expect(codes).toEqual(['TENANT_SUSPENDED']);
    const resume = 'mutation { resumeTenant(input: { tenantId: "demo-harbour" }) { revision } }';
    expect(await ask(gateway, resume)).toMatchObject({ status: 200, codes: [] });
    for (const { data } of await askBoth(firstQuery)) expect(data.tenantSchema).toBeTruthy();
  });

  test('answers at ADMIN_PORT for both', async () => {
    const count = async () => {
      const text = await (await fetch(`${adminUrl}/metrics`)).text();
      return Number(/http_request_seconds_count\{path="\/graphql",status="200"\} (\d+)/.exec(text)?.[1]);
    };
    const before = await count();
    await askBoth(firstQuery);
    expect(await count()).toBe(before + 2);
    expect(await (await fetch(`${adminUrl}/ready`)).json()).toMatchObject({
      ready: true,
      checks: [
        { name: 'server' },
        { name: 'registry database' },
        { name: 'migrations' },
        { name: 'workers', ok: true },
      ],
    });
    expect((await gateway.get('/ready')).body).toEqual({ ready: true });
  });

  test('goes on by one worker while it replaces the other, which was killed', async () => {
    const agents = [1, 2].map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
    const [mine = 0, other] = await Promise.all(
      agents.map(async (agent) => await workerOf(gateway, await ask(gateway, firstQuery, agent))),
    );
    expect([mine, other].toSorted()).toEqual([1, 2]);
    const serving = await gateway.logged('serving');
    const pid = (serving.workers as number[])[Number(other) - 1] ?? 0;
    process.kill(pid, 'SIGKILL');
    expect(await gateway.logged('a worker ended; starting another')).toMatchObject({
      worker: other,
      pid,
      reason: 'SIGKILL',
    });
    const isReady = async () => {
      expect(await ask(gateway, firstQuery, agents[0])).toMatchObject({ status: 200, codes: [] });
      return (await fetch(`${adminUrl}/ready`)).status;
    };
    await expect.poll(isReady, { timeout: 20_000 }).toBe(200);
    await askBoth(firstQuery);
    // The row of the killed worker is removed by the first change that waits for it.
    expect(await countReplicas(registry)).toBe(3);
    await ask(gateway, 'mutation { registerTenant(input: { name: "Later", slug: "later" }) { revision } }');
    await expect.poll(() => countReplicas(registry)).toBe(2);
    for (const agent of agents) agent.destroy();
  });

  // The last one, because it ends the gateway.
  test('answers what both have begun before it stops at a SIGTERM', async () => {
    const { answers, release } = await beginMutations(gateway, registry, [
      'begun-1',
      'begun-2',
      'begun-3',
      'begun-4',
    ]);
    process.kill(gateway.pid, 'SIGTERM');
    await gateway.logged('stopping');
    await expect.poll(async () => (await ask(gateway, firstQuery)).status).toBe(503);
    expect(await (await fetch(`${adminUrl}/ready`)).json()).toMatchObject({ ready: false });
    await release();
    for (const answer of answers) expect(await answer).toMatchObject({ status: 200, codes: [] });
    expect(await gateway.ended).toMatchObject({ code: 0, signal: null, stdout: '' });
    expect(gateway.log().at(-1)).toMatchObject({ level: 30, msg: 'stopped' });
    expect(await postmasterPid(dataDir)).toBeUndefined();
  });
});

describe('a gateway of two workers without ADMIN_PORT', () => {
  let dataDir: string;
  let gateway: ServingProcess;
  beforeAll(async () => {
    dataDir = await aStartedDataDir();
    gateway = await serve({ DATA_DIR: dataDir }, two);
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
  });

  test('answers /metrics for both by any of them', async () => {
    for (const _worker of two) await ask(gateway, firstQuery);
    const text = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(text).toContain('http_request_seconds_count{path="/graphql",status="200"} 2\n');
  });

  test('leaves nothing running after a kill -9 of the primary process, and answers what it has begun', async () => {
    const registry = await openRegistry(gateway);
    const { answers, release } = await beginMutations(gateway, registry, ['begun-5', 'begun-6']);
    process.kill(gateway.pid, 'SIGKILL');
    await expect.poll(() => refusesConnections(gateway)).toBe(true);
    await release();
    for (const answer of answers) expect(await answer).toMatchObject({ status: 200, codes: [] });
    // This is also the end of the workers, which write to the same log.
    expect(await gateway.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(await postmasterPid(dataDir)).toBeUndefined();
  });
});

describe('the end of a gateway of two workers', () => {
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await aStartedDataDir();
  });

  test('another program on PORT: one line and exit 1', async () => {
    await using taken = await takePort();
    const { code, stderr } = await start(['serve', ...two], { PORT: String(taken.port), DATA_DIR: dataDir })
      .ended;
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `PORT ${taken.port} on 127.0.0.1 is taken: set PORT to a free one\n`,
    });
  });

  test.each(['0', 'x', '65'])('--workers %s: one line and exit 1', async (number) => {
    const { code, stdout, stderr } = await run(['serve', '--workers', number]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.split('\n')[0]).toBe(
      `error: option '--workers <n>' argument '${number}' is invalid. Expected a whole number from 1 to 64.`,
    );
  });
});

describe('the parts of it', () => {
  test('a crash is admitted when there were few within the window', () => {
    const limit = new CrashLimit({ max: 2, windowMs: 1_000 });
    expect([0, 500, 999, 2_100, 2_200, 2_300].map((at) => limit.admits(at))).toEqual([
      ...[true, true, false],
      ...[true, true, false],
    ]);
  });

  test('every metric has its name, its type and what was counted', async () => {
    const metrics = createMetrics();
    metrics.lookedUp('redis', { hits: 2, misses: 1 });
    metrics.resynced();
    for (let at = 0; at < 3; at++) metrics.queryCancelled();
    metrics.authenticationFailed('unknown_key', 4);
    metrics.authenticationFailed('unknown_key');
    metrics.breakerChanged(true);
    metrics.sheddingChanged(true);
    for (let at = 0; at < 11; at++) metrics.shed();
    metrics.answered({ path: '/graphql', status: 200, seconds: 0.002 });
    metrics.graphqlAnswered('query', 'OK');
    metrics.resolutions.of('finance', 'OK').n += 12;
    metrics.rateLimited('mutations', 13);
    metrics.acknowledged(0.5);
    metrics.operationEnded({ kind: 'purge_tenant', status: 'succeeded', seconds: 14 });
    metrics.observe(() => ({
      ...{
        leaseRemainingMs: 1_500,
        lagRevisions: 6,
        subscribers: 7,
        streams: 8,
        expiringKeys: 9,
        unusableClientFiles: 10,
        standbys: { required: 2, confirmed: 1 },
      },
    }));
    const { body } = await metrics.text();
    const own = body.matchAll(/^(?:# TYPE )?(tenant_registry_(?!\w+_seconds_(?:bucket|sum)).*)$/gm);
    expect([...own].map(([, line]) => line).sort()).toEqual(
      [
        'tenant_registry_cache_hits_total counter',
        'tenant_registry_cache_hits_total{tier="redis"} 2',
        'tenant_registry_cache_misses_total counter',
        'tenant_registry_cache_misses_total{tier="redis"} 1',
        'tenant_registry_feed_resyncs_total counter',
        'tenant_registry_feed_resyncs_total 1',
        'tenant_registry_cancelled_queries_total counter',
        'tenant_registry_cancelled_queries_total 3',
        'tenant_registry_authentication_failures_total counter',
        'tenant_registry_authentication_failures_total{reason="unknown_key"} 5',
        'tenant_registry_shed_requests_total counter',
        'tenant_registry_shed_requests_total 11',
        'tenant_registry_shedding gauge',
        'tenant_registry_shedding 1',
        'tenant_registry_redis_breaker_open gauge',
        'tenant_registry_redis_breaker_open 1',
        'tenant_registry_http_request_seconds histogram',
        'tenant_registry_http_request_seconds_count{path="/graphql",status="200"} 1',
        'tenant_registry_graphql_operations_total counter',
        'tenant_registry_graphql_operations_total{kind="query",code="OK"} 1',
        'tenant_registry_resolutions_total counter',
        'tenant_registry_resolutions_total{module="finance",outcome="OK"} 12',
        'tenant_registry_rate_limited_total counter',
        'tenant_registry_rate_limited_total{limit="mutations"} 13',
        'tenant_registry_acknowledgement_wait_seconds histogram',
        'tenant_registry_acknowledgement_wait_seconds_count 1',
        'tenant_registry_operation_duration_seconds histogram',
        'tenant_registry_operation_duration_seconds_count{kind="purge_tenant",status="succeeded"} 1',
        'tenant_registry_lease_remaining_seconds gauge',
        'tenant_registry_lease_remaining_seconds 1.5',
        'tenant_registry_feed_lag_revisions gauge',
        'tenant_registry_feed_lag_revisions 6',
        'tenant_registry_sync_standbys gauge',
        'tenant_registry_sync_standbys 1',
        'tenant_registry_sync_standbys_required gauge',
        'tenant_registry_sync_standbys_required 2',
        'tenant_registry_subscribers gauge',
        'tenant_registry_subscribers 7',
        'tenant_registry_streams gauge',
        'tenant_registry_streams 8',
        'tenant_registry_expiring_api_keys gauge',
        'tenant_registry_expiring_api_keys 9',
        'tenant_registry_unusable_client_files gauge',
        'tenant_registry_unusable_client_files 10',
      ].sort(),
    );
    metrics.breakerChanged(false);
    metrics.sheddingChanged(false);
    const after = (await metrics.text()).body;
    expect(after).toMatch(/^tenant_registry_redis_breaker_open 0$/m);
    expect(after).toMatch(/^tenant_registry_shedding 0$/m);
  });

  test('combined metrics add counts, also of a process that has ended, and take the shortest lease', async () => {
    const combined = new CombinedMetrics();
    for (const [pid, leaseRemainingMs] of [3_000, 1_000].entries()) {
      const metrics = createMetrics();
      metrics.lookedUp('memory', { hits: 5, misses: 1 });
      metrics.answered({ path: '/graphql', status: 200, seconds: 0.002 });
      metrics.observe(() => ({
        leaseRemainingMs,
        ...{
          lagRevisions: 1,
          subscribers: 2,
          streams: 3,
          expiringKeys: 4,
          unusableClientFiles: 0,
          standbys: undefined,
        },
      }));
      combined.record(pid, JSON.parse(JSON.stringify(await metrics.snapshot())));
    }
    const values = async () => {
      const { body } = await combined.text();
      const value = (name: string) => new RegExp(`^${name} (\\S+)$`, 'm').exec(body)?.[1];
      return [
        value('tenant_registry_cache_hits_total{tier="memory"}'),
        value('tenant_registry_http_request_seconds_bucket{le="0.0025",path="/graphql",status="200"}'),
        value('tenant_registry_lease_remaining_seconds'),
        value('tenant_registry_streams'),
        value('tenant_registry_expiring_api_keys'),
      ];
    };
    expect(await values()).toEqual(['10', '2', '1', '6', '4']);
    combined.end(1);
    expect(await values()).toEqual(['10', '2', '3', '3', '4']);
    combined.end(0);
    expect(await values()).toEqual(['10', '2', undefined, undefined, undefined]);
  });
});
