import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { graphqlResponse } from '../../setup/graphql-calls.js';
import { usualRequestLimits } from '../../setup/request-limits.js';

let gateway: TestGateway;
/** A replica with a short deadline. */
let strict: TestGateway;
let auditor: string;
let service: string;
beforeAll(async () => {
  // The lock below keeps the gateways from the change log for a while.
  const config = { stalenessMs: 60_000, requestLimits: { ...usualRequestLimits, answerBytes: 1_000_000 } };
  gateway = await openGateway({ authMode: 'required', config });
  strict = await openGateway({
    authMode: 'required',
    sharing: gateway,
    config: {
      ...config,
      requestLimits: { ...usualRequestLimits, queryTimeoutMs: 400 },
    },
  });
  auditor = await gateway.createKey('audit:read');
  service = await gateway.createKey('registry:read', 'resolve:*');
  await useKeys();
  await gateway.psql(`
    INSERT INTO tenants (slug, name) SELECT 'tenant-' || n, 'Tenant ' || n FROM generate_series(1, 30) AS n;
    INSERT INTO module_subscriptions (tenant_id, module, status) SELECT id, 'finance', 'active' FROM tenants;
    UPDATE tenants SET tenant_config = jsonb_build_object('extensions', jsonb_build_object('notes', repeat('x', 60000)));
  `);
});
afterAll(async () => {
  await strict?.close();
  await gateway?.close();
});

/** Each gateway reads a key from the database once, and notes its use. */
async function useKeys(): Promise<void> {
  for (const at of [gateway, strict])
    for (const key of [auditor, service]) await ask(at, key, '{ __typename }');
}

/** Holds a lock on the change log while the work runs: every audit query waits for it. */
async function whileAuditWaits(work: () => Promise<void>): Promise<void> {
  const holder = new pg.Client({ connectionString: gateway.registry.url });
  await holder.connect();
  try {
    await holder.query('BEGIN; LOCK TABLE registry_change IN ACCESS EXCLUSIVE MODE');
    await work();
  } finally {
    await holder.query('ROLLBACK');
    await holder.end();
  }
}

const patience = { timeout: 15_000 };

/** Audit queries that run in the database, besides the follower's. */
async function countRunning(): Promise<number> {
  const client = new pg.Client({ connectionString: gateway.registry.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ running: number }>(
      `SELECT count(*)::int AS running FROM pg_stat_activity
       WHERE datname = current_database() AND state = 'active' AND wait_event_type = 'Lock'
         AND application_name = 'tenant-registry' AND query ~ 'FROM "?registry_change'`,
    );
    return rows[0]?.running ?? 0;
  } finally {
    await client.end();
  }
}

const audit = '{ auditLog(first: 100) { edges { node { kind } } } }';
const ask = (at: TestGateway, key: string, query: string) =>
  at.ask(query, {}, { key, accept: graphqlResponse });

test('a key with 50 slow audit queries takes its share of the connections and starves nobody', async () => {
  const slow: ReturnType<typeof ask>[] = [];
  await whileAuditWaits(async () => {
    for (let at = 0; at < 50; at++) slow.push(ask(gateway, auditor, audit));
    await expect.poll(countRunning, patience).toBe(3);
    for (let at = 1; at <= 20; at++) {
      const route = await ask(
        gateway,
        service,
        `{ tenantSchema(id: "tenant-${at}", module: "finance") { schemaName } }`,
      );
      expect(route.errors).toEqual([]);
      const list = await ask(gateway, service, '{ tenants(first: 5) { edges { node { name } } } }');
      expect(list.data.tenants.edges).toHaveLength(5);
    }
    expect(await countRunning()).toBe(3);
  });
  for (const { codes } of await Promise.all(slow))
    expect(codes.filter((code) => code !== 'REGISTRY_UNAVAILABLE' && code !== 'RATE_LIMITED')).toEqual([]);
});

describe('a query that takes longer than QUERY_TIMEOUT_MS', () => {
  test('is answered with REGISTRY_UNAVAILABLE, and its SQL does not run on', async () => {
    await whileAuditWaits(async () => {
      const answer = await ask(strict, auditor, audit);
      expect([answer.status, answer.codes]).toEqual([503, ['REGISTRY_UNAVAILABLE']]);
      expect(answer.errors[0]?.message).toContain('longer than 400 ms (QUERY_TIMEOUT_MS) and was cancelled');
      expect(answer.headers.get('retry-after')).toBe('1');
      await expect.poll(countRunning, patience).toBe(0);
    });
    expect((await ask(strict, auditor, '{ auditLog(first: 1) { edges { node { kind } } } }')).errors).toEqual(
      [],
    );
  });

  test('is cancelled with each of its statements, and is counted', async () => {
    await whileAuditWaits(async () => {
      const aliases = Array.from(
        { length: 20 },
        (_, at) => `a${at}: auditLog(first: 1) { edges { node { kind } } }`,
      );
      const answer = await ask(strict, auditor, `{ ${aliases.join(' ')} }`);
      expect(answer.codes).toEqual(['REGISTRY_UNAVAILABLE']);
      await expect.poll(countRunning, patience).toBe(0);
    });
    const body = await (await fetch(`${strict.url}/metrics`)).text();
    expect(body).toMatch(/tenant_registry_cancelled_queries_total [2-9]/);
  });
});

test('an answer beyond ANSWER_LIMIT_MB is refused with QUERY_TOO_COMPLEX, a smaller one is not', async () => {
  const page = (first: number) => `{ tenants(first: ${first}) { edges { node { config } } } }`;
  const large = await ask(gateway, service, page(30));
  expect([large.status, large.codes]).toEqual([400, ['QUERY_TOO_COMPLEX']]);
  expect(large.errors[0]?.message).toContain('larger than 1 MB (ANSWER_LIMIT_MB)');
  expect((await ask(gateway, service, page(10))).errors).toEqual([]);
});
