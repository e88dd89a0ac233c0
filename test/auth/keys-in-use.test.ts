import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KeysInUse } from '../../src/auth/keys-in-use.js';
import type { Log } from '../../src/log.js';
import { openGateway } from '../setup/gateway.js';

const dayMs = 86_400_000;
let warned: unknown[];
let keys: KeysInUse;
beforeEach(() => {
  warned = [];
  keys = new KeysInUse({ warn: (fields: unknown) => void warned.push(fields) } as unknown as Log);
});
afterEach(() => vi.useRealTimers());

test('a key in use that expires within 14 days gets a line of the log once a day', () => {
  vi.useFakeTimers({ now: 0 });
  const use = (id: string, days: number | null) =>
    keys.used({ id, scopes: [], expiresAt: days === null ? null : days * dayMs });
  use('later', 15);
  use('never', null);
  use('soon', 14);
  use('soon', 14);
  expect(warned).toEqual([{ keyId: 'soon', expiresAt: '1970-01-15T00:00:00.000Z' }]);
  expect(keys.expiring).toBe(1);
  vi.setSystemTime(dayMs);
  use('soon', 14);
  use('later', 15);
  expect([warned.length, keys.expiring]).toEqual([3, 2]);
  vi.setSystemTime(14 * dayMs);
  expect(keys.expiring).toBe(1);
  use('later', null);
  expect(keys.expiring).toBe(0);
});

test('the metric counts the keys in use that expire soon', async () => {
  await using gateway = await openGateway({ config: { apiKeyLifetimeDays: 13 } });
  const count = async () => {
    const text = await (await fetch(`${gateway.url}/metrics`)).text();
    return Number(/^tenant_registry_expiring_api_keys (\d+)$/m.exec(text)?.[1]);
  };
  const key = await gateway.createKey('registry:read');
  expect(await count()).toBe(0);
  await gateway.ask('{ modules { name } }', {}, { key });
  expect(await count()).toBe(1);
});
