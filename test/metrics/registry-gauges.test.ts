import { Registry } from 'prom-client';
import { expect, test, vi } from 'vitest';
import { observeRegistry, type RegistryNumbers } from '../../src/metrics/registry-gauges.js';
import { createNumbersSource } from '../../src/registry/stats/registry-numbers.js';

const numbers: RegistryNumbers = {
  ...{
    tenants: [],
    subscriptions: [],
    operations: [],
    rollouts: [],
    rolloutTenants: [],
    drift: [],
    modules: [],
  },
  queue: { depth: 0, oldestSeconds: 0 },
  driftScanSeconds: null,
};

/** The values without labels, by name. */
async function shownBy(read: () => Promise<{ numbers: RegistryNumbers | undefined; ageSeconds: number }>) {
  const register = new Registry();
  observeRegistry({ read }, [register]);
  const lines = (await register.metrics()).split('\n').filter((line) => line && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => line.split(' ')).map(([name, value]) => [name, Number(value)]),
  );
}

test('what is not known is left out, and is not 0', async () => {
  expect(await shownBy(async () => ({ numbers, ageSeconds: 3 }))).toEqual({
    tenant_registry_operation_queue_depth: 0,
    tenant_registry_operation_queue_age_seconds: 0,
    tenant_registry_numbers_age_seconds: 3,
  });
  expect(await shownBy(async () => ({ numbers: undefined, ageSeconds: 400 }))).toEqual({
    tenant_registry_numbers_age_seconds: 400,
  });
  const scanned = { ...numbers, driftScanSeconds: 7 };
  expect(await shownBy(async () => ({ numbers: scanned, ageSeconds: 0 }))).toMatchObject({
    tenant_registry_drift_scan_age_seconds: 7,
  });
});

test('the age grows as long as the numbers cannot be read, also when they never could', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    let isUp = false;
    const answer = () =>
      isUp ? { rows: [{ numbers }] } : Promise.reject(new Error('the database does not answer'));
    const source = createNumbersSource({ rowPool: { query: async () => answer() } as never }, {
      listModules: async () => [],
    } as never);
    vi.advanceTimersByTime(400_000);
    expect(await source.read()).toEqual({ numbers: undefined, ageSeconds: 400 });
    isUp = true;
    vi.advanceTimersByTime(10_000);
    expect(await source.read()).toEqual({ numbers, ageSeconds: 0 });
    isUp = false;
    vi.advanceTimersByTime(200_000);
    expect(await source.read()).toEqual({ numbers, ageSeconds: 200 });
    vi.advanceTimersByTime(200_000);
    expect(await source.read()).toEqual({ numbers: undefined, ageSeconds: 400 });
  } finally {
    vi.useRealTimers();
  }
});
