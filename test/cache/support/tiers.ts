/** Tiers of all kinds, for tests of their common contract. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { openMemoryTier } from '../../../src/cache/memory-tier.js';
import { openRedis, type RedisConnection } from '../../../src/cache/redis-connection.js';
import { openRedisTier } from '../../../src/cache/redis-tier.js';
import { createSeal, type Seal } from '../../../src/cache/seal.js';
import type { Entry, Tier } from '../../../src/cache/tier.js';
import { openLog } from '../../../src/log.js';
import { isRedisInstalled, openRedisCluster, openRedisServer } from '../../setup/redis.js';
import { until } from '../../setup/until.js';

export interface Note {
  text: string;
}

/** The secret of the registry that the tiers belong to. */
const secret = Buffer.alloc(32, 'secret of a registry');

export interface RedisTier extends AsyncDisposable {
  tier: Tier<Note>;
  connection: RedisConnection;
  /** The reports of the breaker, in order. */
  breaker: boolean[];
  /** The key's name in Redis. */
  nameOf(key: string): string;
}

/** Opens a tier with its own connection; `isConnected: false` when there is no server. */
export async function openTierOn(
  url: string,
  options: { ttlMs?: number; isConnected?: boolean; loadSeal?: () => Promise<Seal> } = {},
): Promise<RedisTier> {
  const { ttlMs = 60_000, isConnected = true, loadSeal = async () => createSeal(secret) } = options;
  const connection = openRedis(url, openLog('silent'));
  const breaker: boolean[] = [];
  const tier = openRedisTier<Note>(connection, {
    namespace: 'note',
    ttlMs,
    value: z.object({ text: z.string() }),
    clock: () => performance.now(),
    loadSeal,
    onBreaker: (isOpen) => void breaker.push(isOpen),
  });
  if (isConnected) await until(() => connection.status === 'ready');
  return {
    tier,
    connection,
    breaker,
    nameOf: (key) => `tenant-registry:note:${key}`,
    [Symbol.asyncDispose]: async () => connection.disconnect(),
  };
}

export interface TierKind {
  name: string;
  isAvailable: boolean;
  /** The store behind the tiers, on which further tiers can be opened. */
  open(): Promise<{
    openTier(options: { ttlMs: number }): Promise<Tier<Note>>;
    close(): Promise<unknown>;
  }>;
}

export const tierKinds: TierKind[] = [
  {
    name: 'memory',
    isAvailable: true,
    open: async () => ({
      openTier: async ({ ttlMs }) => openMemoryTier<Note>({ maxEntries: 10_000, ttlMs }),
      close: async () => undefined,
    }),
  },
  {
    name: 'redis',
    isAvailable: isRedisInstalled,
    open: async () => overConnections(await openRedisServer()),
  },
  {
    name: 'redis cluster',
    isAvailable: isRedisInstalled,
    open: async () => overConnections(await openRedisCluster()),
  },
];

/**
 * Repeats calls while the breaker is open: on a busy machine even a working Redis is sometimes late. For tests of
 * stored entries only: a tier that reports a stored entry as a failure never returns.
 */
export function patient({ tier, breaker }: RedisTier): Tier<Note> {
  const whenAnswered = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (;;) {
      const answer = await ask();
      if (!breaker.at(-1)) return answer;
      await delay(20);
    }
  };
  return {
    ...tier,
    get: (keys) => whenAnswered(async () => tier.get(keys)),
    set: (entries) => whenAnswered(async () => tier.set(entries)),
  };
}

function overConnections(server: { url: string; close(): Promise<void> }) {
  const opened: RedisTier[] = [];
  return {
    async openTier(options: { ttlMs: number }) {
      const redisTier = await openTierOn(server.url, options);
      opened.push(redisTier);
      return patient(redisTier);
    },
    async close() {
      for (const { connection } of opened) connection.disconnect();
      await server.close();
    },
  };
}

export function anEntry(key: string, fields: Partial<Entry<Note>> = {}): Entry<Note> {
  return {
    key,
    epoch: '0123456789abcdef',
    asOf: 7n,
    readAt: Date.now(),
    value: { text: `of ${key}` },
    ...fields,
  };
}

/** Reads one key from the tier. */
export async function look(tier: Tier<Note>, key: string): Promise<Entry<Note> | undefined> {
  return (await tier.get([key]))[0];
}
