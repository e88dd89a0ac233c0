import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { readConfig } from '../../src/config.js';
import { FailedAuthentications } from '../../src/rates/failed-authentications.js';
import { RateLimit } from '../../src/rates/rate-limit.js';
import { RateLimited, rateHeaders } from '../../src/rates/rate-limited.js';
import { clientAddress } from '../../src/server/requests/client-address.js';

const rule = { name: 'mutations', quota: 3, windowSeconds: 60 };

test('a window holds its quota, refuses the rest, and a new one begins when it ends', () => {
  let now = 0;
  const limit = new RateLimit(rule, { clock: () => now });
  expect([limit.take('a', 2), limit.take('a', 2), limit.take('a'), limit.take('a'), limit.take('b')]).toEqual(
    [true, false, true, false, true],
  );
  now = 59_001;
  expect(limit.stateOf('a')).toMatchObject({ remaining: 0, resetSeconds: 1 });
  now = 60_000;
  expect(limit.stateOf('a')).toMatchObject({ remaining: 3, resetSeconds: 60 });
  expect(rateHeaders(limit.stateOf('a'), true)).toEqual({
    'ratelimit-policy': '"mutations";q=3;w=60',
    ratelimit: '"mutations";r=3;t=60',
    'retry-after': '60',
  });
});

test('what the other gateways used counts as soon as it is known, and costs at most one window', () => {
  let now = 0;
  let learn: (shared: { count: number; remainingMs: number }) => void = () => undefined;
  const limit = new RateLimit(rule, {
    clock: () => now,
    shared: {
      add(_key, _uses, whenKnown) {
        learn = whenKnown;
      },
    },
  });
  expect(limit.take('a')).toBe(true);
  learn({ count: 3, remainingMs: 10_000 });
  expect(limit.take('a')).toBe(false);
  now = 10_000;
  expect(limit.take('a')).toBe(true);
});

test('a burst of unknown credentials runs no more look-ups than may fail, and a burst of good ones is served', async () => {
  const failures = new FailedAuthentications(new RateLimit(rule, { clock: () => 0 }));
  let running = 0;
  let most = 0;
  let lookups = 0;
  const lookUp = async (isGood: boolean) => {
    lookups++;
    most = Math.max(most, ++running);
    await new Promise((done) => setImmediate(done));
    running--;
    if (!isGood) throw new Error('unknown');
    return 'caller';
  };
  const attempts = (isGood: boolean, address: string) =>
    Promise.allSettled(
      Array.from({ length: 200 }, () =>
        failures.attempt(
          address,
          () => lookUp(isGood),
          () => true,
        ),
      ),
    );
  const good = await attempts(true, 'a');
  expect(good.filter(({ status }) => status === 'fulfilled')).toHaveLength(200);
  expect(most).toBe(3);
  lookups = 0;
  const bad = await attempts(false, 'a');
  const limited = bad.filter((one) => one.status === 'rejected' && one.reason instanceof RateLimited);
  expect([lookups, limited.length]).toEqual([3, 197]);
  expect((await attempts(true, 'b')).every(({ status }) => status === 'fulfilled')).toBe(true);
});

test('a failure that says nothing about the credentials does not count', async () => {
  const failures = new FailedAuthentications(new RateLimit(rule, { clock: () => 0 }));
  for (let time = 0; time < 10; time++)
    await expect(
      failures.attempt(
        'a',
        () => Promise.reject(new Error('outage')),
        () => false,
      ),
    ).rejects.toThrow('outage');
});

const proxies = readConfig({ TRUSTED_PROXIES: '10.0.0.0/8, fd00::/8,192.0.2.7' }).trustedProxies;
test.each([
  ['192.0.2.1', undefined, '192.0.2.1'],
  ['::ffff:192.0.2.1', undefined, '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', undefined, '2001:db8:1:2::/64'],
  ['2001:db8::6', undefined, '2001:db8:0:0::/64'],
  ['2001:0DB8:0001:0002::', undefined, '2001:db8:1:2::/64'],
  ['::1', undefined, '0:0:0:0::/64'],
  ['fe80::1%eth0', undefined, 'fe80:0:0:0::/64'],
  ['192.0.2.1', '198.51.100.1', '192.0.2.1'],
  ['10.1.1.1', '198.51.100.1', '198.51.100.1'],
  ['10.1.1.1', undefined, '10.1.1.1'],
  ['10.1.1.1', '1.1.1.1, 198.51.100.1, 192.0.2.7,10.9.9.9', '198.51.100.1'],
  ['::ffff:10.1.1.1', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['10.1.1.1', 'unknown, 198.51.100.1', '198.51.100.1'],
  ['10.1.1.1', '198.51.100.1, unknown', '10.1.1.1'],
  ['fd00::1', '198.51.100.1', '198.51.100.1'],
])('a connection from %s with X-Forwarded-For %s counts for %s', (remoteAddress, forwarded, address) => {
  const request = {
    socket: { remoteAddress },
    headers: { ...(forwarded && { 'x-forwarded-for': forwarded }) },
  } as unknown as IncomingMessage;
  expect(clientAddress(request, proxies)).toBe(address);
});
