import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import { createReader } from '../../src/registry/resolution/reader.js';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { resolve } from '../setup/graphql-calls.js';
import { isRedisInstalled, openRedisServer } from '../setup/redis.js';
import { aTenant } from '../setup/stories.js';
import { openTwoGateways, replicasOf, warm } from './support/two-gateways.js';

describe('without notifications', () => {
  test('the regular poll finds changes within a second, and notifications are restored automatically', async () => {
    await using gateways = await openTwoGateways();
    const { one, other } = gateways;
    const { id, slug } = await aTenant().subscribedTo('finance').at(one);
    const listeners = async () =>
      (
        await one.psql<{ count: string }>(
          `SELECT count(*) FROM pg_stat_activity
         WHERE datname = $1 AND application_name = 'tenant-registry listener'`,
          [one.registry.name],
        )
      )[0]?.count;
    const change = async (status: string) => {
      await warm(other, id);
      await sql(one.registry.url, 'UPDATE tenants SET status = $2::tenant_status WHERE id = $1', [
        id,
        status,
      ]);
      const startedAt = performance.now();
      const answer = status === 'active' ? `finance_${slug}` : 'TENANT_SUSPENDED';
      await expect.poll(() => resolve(other, id), { timeout: 1_000, interval: 5 }).toBe(answer);
      return performance.now() - startedAt;
    };
    await expect.poll(listeners).toBe('2');
    await sql(
      one.registry.url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = $1 AND application_name = 'tenant-registry listener'`,
      [one.registry.name],
    );
    await change('suspended');
    await expect.poll(listeners, { timeout: 5_000 }).toBe('2');
    const latencies: number[] = [];
    for (const status of ['active', 'suspended', 'active', 'suspended', 'active'])
      latencies.push(await change(status));
    // Without notifications each change would have waited for the next poll, up to half a second.
    expect(latencies.sort((a, b) => a - b)[2]).toBeLessThan(100);
  });
});

describe.each([
  ['memory alone', false],
  ...(isRedisInstalled ? [['memory and Redis', true] as [string, boolean]] : []),
] as [string, boolean][])('with %s', (_tiers, isWithRedis) => {
  test('10,000 cold reads of one key at once, on three gateways, cost at most three statements', async () => {
    await using redis = isWithRedis ? await openRedisServer() : undefined;
    const config = { redisUrl: redis?.url };
    await using one = await openGateway({ config });
    await using second = await openGateway({ sharing: one, config });
    await using third = await openGateway({ sharing: one, config });
    const { slug } = await aTenant().subscribedTo('finance').at(one);
    for (const reference of [slug, 'nobody-of-this-name']) {
      const answers = new Set<unknown>();
      const statements = await recordStatements(async () => {
        await Promise.all(
          Array.from({ length: 10_000 }, async (_, at) => {
            const gateway = [one, second, third][at % 3] as TestGateway;
            // Each read has its own reader, as each request does.
            answers.add(await readAt(gateway, reference));
          }),
        );
      });
      expect(statements.length).toBeLessThanOrEqual(3);
      expect([...answers]).toEqual([reference === slug ? `finance_${slug}` : 'TENANT_NOT_FOUND']);
    }
  });
});

async function readAt({ app }: TestGateway, reference: string): Promise<string> {
  if (!app.gateway) throw new Error('no gateway');
  const { caches, freshness } = app.gateway;
  const reader = createReader({ caches, follower: freshness.follower, caller: developer });
  const resolution = await reader.resolve({
    reference,
    module: 'finance',
    consistency: 'CACHED',
    minRevision: undefined,
  });
  return 'code' in resolution ? resolution.code : resolution.schemaName;
}

describe('a gateway that closes', () => {
  test('removes its row and leaves no connection, timer or socket', async () => {
    await using one = await openGateway();
    const { id } = await aTenant().subscribedTo('finance').at(one);
    const connections = async () =>
      Number(
        (
          await one.psql<{ count: string }>('SELECT count(*) FROM pg_stat_activity WHERE datname = $1', [
            one.registry.name,
          ])
        )[0]?.count,
      );
    // The number of resources that the first gateway keeps open becomes constant.
    await resolve(one, id);
    await delay(200);
    const before = process.getActiveResourcesInfo().filter((kind) => /Timeout|TCP/.test(kind)).length;
    const connectionsBefore = await connections();
    for (let round = 0; round < 3; round++) {
      const second = await openGateway({ sharing: one });
      await resolve(second, id);
      expect(await replicasOf(one)).toHaveLength(2);
      await second.close();
      expect(await replicasOf(one)).toHaveLength(1);
    }
    await expect.poll(connections).toBeLessThanOrEqual(connectionsBefore);
    const left = () => process.getActiveResourcesInfo().filter((kind) => /Timeout|TCP/.test(kind)).length;
    // The test's own HTTP client may hold a connection for a moment.
    await expect.poll(left, { timeout: 10_000, interval: 200 }).toBeLessThanOrEqual(before + 1);
  });
});

async function sql(url: string, text: string, parameters: unknown[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(text, parameters);
  await client.end();
}
