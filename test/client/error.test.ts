import { expect, test } from 'vitest';
import { statusByCode, TenantRegistryError } from '../../src/client/error.js';
import { fenceRefusals } from '../../src/client/transactions/entrance.js';
import { statusByCode as gatewayStatusByCode, guardRefusals, RegistryError } from '../../src/errors.js';

test('the client has the same codes and statuses as the gateway', () => {
  expect(statusByCode).toEqual(gatewayStatusByCode);
});

test.each(Object.keys(statusByCode) as (keyof typeof statusByCode)[])(
  '%s is worth a retry for both',
  (code) => {
    const { retryAfterMs } = new RegistryError(code, 'refused');
    expect(new TenantRegistryError(code, 'refused').retryAfter).toBe(retryAfterMs && retryAfterMs / 1_000);
  },
);

test('the client has the same refusals of the fence as the gateway', () => {
  expect(fenceRefusals).toEqual(guardRefusals);
});

test('an error has a status, and seconds to wait where a retry may help', () => {
  const one = (...args: ConstructorParameters<typeof TenantRegistryError>) => {
    const { status, retryAfter } = new TenantRegistryError(...args);
    return [status, retryAfter];
  };
  expect(one('TENANT_DELETED', 'gone')).toEqual([410, undefined]);
  expect(one('REGISTRY_UNAVAILABLE', 'away')).toEqual([503, 1]);
  expect(one('RATE_LIMITED', 'slowly', { retryAfter: 7 })).toEqual([429, 7]);
});
