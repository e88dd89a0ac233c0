import { afterAll, beforeAll, expect, test } from 'vitest';
import { disableFence } from './support/broken-fence.js';
import { runHammer } from './support/hammer.js';
import { type KillableGateways, openKillableGateways } from './support/killable-gateways.js';

/** The staleness bound of the gateways. */
const stalenessMs = 2_000;

let fixture: KillableGateways;
beforeAll(async () => {
  fixture = await openKillableGateways({ tenants: 20, stalenessMs });
}, 120_000);
afterAll(() => fixture?.[Symbol.asyncDispose]());

test('51 clients in three processes: no statement of a suspended or deleted tenant starts after the acknowledgement, and no row is another tenant’s', async () => {
  const report = await runHammer(fixture, { seconds: 8, closures: 6, stalenessMs, freezes: true });
  const { statements, foreign, late, failed, refused } = report;
  expect({ foreign, late, failed }).toEqual({ foreign: [], late: [], failed: {} });
  expect([statements > 1_000, Object.keys(refused).includes('TENANT_SUSPENDED')]).toEqual([true, true]);
});

test('the check reports late statements when the fence ignores the tenant’s state', async () => {
  await disableFence(fixture.finance);
  // With few tenants and long visits, some session is always inside the tenant being closed.
  const crowded = { ...fixture, tenants: fixture.tenants.slice(0, 4) };
  const { late } = await runHammer(crowded, { seconds: 2, closures: 6, stay: 200, stalenessMs });
  expect(late.length).toBeGreaterThan(0);
});
