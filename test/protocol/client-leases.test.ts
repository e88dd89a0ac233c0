import { beforeEach, describe, expect, test } from 'vitest';
import { ClientLeases } from '../../src/feed/client-leases.js';

let now: number;
let leases: ClientLeases;
beforeEach(() => {
  now = 0;
  leases = new ClientLeases(() => now);
});

/** Grants a lease to a client that has applied this revision; undefined means that its cache is empty. */
const renew = (client: string, confirmed: bigint | undefined, current = 20n, remainingMs = 1_000) =>
  leases.grant({ actor: 'api-key:one', client }, { confirmed, current, remainingMs });

describe('the confirmed revision', () => {
  test('is the lowest one of all clients with a lease', () => {
    expect(leases.lowestConfirmed).toBeUndefined();
    renew('ann', 12n);
    renew('ben', 11n);
    leases.grantUnnamed(13n, 1_000);
    expect(leases.lowestConfirmed).toBe(11n);
    renew('ben', 14n);
    expect(leases.lowestConfirmed).toBe(12n);
  });

  test('of a client counts until its lease ends', () => {
    renew('ann', 12n);
    leases.grantUnnamed(11n, 500);
    now = 499;
    expect(leases.lowestConfirmed).toBe(11n);
    now = 500;
    expect(leases.lowestConfirmed).toBe(12n);
    now = 1_000;
    expect(leases.lowestConfirmed).toBeUndefined();
  });

  test('of a client with an empty cache is the current one', () => {
    renew('ann', undefined);
    expect(leases.lowestConfirmed).toBe(20n);
  });

  test('of a client that must drop everything stays the same, because the client may not get that answer', () => {
    renew('ann', 12n);
    renew('ann', undefined);
    expect(leases.lowestConfirmed).toBe(12n);
    renew('ann', 20n);
    expect(leases.lowestConfirmed).toBe(20n);
  });

  test('does not end earlier with a shorter lease, because the client may use the longer one', () => {
    renew('ann', 12n, 20n, 1_000);
    renew('ann', 12n, 20n, 0);
    now = 999;
    expect(leases.lowestConfirmed).toBe(12n);
  });

  test('counts longer with each reusable answer', () => {
    renew('ann', 12n);
    now = 900;
    expect(leases.extend({ actor: 'api-key:one', client: 'ann' }, 1_000)).toBe(true);
    now = 1_899;
    expect(leases.lowestConfirmed).toBe(12n);
    expect(leases.extend({ actor: 'api-key:one', client: 'nobody' }, 1_000)).toBe(false);
  });

  test('of clients without a name counts as long as the longest of their answers', () => {
    leases.grantUnnamed(12n, 1_000);
    leases.grantUnnamed(12n, 100);
    leases.grantUnnamed(13n, 2_000);
    now = 999;
    expect(leases.lowestConfirmed).toBe(12n);
    now = 1_999;
    expect(leases.lowestConfirmed).toBe(13n);
  });

  test('is zero in a new history, and earlier leases still count', () => {
    renew('ann', 12n);
    leases.grantUnnamed(13n, 500);
    leases.startOver();
    expect(leases.lowestConfirmed).toBe(0n);
    renew('ann', undefined, 5n);
    expect(leases.lowestConfirmed).toBe(0n);
    renew('ann', 5n, 5n);
    now = 500;
    expect(leases.lowestConfirmed).toBe(5n);
  });

  test('counts for clients beyond the ten thousandth as well', () => {
    for (let client = 0; client < 10_000; client++) renew(`client ${client}`, 15n);
    renew('one more', 14n);
    expect(leases.lowestConfirmed).toBe(14n);
    now = 1_000;
    expect(leases.lowestConfirmed).toBeUndefined();
  });
});

describe('a lease belongs to its caller:', () => {
  const thief = { actor: 'api-key:two', client: 'ann' };

  test('the same client id of another caller neither renews, extends nor ends it', () => {
    renew('ann', 12n);
    leases.grant(thief, { confirmed: 19n, current: 20n, remainingMs: 1_000 });
    expect(leases.lowestConfirmed).toBe(12n);
    leases.end(thief);
    expect(leases.lowestConfirmed).toBe(12n);
    expect(leases.extend(thief, 9_000)).toBe(false);
    now = 1_000;
    expect(leases.lowestConfirmed).toBeUndefined();
  });

  test('an announced restart by another caller does not read its confirmation', () => {
    renew('ann', 12n);
    leases.end({ actor: 'api-key:one', client: 'ann' });
    leases.grant(thief, { confirmed: 15n, current: 20n, remainingMs: 1_000 });
    renew('ann', undefined);
    leases.end(thief);
    expect(leases.lowestConfirmed).toBe(20n);
  });
});
