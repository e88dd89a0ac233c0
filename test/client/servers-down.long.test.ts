import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TenantRegistry } from '../../src/client/index.js';
import { codeOf, once } from './support/client-outcomes.js';
import { startTraffic } from './support/client-traffic.js';
import { type KillableGateways, openKillableGateways } from './support/killable-gateways.js';

/** The staleness bound of the gateways. */
const stalenessMs = 3_000;

let fixture: KillableGateways;
let pool: pg.Pool;
beforeAll(async () => {
  fixture = await openKillableGateways({ tenants: 5, stalenessMs });
  pool = fixture.openPool(6);
}, 120_000);
afterAll(() => fixture?.[Symbol.asyncDispose]());

/** Six clients with every tenant cached. */
async function openClients(timeoutMs: number): Promise<TenantRegistry[]> {
  const clients = Array.from({ length: 6 }, () => fixture.connect({ timeoutMs }));
  await Promise.all(clients.map((client) => once(client, 'ready')));
  for (const client of clients) await client.resolveMany(fixture.tenants.map(({ id }) => id));
  return clients;
}

test('no service sees an error while one of two gateways is killed and restarted, then the other', {
  timeout: 180_000,
}, async () => {
  // A killed gateway refuses connections at once, so this long timeout is never reached on a slow machine.
  const clients = await openClients(10_000);
  const each = clients.map((client) => startTraffic(fixture, [client], pool));
  const expectNoError = (atLeast: number) => {
    for (const traffic of each)
      for (const { failed, done } of Object.values(traffic.take())) {
        expect(failed).toEqual({});
        expect(done).toBeGreaterThan(atLeast);
      }
  };
  for (const name of ['A', 'B'] as const) {
    await fixture.kill(name);
    await delay(500);
    expectNoError(-1);
    // Every client uses the other gateway, for uncached tenants too, and does not wait for the killed one.
    await delay(2_000);
    expectNoError(0);
    await fixture.start(name);
    // Wait until the clients have tried the restarted gateway again, so that they have two.
    await delay(2_500);
  }
  await Promise.all(each.map((traffic) => traffic.stop()));
  expectNoError(0);
  await Promise.all(clients.map((client) => client.close()));
});

test('withTenant goes on with stale routes while the registry’s PostgreSQL is down', {
  timeout: 180_000,
}, async () => {
  const clients = await openClients(1_000);
  const [first] = clients as [TenantRegistry];
  const [{ id }] = fixture.tenants as [KillableGateways['tenants'][number]];
  const traffic = startTraffic(fixture, clients, pool);
  const stale = Promise.all(clients.map((client) => once(client, 'stale')));
  await fixture.registry.stop('immediate');
  await stale;
  // Requests that were sent before the outage have ended by now.
  await delay(2_500);
  const until = traffic.take();
  await delay(2_000);
  const during = traffic.take();
  expect([until.withTenant.failed, during.withTenant.failed]).toEqual([{}, {}]);
  expect(during.withTenant.done).toBeGreaterThan(100);
  expect([during.resolve.done, Object.keys(during.resolve.failed)]).toEqual([0, ['REGISTRY_UNAVAILABLE']]);
  expect(await first.enter(id, async ({ route }) => route.isStale)).toBe(true);

  const ready = Promise.all(clients.map((client) => once(client, 'ready')));
  await fixture.registry.start();
  await ready;
  for (const client of clients)
    await expect
      .poll(() => client.resolve(id).catch(codeOf), { timeout: 10_000 })
      .toMatchObject({ tenantId: id, isStale: false });
  await traffic.stop();
  expect(traffic.take().withTenant.failed).toEqual({});
});
