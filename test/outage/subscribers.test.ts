import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEvents } from '../feed/support/event-stream.js';
import type { GatewayProcess } from '../setup/gateway-process.js';
import { openWorld, type World } from './support/breakable-gateways.js';
import { compareHoldings, readHoldings, runInterrupted, runVisitors } from './support/subscribers.js';

let world: World;
let gateway: GatewayProcess;
beforeAll(async () => {
  world = await openWorld();
  gateway = await world.gateway();
});
afterAll(() => world?.[Symbol.asyncDispose]());

test('3,000 changes and 100 disconnects, often in the middle of a revision: none is lost, doubled or out of order', {
  timeout: 60_000,
}, async () => {
  const { firstDifference, changes, disconnects } = await runInterrupted(world, gateway, {
    changes: 3_000,
    disconnects: 100,
  });
  expect({ firstDifference, changes }).toEqual({ firstDifference: undefined, changes: 3_000 });
  expect(disconnects).toBeGreaterThan(50);
});

test('500 visitors leave no subscription, socket, timer or memory', { timeout: 60_000 }, async () => {
  const { url, app } = await world.localGateway();
  if (!app.gateway) throw new Error('no gateway');
  const { freshness } = app.gateway;
  // What the first ones leave is what is kept for any number.
  await runVisitors(world, url, 200);
  const before = await readHoldings(freshness);
  await runVisitors(world, url, 500);
  expect(compareHoldings(before, await readHoldings(freshness))).toBeUndefined();
});

test('a subscriber to whom nothing is said is noticed to have left at once', async () => {
  const subscribers = async () =>
    Number(
      /^tenant_registry_subscribers (\d+)$/m.exec(await (await fetch(`${gateway.url}/metrics`)).text())?.[1],
    );
  const stream = await openEvents(gateway.url, { key: world.key });
  await expect.poll(subscribers).toBe(1);
  stream.destroy();
  await expect.poll(subscribers, { timeout: 1_000 }).toBe(0);
  expect(gateway.complaints).toEqual([]);
});
