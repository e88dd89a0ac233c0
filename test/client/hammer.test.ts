import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTheFence } from './support/broken-fence.js';
import { runHammer } from './support/hammer.js';
import { type City, openCity } from './support/killable-gateways.js';

/** D of the gateways. */
const stalenessMs = 2_000;

let city: City;
beforeAll(async () => {
  city = await openCity({ tenants: 20, stalenessMs });
}, 120_000);
afterAll(() => city?.[Symbol.asyncDispose]());

test('51 clients in three processes work while tenants are suspended and deleted: none after the acknowledgement, and never with another’s rows', {
  timeout: 180_000,
}, async () => {
  const report = await runHammer(city, { seconds: 8, closures: 6, stalenessMs, freezes: true });
  const { statements, foreign, late, failed, refused } = report;
  expect({ foreign, late, failed }).toEqual({ foreign: [], late: [], failed: {} });
  expect([statements > 1_000, Object.keys(refused).includes('TENANT_SUSPENDED')]).toEqual([true, true]);
});

test('the same is found out when the fence looks at no state', { timeout: 180_000 }, async () => {
  await openTheFence(city.finance);
  // So few, and for so long, that somebody is inside whichever of them is closed, and is not ended.
  const crowded = { ...city, tenants: city.tenants.slice(0, 4) };
  const { late } = await runHammer(crowded, { seconds: 2, closures: 6, stay: 200, stalenessMs });
  expect(late.length).toBeGreaterThan(0);
});
