import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Log } from '../log.js';

/** One Redis, a Sentinel's master or a Cluster: what a tier needs of them is the same. */
export type RedisConnection = Redis | Cluster;

/** How long a command may take, in milliseconds: what is slower than the database is no cache. */
const commandTimeoutMs = 50;

/** Nothing waits for Redis: no queue while it is away, no second try, nothing sent again after a reconnect. */
const impatient = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  commandTimeout: commandTimeoutMs,
  connectTimeout: 1_000,
  retryStrategy: (attempt: number) => Math.min(50 * attempt, 1_000),
} satisfies RedisOptions;

/**
 * Opens what REDIS_URL names: `redis://`, `rediss://`, `redis-sentinel://host:26379,host:26379/master-name/0`, or nodes of a
 * Cluster separated by commas. Returns at once; a Redis that is not there is found out by who uses it.
 */
export function openRedis(url: string, log: Log): RedisConnection {
  const connection = open(url);
  // Without a listener an error ends the process. The tier's breaker says what matters.
  connection.on('error', (error) => log.debug({ err: error }, 'redis connection'));
  return connection;
}

function open(url: string): RedisConnection {
  if (url.startsWith('redis-sentinel://')) return openSentinel(url);
  const nodes = url.split(',');
  if (nodes.length === 1) return new Redis(url, impatient);
  // A Cluster has its own offline queue and retry strategy, set beside.
  const { enableOfflineQueue, retryStrategy, ...patience } = impatient;
  const { username, password, protocol } = new URL(nodes[0] ?? url);
  return new Cluster(
    nodes.map((node) => ({ host: new URL(node).hostname, port: Number(new URL(node).port || 6379) })),
    {
      enableOfflineQueue,
      clusterRetryStrategy: retryStrategy,
      redisOptions: {
        ...patience,
        ...credentials({ username, password }),
        ...(protocol === 'rediss:' && { tls: {} }),
      },
    },
  );
}

function openSentinel(text: string): Redis {
  const [, authority = '', name = 'mymaster', database] =
    /^redis-sentinel:\/\/([^/]+)(?:\/([^/]+))?(?:\/(\d+))?$/.exec(text) ?? [];
  const at = authority.lastIndexOf('@');
  const [username = '', password = ''] = at < 0 ? [] : authority.slice(0, at).split(':');
  const sentinels = authority
    .slice(at + 1)
    .split(',')
    .map((node) => {
      const { hostname, port } = new URL(`redis://${node}`);
      return { host: hostname, port: Number(port || 26379) };
    });
  return new Redis({
    ...impatient,
    sentinels,
    name,
    ...(database && { db: Number(database) }),
    ...credentials({ username, password }),
  });
}

function credentials({ username, password }: { username: string; password: string }) {
  return {
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
  };
}
