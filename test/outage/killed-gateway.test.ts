import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { replicasOf } from '../feed/support/two-gateways.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { type GatewayProcess, startGateway } from '../setup/gateway-process.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

/** Staleness bound of these gateways. */
const stalenessMs = 5_000;

/**
 * A mutation that waits for a killed gateway takes longer than this: most of the staleness bound after its last poll. One that waits
 * for nobody takes less, also on a slow machine.
 */
const heldUpMs = (stalenessMs * 2) / 3;

/** Less than waiting twice, each time for most of the bound. */
const onceMs = stalenessMs * 1.6;

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

/** Suspends or resumes a tenant; returns how long the mutation took. */
async function timed(mutation: 'suspendTenant' | 'resumeTenant'): Promise<number> {
  const startedAt = performance.now();
  const reason = mutation === 'suspendTenant' && { reason: 'unpaid' };
  const { codes } = await mutate(here, mutation, { tenantId: acme.id, ...reason });
  expect(codes).toEqual([]);
  return performance.now() - startedAt;
}

describe('a gateway that is killed', () => {
  test('delays mutations once, for at most the staleness bound, and is then removed', async () => {
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

  test('delays many mutations at the same time, not one after another', async () => {
    const killed = await start();
    await killed.kill();
    const startedAt = performance.now();
    const tenants = await Promise.all(Array.from({ length: 5 }, () => aTenant().at(here)));
    expect(new Set(tenants.map(({ id }) => id)).size).toBe(5);
    // One after another they would take five times as long.
    expect(performance.now() - startedAt).toBeLessThan(3 * stalenessMs);
    expect(await replicasOf(here)).toHaveLength(1);
  });
});

test('a gateway that stops gracefully delays no mutation', async () => {
  const stopped = await start();
  expect(await replicasOf(here)).toHaveLength(2);
  expect(await stopped.stop()).toBe(0);
  expect(await replicasOf(here)).toHaveLength(1);
  expect(await timed('suspendTenant')).toBeLessThan(heldUpMs);
  expect(await timed('resumeTenant')).toBeLessThan(heldUpMs);
});

describe('a frozen gateway', () => {
  test('delays mutations for the staleness bound, and does not use its old entries when it continues', async () => {
    await using frozen = await start();
    const there = () => resolve(frozen, acme.id);
    expect([await there(), await there()]).toEqual(Array(2).fill(`finance_${acme.slug}`));
    frozen.freeze();
    expect(await timed('suspendTenant')).toBeLessThan(onceMs);
    expect(await replicasOf(here)).toHaveLength(1);
    frozen.thaw();
    // The first answer after the pause.
    expect(await there()).toBe('TENANT_SUSPENDED');
    await expect.poll(() => replicasOf(here), { timeout: 3_000 }).toHaveLength(2);
    await timed('resumeTenant');
    expect(await there()).toBe(`finance_${acme.slug}`);
  });

  test('is waited for when the pause is shorter than the staleness bound', async () => {
    await using frozen = await start();
    // Waits for the gateway of the test before, which was killed.
    await timed('suspendTenant');
    await timed('resumeTenant');
    expect(await replicasOf(here)).toHaveLength(2);
    frozen.freeze();
    const thawed = delay(600).then(() => frozen.thaw());
    const tookMs = await timed('suspendTenant');
    await thawed;
    expect(tookMs).toBeGreaterThan(550);
    // A wait for the whole bound would have removed its row.
    expect(tookMs).toBeLessThan(stalenessMs);
    expect(await resolve(frozen, acme.id)).toBe('TENANT_SUSPENDED');
    expect(await replicasOf(here)).toHaveLength(2);
    await timed('resumeTenant');
  });
});
