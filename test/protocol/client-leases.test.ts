import { beforeEach, describe, expect, test } from 'vitest';
import { ClientLeases } from '../../src/feed/client-leases.js';

let now: number;
let leases: ClientLeases;
beforeEach(() => {
  now = 0;
  leases = new ClientLeases(() => now);
});

/** A client that says to have applied that; undefined: that it holds nothing. */
const renew = (client: string, confirmed: bigint | undefined, current = 20n, remainingMs = 1_000) =>
  leases.grant(client, { confirmed, current, remainingMs });

describe('what clients have confirmed', () => {
  test('is the least of all who hold a lease', () => {
    expect(leases.lowestConfirmed).toBeUndefined();
    renew('ann', 12n);
    renew('ben', 11n);
    leases.grantUnnamed(13n, 1_000);
    expect(leases.lowestConfirmed).toBe(11n);
    renew('ben', 14n);
    expect(leases.lowestConfirmed).toBe(12n);
  });

  test('counts until the lease has ended, and no longer', () => {
    renew('ann', 12n);
    leases.grantUnnamed(11n, 500);
    now = 499;
    expect(leases.lowestConfirmed).toBe(11n);
    now = 500;
    expect(leases.lowestConfirmed).toBe(12n);
    now = 1_000;
    expect(leases.lowestConfirmed).toBeUndefined();
  });

  test('is what is current for who begins with nothing', () => {
    renew('ann', undefined);
    expect(leases.lowestConfirmed).toBe(20n);
  });

  test('stays what it was for who is told to drop everything, for it may not hear of it', () => {
    renew('ann', 12n);
    renew('ann', undefined);
    expect(leases.lowestConfirmed).toBe(12n);
    renew('ann', 20n);
    expect(leases.lowestConfirmed).toBe(20n);
  });

  test('does not end earlier by a shorter lease, for the client may go on with the longer one', () => {
    renew('ann', 12n, 20n, 1_000);
    renew('ann', 12n, 20n, 0);
    now = 999;
    expect(leases.lowestConfirmed).toBe(12n);
  });

  test('counts for longer with each answer that may be used again', () => {
    renew('ann', 12n);
    now = 900;
    expect(leases.extend('ann', 1_000)).toBe(true);
    now = 1_899;
    expect(leases.lowestConfirmed).toBe(12n);
    expect(leases.extend('nobody', 1_000)).toBe(false);
  });

  test('counts for the longest of several answers to clients without a name', () => {
    leases.grantUnnamed(12n, 1_000);
    leases.grantUnnamed(12n, 100);
    leases.grantUnnamed(13n, 2_000);
    now = 999;
    expect(leases.lowestConfirmed).toBe(12n);
    now = 1_999;
    expect(leases.lowestConfirmed).toBe(13n);
  });

  test('is nothing of a history that has just begun, and what was granted before still counts', () => {
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

  test('counts for who comes after the ten thousandth as well', () => {
    for (let client = 0; client < 10_000; client++) renew(`client ${client}`, 15n);
    renew('one more', 14n);
    expect(leases.lowestConfirmed).toBe(14n);
    now = 1_000;
    expect(leases.lowestConfirmed).toBeUndefined();
  });
});
