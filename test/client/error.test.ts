import { expect, test } from 'vitest';
import { fenceRefusals } from '../../src/client/entrance.js';
import { statusByCode, TenantRegistryError } from '../../src/client/error.js';
import { statusByCode as gatewayStatusByCode, guardRefusals } from '../../src/errors.js';

test('the client knows the gateway’s codes and statuses, and no others', () => {
  expect(statusByCode).toEqual(gatewayStatusByCode);
});

test('the client knows how the fence refuses', () => {
  expect(fenceRefusals).toEqual(guardRefusals);
});

test('an error says its status, and when to ask again where that may help', () => {
  const one = (...args: ConstructorParameters<typeof TenantRegistryError>) => {
    const { status, retryAfter } = new TenantRegistryError(...args);
    return [status, retryAfter];
  };
  expect(one('TENANT_DELETED', 'gone')).toEqual([410, undefined]);
  expect(one('REGISTRY_UNAVAILABLE', 'away')).toEqual([503, 1]);
  expect(one('RATE_LIMITED', 'slowly', { retryAfter: 7 })).toEqual([429, 7]);
});
