import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { PrismaClient } from '../../../src/database/generated/prisma/client.js';
import type { OperationWithSteps } from '../../../src/provisioning/operations/operation.js';
import { watchOperations } from '../../../src/provisioning/operations/reads/operation-watch.js';
import { routesChanged } from '../../feed/support/credential-streams.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { usualRequestLimits } from '../../setup/request-limits.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway({
    authMode: 'required',
    config: { requestLimits: { ...usualRequestLimits, streamsPerCaller: 2, streamsPerGateway: 3 } },
  });
});
afterAll(() => gateway?.close());

describe('streams are refused in words', () => {
  test('beyond STREAMS_PER_CALLER with 429, beyond STREAMS_PER_GATEWAY with 503, until one ends', async () => {
    const [one, other] = [
      await gateway.createKey('resolve:finance'),
      await gateway.createKey('resolve:finance'),
    ];
    const streams = [
      await routesChanged(gateway.url, one),
      await routesChanged(gateway.url, one),
      await routesChanged(gateway.url, other),
    ];
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200]);

    const third = await routesChanged(gateway.url, one);
    await third.end(5_000);
    expect(third.status).toBe(429);
    expect(third.text()).toContain('RATE_LIMITED');
    expect(third.text()).toContain('STREAMS_PER_CALLER');

    const fourth = await routesChanged(gateway.url, other);
    await fourth.end(5_000);
    expect(fourth.status).toBe(503);
    expect(fourth.text()).toContain('STREAMS_PER_GATEWAY');

    await streams[0]?.[Symbol.asyncDispose]();
    await expect
      .poll(async () => {
        const again = await routesChanged(gateway.url, one);
        streams.push(again);
        return again.status;
      })
      .toBe(200);
    for (const stream of streams) await stream[Symbol.asyncDispose]();
    await expect.poll(() => gateway.app.gateway?.limits.streams.open).toBe(0);
  });

  test('and a subscription that fails takes no place', async () => {
    const key = await gateway.createKey('registry:read');
    for (let at = 0; at < 5; at++) expect((await routesChanged(gateway.url, key)).status).toBe(403);
    expect(gateway.app.gateway?.limits.streams.open).toBe(0);
  });
});

describe('one poll reads the watched operations, whoever watches', () => {
  const operation = (id: string, status: string) =>
    // Only what the watch looks at.
    ({ id, status, error: null, attempt: 1, steps: [] }) as unknown as OperationWithSteps;

  test('each watcher gets each change, the end ends it, and without watchers nothing is read', async () => {
    vi.useFakeTimers();
    try {
      const reads: string[][] = [];
      const states = new Map([
        ['a', 'QUEUED'],
        ['b', 'QUEUED'],
      ]);
      const findMany = async ({ where }: { where: { id: { in: string[] } } }) => {
        reads.push(where.id.in);
        return where.id.in.map((id) => operation(id, states.get(id) ?? ''));
      };
      const watch = watchOperations({ operation: { findMany } } as unknown as PrismaClient);
      const watchers = Array.from({ length: 40 }, (_, at) =>
        watch.watch(operation(at % 2 ? 'a' : 'b', 'QUEUED')),
      );
      const firsts = await Promise.all(watchers.map((watcher) => watcher.next()));
      expect(firsts.map(({ value }) => value.status)).toEqual(watchers.map(() => 'QUEUED'));

      const seconds = watchers.map((watcher) => watcher.next());
      await vi.advanceTimersByTimeAsync(250);
      expect(reads).toEqual([['b', 'a']]);
      states.set('a', 'RUNNING').set('b', 'RUNNING');
      await vi.advanceTimersByTimeAsync(200);
      expect(reads).toHaveLength(2);
      for (const { value } of await Promise.all(seconds)) expect(value.status).toBe('RUNNING');

      states.set('a', 'SUCCEEDED').set('b', 'FAILED');
      await vi.advanceTimersByTimeAsync(200);
      for (const watcher of watchers) {
        const { value, done } = await watcher.next();
        expect([/SUCCEEDED|FAILED/.test(value.status), done]).toEqual([true, false]);
        expect(await watcher.next()).toEqual({ value: undefined, done: true });
      }
      await vi.advanceTimersByTimeAsync(2_000);
      expect(reads).toHaveLength(3);
      expect(watch.watchers).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test('a failed read ends the watchers with its error, and one that leaves is not read for', async () => {
    vi.useFakeTimers();
    try {
      const findMany = async () => {
        throw new Error('away');
      };
      const watch = watchOperations({ operation: { findMany } } as unknown as PrismaClient);
      const [stays, leaves] = [watch.watch(operation('a', 'QUEUED')), watch.watch(operation('b', 'QUEUED'))];
      await stays.next();
      await leaves.return?.();
      expect(watch.watchers).toBe(1);
      const next = expect(stays.next()).rejects.toThrow('away');
      await vi.advanceTimersByTimeAsync(250);
      await next;
      expect(watch.watchers).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
