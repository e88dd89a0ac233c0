import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { replicasOf } from '../feed/support/two-gateways.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { type GatewayProcess, startGateway } from '../setup/gateway-process.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

/** D of these gateways. */
const stalenessMs = 1_500;

/** Whoever waits for a gateway that is gone waits for longer: most of D after its last poll. */
const heldUpMs = stalenessMs / 3;

/** Less than waiting twice. */
const onceMs = stalenessMs + 1_000;

let here: TestGateway;
let acme: StoryTenant;
let key: string;
beforeAll(async () => {
  here = await openGateway({ config: { stalenessMs } });
  acme = await aTenant().subscribedTo('finance').at(here);
  key = await here.createKey('resolve:*', 'registry:write');
});
afterAll(() => here?.close());

const start = (): Promise<GatewayProcess> =>
  startGateway({
    databaseUrl: here.registry.url,
    serviceUrl: here.serviceUrl,
    key,
    env: { STALENESS_BOUND_MS: `${stalenessMs}` },
  });

/** Suspends or resumes, and says how long that took to be answered. */
async function timed(mutation: 'suspendTenant' | 'resumeTenant'): Promise<number> {
  const startedAt = performance.now();
  const reason = mutation === 'suspendTenant' && { reason: 'unpaid' };
  const { codes } = await mutate(here, mutation, { tenantId: acme.id, ...reason });
  expect(codes).toEqual([]);
  return performance.now() - startedAt;
}

describe('a gateway that is killed', () => {
  test('holds mutations up once, for at most D; then it is forgotten', async () => {
    const killed = await start();
    await timed('suspendTenant');
    await timed('resumeTenant');
    expect(await replicasOf(here)).toHaveLength(2);
    await killed.kill();
    const first = await timed('suspendTenant');
    expect(first).toBeGreaterThan(heldUpMs);
    expect(first).toBeLessThan(onceMs);
    expect(await replicasOf(here)).toHaveLength(1);
    const others = [await timed('resumeTenant'), await timed('suspendTenant'), await timed('resumeTenant')];
    expect(Math.max(...others)).toBeLessThan(heldUpMs);
  });

  test('holds many mutations up at the same time, not one after the other', async () => {
    const killed = await start();
    await killed.kill();
    const startedAt = performance.now();
    const tenants = await Promise.all(Array.from({ length: 5 }, () => aTenant().at(here)));
    expect(new Set(tenants.map(({ id }) => id)).size).toBe(5);
    expect(performance.now() - startedAt).toBeLessThan(onceMs);
    expect(await replicasOf(here)).toHaveLength(1);
  });
});

test('a gateway that is told to stop is out of the way before it has ended, and never held up', async () => {
  const stopped = await start();
  expect(await replicasOf(here)).toHaveLength(2);
  expect(await stopped.stop()).toBe(0);
  expect(await replicasOf(here)).toHaveLength(1);
  expect(await timed('suspendTenant')).toBeLessThan(heldUpMs);
  expect(await timed('resumeTenant')).toBeLessThan(heldUpMs);
});

describe('a gateway that stands still', () => {
  test('holds mutations up for D; when it goes on, what it knew counts no more', async () => {
    await using frozen = await start();
    const there = () => resolve(frozen, acme.id);
    expect([await there(), await there()]).toEqual(Array(2).fill(`finance_${acme.slug}`));
    frozen.freeze();
    expect(await timed('suspendTenant')).toBeLessThan(onceMs);
    expect(await replicasOf(here)).toHaveLength(1);
    frozen.thaw();
    // The very first answer after it.
    expect(await there()).toBe('TENANT_SUSPENDED');
    await expect.poll(() => replicasOf(here), { timeout: 3_000 }).toHaveLength(2);
    await timed('resumeTenant');
    expect(await there()).toBe(`finance_${acme.slug}`);
  });

  test('for less than D is waited for', async () => {
    await using frozen = await start();
    frozen.freeze();
    const thawed = delay(600).then(() => frozen.thaw());
    const tookMs = await timed('suspendTenant');
    await thawed;
    expect(tookMs).toBeGreaterThan(550);
    expect(tookMs).toBeLessThan(stalenessMs + 200);
    expect(await resolve(frozen, acme.id)).toBe('TENANT_SUSPENDED');
    expect(await replicasOf(here)).toHaveLength(2);
    await timed('resumeTenant');
  });
});
