import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEvents } from '../feed/support/event-stream.js';
import type { GatewayProcess } from '../setup/gateway-process.js';
import { type BreakableEnvironment, openBreakableEnvironment } from './support/breakable-gateways.js';
import { compareHoldings, readHoldings, runInterrupted, runVisitors } from './support/subscribers.js';

let environment: BreakableEnvironment;
let gateway: GatewayProcess;
beforeAll(async () => {
  environment = await openBreakableEnvironment();
  gateway = await environment.gateway();
});
afterAll(() => environment?.[Symbol.asyncDispose]());

test('3,000 changes with 100 disconnects, often in the middle of a revision, arrive once and in order', async () => {
  const { firstDifference, changes, disconnects } = await runInterrupted(environment, gateway, {
    changes: 3_000,
    disconnects: 100,
  });
  expect({ firstDifference, changes }).toEqual({ firstDifference: undefined, changes: 3_000 });
  expect(disconnects).toBeGreaterThan(50);
});

test('500 subscribers that disconnect leave no subscription, socket, timer or memory', async () => {
  const { url, app } = await environment.localGateway();
  if (!app.gateway) throw new Error('no gateway');
  const { freshness } = app.gateway;
  // The first subscribers leave resources that are kept for any number of subscribers.
  await runVisitors(environment, url, 200);
  const before = await readHoldings(freshness);
  await runVisitors(environment, url, 500);
  expect(compareHoldings(before, await readHoldings(freshness))).toBeUndefined();
});

test('the disconnect of an idle subscriber is noticed at once', async () => {
  const subscribers = async () =>
    Number(
      /^tenant_registry_subscribers (\d+)$/m.exec(await (await fetch(`${gateway.url}/metrics`)).text())?.[1],
    );
  const stream = await openEvents(gateway.url, { key: environment.key });
  await expect.poll(subscribers).toBe(1);
  stream.destroy();
  await expect.poll(subscribers, { timeout: 1_000 }).toBe(0);
  expect(gateway.complaints).toEqual([]);
});
