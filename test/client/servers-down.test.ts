import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TenantRegistry } from '../../src/client/index.js';
import { codeOf, once } from './support/client-outcomes.js';
import { startTraffic } from './support/client-traffic.js';
import { type City, openCity } from './support/killable-gateways.js';

/** D of the gateways. */
const stalenessMs = 3_000;

let city: City;
let pool: pg.Pool;
beforeAll(async () => {
  city = await openCity({ tenants: 5, stalenessMs });
  pool = city.openPool(6);
}, 120_000);
afterAll(() => city?.[Symbol.asyncDispose]());

/** Six that know every tenant. */
async function openClients(timeoutMs: number): Promise<TenantRegistry[]> {
  const clients = Array.from({ length: 6 }, () => city.connect({ timeoutMs }));
  await Promise.all(clients.map((client) => once(client, 'ready')));
  for (const client of clients) await client.resolveMany(city.tenants.map(({ id }) => id));
  return clients;
}

test('one gateway of two is killed and comes back, then the other: no service sees an error', {
  timeout: 180_000,
}, async () => {
  // Who is killed refuses at once, so nobody waits for that, however slow the machine.
  const clients = await openClients(10_000);
  const each = clients.map((client) => startTraffic(city, [client], pool));
  const expectNoError = (atLeast: number) => {
    for (const traffic of each)
      for (const { failed, done } of Object.values(traffic.take())) {
        expect(failed).toEqual({});
        expect(done).toBeGreaterThan(atLeast);
      }
  };
  for (const name of ['A', 'B'] as const) {
    await city.kill(name);
    await delay(500);
    expectNoError(-1);
    // Each of them goes on by the other one, also with what it does not hold, and does not wait for this one.
    await delay(2_000);
    expectNoError(0);
    await city.start(name);
    // What was asked in vain is tried again by then, so that there are two again.
    await delay(2_500);
  }
  await Promise.all(each.map((traffic) => traffic.stop()));
  expectNoError(0);
  await Promise.all(clients.map((client) => client.close()));
});

test('the registry’s PostgreSQL is down: work goes on, by routes that are no longer proven', {
  timeout: 180_000,
}, async () => {
  const clients = await openClients(1_000);
  const [first] = clients as [TenantRegistry];
  const [{ id }] = city.tenants as [City['tenants'][number]];
  const traffic = startTraffic(city, clients, pool);
  const stale = Promise.all(clients.map((client) => once(client, 'stale')));
  await city.registry.stop('immediate');
  await stale;
  // Nobody waits for an answer to a question from before any more.
  await delay(2_500);
  const until = traffic.take();
  await delay(2_000);
  const during = traffic.take();
  expect([until.withTenant.failed, during.withTenant.failed]).toEqual([{}, {}]);
  expect(during.withTenant.done).toBeGreaterThan(100);
  expect([during.resolve.done, Object.keys(during.resolve.failed)]).toEqual([0, ['REGISTRY_UNAVAILABLE']]);
  expect(await first.enter(id, async ({ route }) => route.isStale)).toBe(true);

  const ready = Promise.all(clients.map((client) => once(client, 'ready')));
  await city.registry.start();
  await ready;
  for (const client of clients)
    await expect
      .poll(() => client.resolve(id).catch(codeOf), { timeout: 10_000 })
      .toMatchObject({ tenantId: id, isStale: false });
  await traffic.stop();
  expect(traffic.take().withTenant.failed).toEqual({});
});
