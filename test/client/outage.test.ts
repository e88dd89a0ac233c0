import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTenantRegistry, type TenantRegistry } from '../../src/client/index.js';
import { openTwoGateways, type TwoGateways } from '../feed/support/two-gateways.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { openTcpProxy, type TcpProxy } from '../setup/tcp-proxy.js';
import { codeOf, once } from './support/client-outcomes.js';

/** The staleness bound of these gateways. */
const stalenessMs = 1_000;

let gateways: TwoGateways;
let acme: StoryTenant;
const unsubscribed: StoryTenant[] = [];
let ways: [TcpProxy, TcpProxy];
let registry: TenantRegistry;
beforeAll(async () => {
  gateways = await openTwoGateways({ stalenessMs });
  acme = await aTenant().subscribedTo('finance').at(gateways.one);
  for (let at = 0; at < 12; at++) unsubscribed.push(await aTenant().at(gateways.one));
  ways = [await wayTo(gateways.one.url), await wayTo(gateways.other.url)];
});
afterAll(async () => {
  for (const way of ways ?? []) await way.close();
  await gateways?.close();
});
beforeEach(async () => {
  registry = connect(...ways);
  await once(registry, 'ready');
});
afterEach(async () => {
  for (const way of ways) await way.heal();
  await registry.close();
});

const wayTo = (url: string) => openTcpProxy(Number(new URL(url).port));

function connect(...through: TcpProxy[]): TenantRegistry {
  const url = through.map(({ port }) => `http://127.0.0.1:${port}`);
  return createTenantRegistry({ url, module: 'finance', timeoutMs: 600 });
}

/** Resolves a cached and an uncached tenant repeatedly; returns the codes seen and the slowest time. */
async function keepAsking(forMs: number): Promise<{ codes: string[]; slowestMs: number }> {
  const codes = new Set<string>();
  let slowestMs = 0;
  for (const endsAt = performance.now() + forMs; performance.now() < endsAt; await delay(20)) {
    const startedAt = performance.now();
    const cold = unsubscribed[Math.floor(Math.random() * unsubscribed.length)] as StoryTenant;
    for (const id of [acme.id, cold.id])
      codes.add(await registry.resolve(id).then(({ tenantId }) => tenantId, codeOf));
    slowestMs = Math.max(slowestMs, performance.now() - startedAt);
  }
  return { codes: [...codes].sort(), slowestMs };
}

const asBefore = () => [acme.id, 'MODULE_NOT_SUBSCRIBED'].sort();

describe('one of two gateways', () => {
  test.each([
    ['refuses', (way: TcpProxy) => way.cut()],
    ['hangs', async (way: TcpProxy) => way.blackhole()],
    ['resets', async (way: TcpProxy) => way.reset()],
  ])('%s: no caller sees an error, whichever gateway it is', async (_what, fail) => {
    for (const way of ways) {
      await registry.resolve(acme.id);
      await fail(way);
      const { codes } = await keepAsking(stalenessMs + 300);
      expect(codes).toEqual(asBefore());
      await way.heal();
    }
  });

  test('that is behind the client never takes the client back to an older state', async () => {
    await registry.close();
    registry = connect(...ways);
    const tenant = await aTenant().subscribedTo('finance').at(gateways.one);
    await mutate(gateways.other, 'updateTenant', {
      tenantId: tenant.id,
      name: 'Known to both',
      wait: 'GATEWAYS',
    });
    expect((await registry.resolve(tenant.id)).tenantId).toBe(tenant.id);
    await gateways.whileOtherIsBlocked(async () => {
      // The other gateway is the only one that does not know of the suspension.
      await mutate(gateways.one, 'suspendTenant', {
        tenantId: tenant.id,
        reason: 'unpaid',
        wait: 'COMMITTED',
      });
      const informed = connect(ways[0]);
      await expect.poll(() => informed.resolve(tenant.id).catch(codeOf)).toBe('TENANT_SUSPENDED');
      await informed.close();
      await expect
        .poll(() => registry.resolve(tenant.id).catch(codeOf), { timeout: 2 * stalenessMs })
        .toBe('TENANT_SUSPENDED');
      await ways[0].cut();
      for (const endsAt = performance.now() + stalenessMs; performance.now() < endsAt; await delay(30))
        expect(await registry.resolve(tenant.id).catch(codeOf)).toMatch(
          /^(TENANT_SUSPENDED|REGISTRY_UNAVAILABLE)$/,
        );
    });
  });
});

describe('all gateways', () => {
  test.each([
    ['refuse', (way: TcpProxy) => way.cut()],
    ['hang', async (way: TcpProxy) => way.blackhole()],
  ])(
    '%s: cached routes are valid until the lease ends, then resolve throws REGISTRY_UNAVAILABLE until a gateway is back',
    async (_what, fail) => {
      const heard: string[] = [];
      registry.on('stale', () => heard.push('stale'));
      registry.on('ready', () => heard.push('ready'));
      await registry.resolve(acme.id);
      for (const way of ways) await fail(way);
      const failedAt = performance.now();
      let lastKnownAt = 0;
      const seen = new Set<string>();
      while (!seen.has('REGISTRY_UNAVAILABLE')) {
        const askedAt = performance.now();
        const answer = await registry.resolve(acme.id).then(({ tenantId }) => tenantId, codeOf);
        seen.add(answer);
        if (answer === acme.id) lastKnownAt = askedAt - failedAt;
        await delay(10);
      }
      expect([...seen]).toEqual([acme.id, 'REGISTRY_UNAVAILABLE']);
      expect(lastKnownAt).toBeLessThan(stalenessMs);
      expect(heard).toEqual(['stale']);
      // Later calls fail as well.
      await delay(1_300);
      const error = await registry.resolve(acme.id).catch((error) => error);
      expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', status: 503, retryAfter: 1 });
      for (const way of ways) await way.heal();
      await expect
        .poll(() => registry.resolve(acme.id).then(({ tenantId }) => tenantId, codeOf), { timeout: 3_000 })
        .toBe(acme.id);
      // On a slow machine a lease can end again before the next one comes.
      await expect.poll(() => heard.at(-1)).toBe('ready');
      expect(heard).toEqual(heard.map((_, at) => (at % 2 === 0 ? 'stale' : 'ready')));
    },
  );
});

test('a gateway whose answers are slow but within the timeout still grants a lease', async () => {
  await registry.close();
  ways[0].delayAnswers(400);
  registry = connect(ways[0]);
  const ready = once(registry, 'ready');
  expect((await registry.resolve(acme.id)).tenantId).toBe(acme.id);
  await ready;
});

test('without events a change arrives with the next renewal', async () => {
  await registry.close();
  registry = createTenantRegistry({ url: gateways.one.url, module: 'finance', hints: false });
  const tenant = await aTenant().subscribedTo('finance').at(gateways.one);
  await registry.resolve(tenant.id);
  await mutate(gateways.one, 'suspendTenant', { tenantId: tenant.id, reason: 'unpaid' });
  expect(await registry.resolve(tenant.id).catch(codeOf)).toBe('TENANT_SUSPENDED');
});
