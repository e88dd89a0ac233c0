import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GatewayProcess } from '../setup/gateway-process.js';
import type { PostgresServer } from '../setup/postgres-server.js';
import { openTcpProxy, type TcpProxy } from '../setup/tcp-proxy.js';
import {
  addTenants,
  ask,
  type BreakableEnvironment,
  openBreakableEnvironment,
} from './support/breakable-gateways.js';

const stalenessMs = 2_000;
const route = 'finance_tenant_0';
const rename = 'mutation ($input: UpdateTenantInput!) { updateTenant(input: $input) { revision } }';

/** A primary with a synchronous standby behind a network of its own. */
let environment: BreakableEnvironment;
let replication: TcpProxy;
let standby: PostgresServer;
let tenants: { id: string; slug: string }[];

beforeEach(async () => {
  environment = await openBreakableEnvironment();
  tenants = await addTenants(environment, 2);
  replication = await openTcpProxy(environment.postgres.port);
  environment.undo(() => replication.close());
  standby = await environment.postgres.openStandby(replication);
  environment.undo(() => standby.close());
  await requireSynchronous("'*'");
}, 60_000);
afterEach(() => environment?.[Symbol.asyncDispose]());

const requireSynchronous = async (names: string) => {
  await environment.postgres.query(`ALTER SYSTEM SET synchronous_standby_names = ${names}`);
  await environment.postgres.query('SELECT pg_reload_conf()');
  const expected = names === "''" ? 'async' : 'sync';
  await expect
    .poll(
      async () =>
        (await environment.postgres.query('SELECT sync_state FROM pg_stat_replication'))[0]?.sync_state,
    )
    .toBe(expected);
};

const gatewayThat = (requires: number) =>
  environment.gateway({
    ...{ STALENESS_BOUND_MS: `${stalenessMs}`, REQUIRE_SYNC_STANDBYS: `${requires}`, WORKER: 'none' },
  });

const first = () => tenants[0] as { id: string };

/** Asks from now on; the beginning of the last request that was answered with a route or a refusal of the registry. */
function watch(gateway: GatewayProcess) {
  const seen = { answered: 0, lastAt: Number.NEGATIVE_INFINITY, refused: 0, codes: new Set<string>() };
  let isOver = false;
  const ended = (async () => {
    for (; !isOver; await delay(10)) {
      const startedAt = performance.now();
      const { answer } = await ask(gateway, first().id);
      if (answer === 'REGISTRY_UNAVAILABLE') seen.refused++;
      else Object.assign(seen, { answered: seen.answered + 1, lastAt: startedAt });
      seen.codes.add(answer);
    }
  })();
  return {
    seen,
    async end() {
      isOver = true;
      await ended;
      return seen;
    },
  };
}

/** Renames a tenant again and again; the names whose change was acknowledged, and how many were asked for. */
function write(gateway: GatewayProcess) {
  const acknowledged: string[] = [];
  let asked = 0;
  let isOver = false;
  const one = async () => {
    const name = `name ${++asked}`;
    const input = { tenantId: tenants[1]?.id, name };
    const answer = await Promise.race([gateway.ask(rename, { input }).catch(() => undefined), delay(1_000)]);
    if (answer && answer.codes.length === 0) acknowledged.push(name);
  };
  const ended = (async () => {
    for (; !isOver; await delay(20)) await one();
  })();
  return {
    acknowledged,
    asked: () => asked,
    async end() {
      isOver = true;
      await ended;
    },
  };
}

/** The standby is cut off by a network that swallows everything, so the primary goes on to list it; then it takes over. */
async function loseSide(): Promise<number> {
  replication.blackhole();
  await delay(300);
  await standby.promote();
  return performance.now();
}

describe('a primary that is cut off and replaced', () => {
  test('is not answered from later than the staleness bound after the promotion, and loses no acknowledged change', async () => {
    const lost = await gatewayThat(1);
    const watched = watch(lost);
    const writer = write(lost);
    await expect.poll(() => writer.acknowledged.length, { timeout: 10_000 }).toBeGreaterThan(10);
    const promotedAt = await loseSide();
    const askedBefore = writer.asked();
    await standby.query(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [first().id], 'registry');
    await delay(3 * stalenessMs);
    await writer.end();
    const { answered, lastAt, refused, codes } = await watched.end();
    expect(answered).toBeGreaterThan(0);
    expect(lastAt - promotedAt).toBeLessThan(stalenessMs);
    expect(refused).toBeGreaterThan(10);
    expect([...codes].sort()).toEqual(['REGISTRY_UNAVAILABLE', route]);
    expect(writer.asked()).toBeGreaterThan(askedBefore);

    const kept = await standby.query<{ name: string }>(
      `SELECT after ->> 'name' AS name FROM registry_change WHERE kind = 'tenant.updated' ORDER BY revision`,
      [],
      'registry',
    );
    const names = new Set(kept.map(({ name }) => name));
    expect(writer.acknowledged.filter((name) => !names.has(name))).toEqual([]);
  });

  test('is answered from for as long as it runs where no standby is required', async () => {
    const lost = await gatewayThat(0);
    expect((await ask(lost, first().id)).answer).toBe(route);
    await loseSide();
    await standby.query(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [first().id], 'registry');
    await delay(2 * stalenessMs);
    for (let asked = 0; asked < 20; asked++) expect((await ask(lost, first().id)).answer).toBe(route);
  });
});

test('without its standby a primary gives no lease, also where its commits no longer wait; the reason is told, and it ends by itself', async () => {
  const gateway = await gatewayThat(1);
  // The first lease needs a standby that has confirmed what was written after the first poll.
  await expect.poll(async () => (await ask(gateway, first().id)).answer, { timeout: 10_000 }).toBe(route);
  await requireSynchronous("''");
  await expect
    .poll(async () => (await ask(gateway, first().id)).answer, { timeout: 10_000 })
    .toBe('REGISTRY_UNAVAILABLE');
  const reason =
    'The primary of the registry database has 0 synchronous standbys that confirm its changes, and REQUIRE_SYNC_STANDBYS is 1: ' +
    'connect a standby again (synchronous_standby_names, pg_stat_replication), or lead this gateway to the primary that took over';
  const refused = await gateway.ask(rename, { input: { tenantId: first().id, name: 'no' } });
  expect([refused.status, refused.codes, refused.errors[0]?.message]).toEqual([
    503,
    ['REGISTRY_UNAVAILABLE'],
    reason,
  ]);
  const ready = await fetch(`${gateway.url}/ready`);
  expect([ready.status, await ready.json()]).toMatchObject([
    503,
    { checks: expect.arrayContaining([{ name: 'change log', ok: false, reason }]) },
  ]);
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  expect(metrics).toMatch(/^tenant_registry_sync_standbys 0$/m);
  expect(metrics).toMatch(/^tenant_registry_sync_standbys_required 1$/m);
  expect(gateway.warnings.filter((line) => line.includes(reason))).toHaveLength(1);

  await requireSynchronous("'*'");
  await expect.poll(async () => (await ask(gateway, first().id)).answer, { timeout: 10_000 }).toBe(route);
  expect((await fetch(`${gateway.url}/ready`)).status).toBe(200);
});
